"""ResNet: deep networks whose blocks add to their input."""

from __future__ import annotations

from typing import Any

from .. import functions as F
from ..core import Variable
from ..errors import ShapeError
from ..layers import BatchNorm, Conv2d, Layer, Linear
from .model import Model
from .weights import load_pretrained

DEPTHS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}  # blocks of each stage


class ResNet(Model):
    """Tells 1000 kinds of things in images apart, through 16 to 50 bottleneck blocks.

    A 7 x 7 convolution and max pooling, four stages of blocks, the mean of each channel, and a
    fully connected layer. Every convolution is followed by batch normalisation.

    Args:
        n_layers: 50, 101 or 152.
        pretrained: Take weights that were trained on ImageNet: `resnet50.npz`, `resnet101.npz`
            or `resnet152.npz`, downloaded into the cache folder (`dezero.utils.cache_dir`) at
            first use, or put there by hand. They come from the authors of the paper, under the
            MIT licence. No checksum of these files has been published: names and shapes are what
            is checked.

    Attributes:
        conv1, bn1: The first convolution, of 64 channels, and its normalisation.
        res2, res3, res4, res5: The stages, of 256, 512, 1024 and 2048 channels.
        fc6: The Linear layer of 1000 outputs.

    A call takes images (N, 3, H, W), H and W at least 5, usually 224, and returns logits
    (N, 1000); `dezero.datasets.ImageNet.labels()` names the classes. Weights that are not loaded
    are drawn at the first call.

    There are 25,557,096 trained numbers with 50 layers, 44,549,224 with 101 and 60,192,872 with
    152, and `params()` also counts 53,120, 105,344 and 151,424 running averages. That is the
    usual architecture but for three things: conv1 has a bias (64 numbers more); the stride of a
    stage is in the 1 x 1 convolution, as in the paper, not in the 3 x 3; and the max pooling has
    no padding, so that an image of 224 gives it 55 x 55 places, not 56 x 56.

    Raises:
        ShapeError: n_layers is another number, or x is not as above.
        DownloadError: The trained weights are neither in the cache nor to be had.
        DataError: The file in the cache does not hold them.

    Source:
        He et al., "Deep residual learning for image recognition", 2015, arXiv:1512.03385.

    >>> model = ResNet(50)
    >>> [name for name, _ in model.named_params()][6:9]
    ['res2/a/conv1/W', 'res2/a/bn1/gamma', 'res2/a/bn1/beta']
    """

    def __init__(self, n_layers: int = 152, pretrained: bool = False) -> None:
        super().__init__()
        if n_layers not in DEPTHS:
            raise ShapeError(f"ResNet: n_layers is {n_layers!r}, but must be 50, 101 or 152")
        depths = DEPTHS[n_layers]
        self.conv1 = Conv2d(64, 7, stride=2, pad=3)
        self.bn1 = BatchNorm()
        self.res2 = Stage(depths[0], 64, stride=1)
        self.res3 = Stage(depths[1], 128, stride=2)
        self.res4 = Stage(depths[2], 256, stride=2)
        self.res5 = Stage(depths[3], 512, stride=2)
        self.fc6 = Linear(1000)
        if pretrained:
            load_pretrained(self, f"resnet{n_layers}.npz")

    def forward(self, x: Any) -> Variable:
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.pooling(x, 3, stride=2)
        x = self.res5(self.res4(self.res3(self.res2(x))))
        return self.fc6(F.global_average_pooling(x))


class ResNet50(ResNet):
    """`ResNet` of 50 layers."""

    def __init__(self, pretrained: bool = False) -> None:
        super().__init__(50, pretrained)


class ResNet101(ResNet):
    """`ResNet` of 101 layers."""

    def __init__(self, pretrained: bool = False) -> None:
        super().__init__(101, pretrained)


class ResNet152(ResNet):
    """`ResNet` of 152 layers."""

    def __init__(self, pretrained: bool = False) -> None:
        super().__init__(152, pretrained)


class Stage(Layer):
    """Blocks one after another, of 4 * width channels; only the first may shrink the images.

    Args:
        n_blocks: How many: they are called a, b1, b2, ...
        width: The channels of the 3 x 3 convolutions.
        stride: Of the first block.

    >>> import numpy as np
    >>> Stage(2, 4, stride=2)(np.ones((1, 3, 8, 8), np.float32)).shape
    (1, 16, 4, 4)
    """

    def __init__(self, n_blocks: int, width: int, stride: int) -> None:
        self.names = ["a", *[f"b{i}" for i in range(1, n_blocks)]]
        self.a = Bottleneck(width, stride, projects=True)
        for name in self.names[1:]:
            setattr(self, name, Bottleneck(width))

    def forward(self, x: Any) -> Variable:
        for name in self.names:
            x = getattr(self, name)(x)
        return x


class Bottleneck(Layer):
    """ReLU(x + h(x)), where h is three convolutions, 1 x 1, 3 x 3 and 1 x 1.

    Args:
        width: The channels of the first two; the third has four times as many.
        stride: Of the first one.
        projects: Let x pass a 1 x 1 convolution of the same stride, conv4, so that its shape
            fits. Without it x must have 4 * width channels, and the stride must be 1.

    >>> import numpy as np
    >>> Bottleneck(2)(np.ones((1, 8, 5, 5), np.float32)).shape
    (1, 8, 5, 5)
    """

    def __init__(self, width: int, stride: int = 1, projects: bool = False) -> None:
        self.projects = projects
        self.conv1 = Conv2d(width, 1, stride, nobias=True)
        self.bn1 = BatchNorm()
        self.conv2 = Conv2d(width, 3, pad=1, nobias=True)
        self.bn2 = BatchNorm()
        self.conv3 = Conv2d(4 * width, 1, nobias=True)
        self.bn3 = BatchNorm()
        if projects:
            self.conv4 = Conv2d(4 * width, 1, stride, nobias=True)
            self.bn4 = BatchNorm()

    def forward(self, x: Any) -> Variable:
        h = F.relu(self.bn1(self.conv1(x)))
        h = F.relu(self.bn2(self.conv2(h)))
        h = self.bn3(self.conv3(h))
        return F.relu(h + (self.bn4(self.conv4(x)) if self.projects else x))
