"""VGG16: sixteen layers of weights, the convolutions all 3 x 3."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import functions as F
from ..core import Variable
from ..layers import Conv2d, Linear
from ..transforms import Convert
from .model import Model
from .weights import load_pretrained

GROUPS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))  # channels, convolutions
MEAN_BLUE_GREEN_RED = (103.939, 116.779, 123.68)  # of ImageNet's images


class VGG16(Model):
    """Tells 1000 kinds of things in images apart.

    Five groups of 3 x 3 convolutions with ReLU, each group followed by 2 x 2 max pooling, then
    three fully connected layers, with dropout after the first two in training.

    Args:
        pretrained: Take weights that were trained on ImageNet: `vgg16.npz`, 514 MB, downloaded
            into the cache folder (`dezero.utils.cache_dir`) at first use, or put there by hand.
            They come from the authors of the paper, under the licence CC BY 4.0.

    Attributes:
        conv1_1, conv1_2, ..., conv5_3: Convolutions of 64, 128, 256, 512 and 512 channels.
        fc6, fc7, fc8: Linear layers of 4096, 4096 and 1000 outputs.

    A call takes images (N, 3, H, W), as `preprocess` makes them, and returns logits (N, 1000);
    `dezero.datasets.ImageNet.labels()` names the classes. Weights that are not loaded are drawn
    at the first call, and fit its H and W from then on: 138,357,544 numbers for 224 x 224, which
    is what trained weights need.

    Raises:
        DownloadError: The trained weights are neither in the cache nor to be had.
        DataError: The file in the cache does not hold them.
        ShapeError: x is not as above, or H or W is below 32.

    Source:
        Simonyan, Zisserman, "Very deep convolutional networks for large-scale image
        recognition", 2014, arXiv:1409.1556.

    >>> model = VGG16()
    >>> [name for name, _ in model.named_params()][-4:]
    ['fc7/W', 'fc7/b', 'fc8/W', 'fc8/b']
    """

    def __init__(self, pretrained: bool = False) -> None:
        super().__init__()
        for group, (channels, convolutions) in enumerate(GROUPS, 1):
            for i in range(1, convolutions + 1):
                setattr(self, f"conv{group}_{i}", Conv2d(channels, 3, pad=1))
        self.fc6 = Linear(4096)
        self.fc7 = Linear(4096)
        self.fc8 = Linear(1000)
        if pretrained:
            load_pretrained(self, "vgg16.npz")

    def forward(self, x: Any) -> Variable:
        for group, (_, convolutions) in enumerate(GROUPS, 1):
            for i in range(1, convolutions + 1):
                x = F.relu(getattr(self, f"conv{group}_{i}")(x))
            x = F.pooling(x, 2, stride=2)
        x = F.flatten(x)
        x = F.dropout(F.relu(self.fc6(x)))
        x = F.dropout(F.relu(self.fc7(x)))
        return self.fc8(x)

    @staticmethod
    def preprocess(
        image: Any, size: tuple[int, int] | None = (224, 224), dtype: Any = np.float32
    ) -> np.ndarray:
        """An image as VGG16's weights expect it: blue, green, red, less their means.

        Args:
            image: A Pillow image of any mode.
            size: (width, height) in pixels to scale it to; None keeps its own.
            dtype: Of the result, a floating-point one.

        Returns:
            (3, height, width), from -123.68 to 151.061. `x[np.newaxis]` is a batch of it.

        Raises:
            DTypeError: image is not a Pillow image.
            MissingDependencyError: Pillow is not installed.

        >>> from PIL import Image
        >>> x = VGG16.preprocess(Image.new("RGB", (640, 480), (255, 0, 0)))
        >>> x.shape, x[:, 0, 0]
        ((3, 224, 224), array([-103.939, -116.779,  131.32 ], dtype=float32))
        """
        image = Convert("RGB")(image)
        if size is not None:
            image = image.resize(size)
        x = np.asarray(image, dtype)[:, :, ::-1] - np.array(MEAN_BLUE_GREEN_RED, dtype)
        return x.transpose(2, 0, 1)  # (H, W, C) to (C, H, W)
