"""Convolutions along one, two or three spatial axes.

The gradients of a convolution to x and to W are a transposed convolution and a third op of the
same kind; the gradients of these are again two of the three. So all orders of derivatives exist.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ..arrays import conv, conv_transposed, conv_weights
from ..arrays.patches import Window
from ..core import Rule, Variable
from ..errors import ShapeError
from .linalg import linear
from .patches import im2col
from .protocols import implements
from .shape import reshape, transpose

__all__ = ["conv1d", "conv2d", "conv2d_simple", "conv3d"]

Operand = Any  # a Variable, an array or a number; all but Variables are constants

AXES = {1: "L", 2: "H, W", 3: "D, H, W"}


def over_places(gy):
    """gy summed over all axes but the channels'."""
    return gy.sum(axis=(0, *range(2, gy.ndim)))


class Convolution(Rule):
    """The convolution of x with W through a given window."""

    __slots__ = ("groups", "window")

    def __init__(self, window: Window, groups: int) -> None:
        self.window = window
        self.groups = groups

    def __call__(self, x, W, b=None):
        return super().__call__(x, W) if b is None else super().__call__(x, W, b)

    def forward(self, x, W, b=None):
        return conv(x, W, b, self.window, self.groups)

    def gradient(self, gy, x, W, b=None):
        gx = gW = None
        if self.needs(0):
            gx = conv_transposed(gy, W, None, x.shape[2:], self.window, self.groups)
        if self.needs(1):
            gW = conv_weights(x, gy, self.window, self.groups)
        return (gx, gW) if b is None else (gx, gW, over_places(gy) if self.needs(2) else None)


class WeightsOfConvolution(Rule):
    """What x and the gradient gy of its convolution give as the gradient of the weights."""

    __slots__ = ("groups", "window")

    def __init__(self, window: Window, groups: int) -> None:
        self.window = window
        self.groups = groups

    def forward(self, x, gy):
        return conv_weights(x, gy, self.window, self.groups)

    def gradient(self, gW, x, gy):
        gx = ggy = None
        if self.needs(0):
            gx = conv_transposed(gy, gW, None, x.shape[2:], self.window, self.groups)
        if self.needs(1):
            ggy = conv(x, gW, None, self.window, self.groups)
        return gx, ggy


@implements(conv)
def convolution(x, W, b, window, groups):
    """The kernel `conv` of Variables."""
    return Convolution(window, groups)(x, W, b)


@implements(conv_weights)
def weights_of_convolution(x, gy, window, groups):
    """The kernel `conv_weights` of Variables."""
    return WeightsOfConvolution(window, groups).apply2(x, gy)


def check_axes(x: Any, W: Any, ndim: int, channels: str) -> None:
    """Raise ShapeError unless x and W have the axes of a convolution over ndim axes."""
    axes = AXES[ndim]
    if x.ndim != ndim + 2:
        raise ShapeError(
            f"x must have {ndim + 2} axes, (N, C, {axes}): for one example write x[None]"
        )
    if W.ndim != ndim + 2:
        kernel = ", ".join("K" + axis for axis in axes.split(", "))
        raise ShapeError(f"W must have {ndim + 2} axes, ({channels}, {kernel})")
    if 0 in (*x.shape[1:], *W.shape):
        raise ShapeError("no axis but N may have the size 0")


def check_groups(groups: int, channels: int, divided: str, b: Any, out: int) -> None:
    """Raise ShapeError unless groups divides the channels and b has one number for each output."""
    if groups < 1 or channels % groups:
        raise ShapeError(f"groups is {groups}, but must divide {divided} ({channels})")
    if b is not None and b.shape != (out,):
        raise ShapeError(f"b must have the shape ({out},), one number for each output channel")


class Conv2d(Convolution):
    __slots__ = ("dilation", "pad", "stride")
    ndim: ClassVar[int] = 2

    def __init__(self, stride: Any = 1, pad: Any = 0, dilation: Any = 1, groups: int = 1) -> None:
        self.stride = stride
        self.pad = pad
        self.dilation = dilation
        self.groups = groups

    def forward(self, x, W, b=None):
        check_axes(x, W, self.ndim, "O, C/groups")
        check_groups(self.groups, W.shape[0], "W's first axis", b, W.shape[0])
        if x.shape[1] != W.shape[1] * self.groups:
            raise ShapeError(
                f"x has {x.shape[1]} channels, but W is for {W.shape[1] * self.groups} "
                f"({W.shape[1]} in each of groups={self.groups})"
            )
        self.window = Window.of(W.shape[2:], self.stride, self.pad, self.dilation, self.ndim)
        return super().forward(x, W, b)


class Conv1d(Conv2d):
    __slots__ = ()
    ndim = 1


class Conv3d(Conv2d):
    __slots__ = ()
    ndim = 3


def conv1d(
    x: Operand,
    W: Operand,
    b: Operand | None = None,
    stride: int | tuple[int] = 1,
    pad: int | tuple[int] = 0,
    dilation: int | tuple[int] = 1,
    groups: int = 1,
) -> Variable:
    """Convolution along one axis: `conv2d` with x (N, C, L) and W (O, C/groups, KL).

    >>> import numpy as np, dezero.functions as F
    >>> F.conv1d(np.array([[[1.0, 2.0, 4.0, 7.0]]]), np.array([[[-1.0, 1.0]]]))
    variable([[[1. 2. 3.]]])
    """
    return Conv1d(stride, pad, dilation, groups)(x, W, b)


def conv2d(
    x: Operand,
    W: Operand,
    b: Operand | None = None,
    stride: int | tuple[int, int] = 1,
    pad: int | tuple[int, int] = 0,
    dilation: int | tuple[int, int] = 1,
    groups: int = 1,
) -> Variable:
    """Convolution of images with kernels.

    y[n, o, i, j] = b[o] + sum over c, k, l of
    x[n, c, i * stride + k * dilation - pad, j * stride + l * dilation - pad] * W[o, c, k, l]:
    the kernel is not reversed, and x is 0 outside.

    Args:
        x: Images, (N, C, H, W).
        W: Kernels, (O, C/groups, KH, KW).
        b: A number for each output channel, (O,), or None for zeros.
        stride: Pixels from one place of the kernel to the next: a number, or (vertical,
            horizontal), as in all that follow.
        pad: Pixels of zeros on each side of x.
        dilation: Pixels from one element of the kernel to the next.
        groups: How many parts the channels are cut into; each output channel sees one part.
            With groups=C every channel is filtered on its own.

    Returns:
        (N, O, OH, OW), OH = (H + 2 pad - dilation (KH - 1) - 1) // stride + 1, and OW likewise.

    Raises:
        ShapeError: The axes or channels do not fit, the kernel is larger than the padded
            image, groups does not divide the channels, or a number is out of its range.

    Gradient:
        To x the transposed convolution of gy with W, to W the products of gy with the patches
        of x, to b the sum of gy over all places; each of them differentiable to any order.

    >>> import numpy as np, dezero.functions as F
    >>> x = np.ones((1, 1, 3, 3))
    >>> F.conv2d(x, np.ones((1, 1, 3, 3)), pad=1)
    variable([[[[4. 6. 4.]
                [6. 9. 6.]
                [4. 6. 4.]]]])
    """
    return Conv2d(stride, pad, dilation, groups)(x, W, b)


def conv3d(
    x: Operand,
    W: Operand,
    b: Operand | None = None,
    stride: int | tuple[int, int, int] = 1,
    pad: int | tuple[int, int, int] = 0,
    dilation: int | tuple[int, int, int] = 1,
    groups: int = 1,
) -> Variable:
    """Convolution along three axes: `conv2d` with x (N, C, D, H, W), W (O, C/groups, KD, KH, KW).

    >>> import numpy as np, dezero.functions as F
    >>> F.conv3d(np.ones((1, 2, 4, 4, 4)), np.ones((5, 2, 3, 3, 3))).shape
    (1, 5, 2, 2, 2)
    """
    return Conv3d(stride, pad, dilation, groups)(x, W, b)


def conv2d_simple(
    x: Operand,
    W: Operand,
    b: Operand | None = None,
    stride: int | tuple[int, int] = 1,
    pad: int | tuple[int, int] = 0,
) -> Variable:
    """`conv2d` put together from simpler ops: patches, one matrix product, a transpose.

    Args:
        x: Images, (N, C, H, W).
        W: Kernels, (O, C, KH, KW).
        b: (O,), or None.
        stride: Pixels from one place of the kernel to the next.
        pad: Pixels of zeros on each side of x.

    Returns:
        (N, O, OH, OW).

    Raises:
        ShapeError: The axes or channels do not fit, or the kernel is larger than the padded
            image.

    Gradient:
        That of the ops it is made of.

    >>> import numpy as np, dezero.functions as F
    >>> F.conv2d_simple(np.ones((1, 1, 3, 3)), np.ones((1, 1, 2, 2)))
    variable([[[[4. 4.]
                [4. 4.]]]])
    """
    O, _, *kernel = np.shape(W)
    OH, OW = Window.of(tuple(kernel), stride, pad).outputs(np.shape(x)[2:])
    col = im2col(x, tuple(kernel), stride, pad)  # (N*OH*OW, C*KH*KW)
    y = linear(col, transpose(reshape(W, (O, -1))), b)
    return y.reshape(-1, OH, OW, O).transpose(0, 3, 1, 2)
