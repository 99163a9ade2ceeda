"""SqueezeNet: the accuracy of AlexNet with a fiftieth of its parameters."""

from __future__ import annotations

from typing import Any

from .. import functions as F
from ..core import Variable
from ..errors import DownloadError
from ..layers import Conv2d, Layer
from .model import Model

# squeeze1x1, expand1x1 and expand3x3 of fire2 to fire9
FIRES = ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))
POOLED = ("fire4", "fire8")  # modules that max pooling follows


class SqueezeNet(Model):
    """Tells 1000 kinds of things in images apart, with 1,248,424 parameters: SqueezeNet 1.0.

    A 7 x 7 convolution, eight fire modules, three max poolings, dropout in training, and a 1 x 1
    convolution whose channels' means are the logits. There are no fully connected layers.

    Args:
        pretrained: Must be False: no trained weights of it are published in a format that DeZero
            reads. `load_weights` loads your own.

    Attributes:
        conv1: The first convolution, of 96 channels, 7 x 7, stride 2, without padding.
        fire2, fire3, ..., fire9: Fire modules of 128 to 512 channels.
        conv10: The last convolution, of 1000 channels.

    A call takes images (N, 3, H, W), H and W at least 35, and returns logits (N, 1000). The
    paper's sizes of feature maps (111, 55, 27, 13) are those of images of 227 x 227; 224 x 224
    work as well. Weights are drawn at the first call.

    Raises:
        DownloadError: pretrained is True.
        ShapeError: x is not as above.

    Source:
        Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and
        <0.5MB model size", 2016, arXiv:1602.07360.

    >>> import numpy as np, dezero
    >>> model = SqueezeNet()
    >>> with dezero.test_mode():
    ...     model(np.zeros((2, 3, 48, 48), np.float32)).shape
    (2, 1000)
    """

    def __init__(self, pretrained: bool = False) -> None:
        super().__init__()
        if pretrained:
            raise DownloadError(
                "SqueezeNet: no trained weights are published in a format that DeZero reads: "
                "write SqueezeNet(), then train it or load_weights(path) of your own"
            )
        self.conv1 = Conv2d(96, 7, stride=2)
        self.names = [f"fire{i}" for i in range(2, 2 + len(FIRES))]
        for name, (squeezed, expanded) in zip(self.names, FIRES, strict=True):
            setattr(self, name, Fire(squeezed, expanded))
        self.conv10 = Conv2d(1000, 1)

    def forward(self, x: Any) -> Variable:
        x = F.pooling(F.relu(self.conv1(x)), 3, stride=2)
        for name in self.names:
            x = getattr(self, name)(x)
            if name in POOLED:
                x = F.pooling(x, 3, stride=2)
        x = F.relu(self.conv10(F.dropout(x)))
        return F.global_average_pooling(x)


class Fire(Layer):
    """Few 1 x 1 convolutions, then many 1 x 1 and 3 x 3 ones side by side, all with ReLU.

    Args:
        squeezed: The channels of squeeze1x1.
        expanded: The channels of expand1x1, and of expand3x3.

    >>> import numpy as np
    >>> Fire(2, 4)(np.ones((1, 3, 5, 5), np.float32)).shape
    (1, 8, 5, 5)
    """

    def __init__(self, squeezed: int, expanded: int) -> None:
        self.squeeze1x1 = Conv2d(squeezed, 1)
        self.expand1x1 = Conv2d(expanded, 1)
        self.expand3x3 = Conv2d(expanded, 3, pad=1)

    def forward(self, x: Any) -> Variable:
        x = F.relu(self.squeeze1x1(x))
        return F.relu(F.concat([self.expand1x1(x), self.expand3x3(x)], axis=1))
