"""Transposed convolutions: the adjoints of convolutions, which make images larger."""

from __future__ import annotations

from typing import Any, ClassVar

from ..arrays import conv, conv_transposed, conv_weights
from ..arrays.patches import Window, per_axis
from ..core import Rule, Variable
from ..errors import ShapeError
from .conv import check_axes, check_groups, over_places
from .protocols import implements

__all__ = ["deconv1d", "deconv2d", "deconv3d"]

Operand = Any  # a Variable, an array or a number; all but Variables are constants


class TransposedConvolution(Rule):
    """The x of the given sizes that a convolution through the window would map to this one."""

    __slots__ = ("groups", "sizes", "window")

    def __init__(self, sizes: tuple[int, ...], window: Window, groups: int) -> None:
        self.sizes = sizes
        self.window = window
        self.groups = groups

    def __call__(self, x, W, b=None):
        return super().__call__(x, W) if b is None else super().__call__(x, W, b)

    def forward(self, x, W, b=None):
        return conv_transposed(x, W, b, self.sizes, self.window, self.groups)

    def gradient(self, gy, x, W, b=None):
        gx = gW = None
        if self.needs(0):
            gx = conv(gy, W, None, self.window, self.groups)
        if self.needs(1):
            gW = conv_weights(gy, x, self.window, self.groups)
        return (gx, gW) if b is None else (gx, gW, over_places(gy) if self.needs(2) else None)


@implements(conv_transposed)
def transposed_convolution(y, W, b, sizes, window, groups):
    """The kernel `conv_transposed` of Variables."""
    return TransposedConvolution(sizes, window, groups)(y, W, b)


class Deconv2d(TransposedConvolution):
    __slots__ = ("dilation", "outsize", "pad", "stride")
    ndim: ClassVar[int] = 2

    def __init__(
        self,
        stride: Any = 1,
        pad: Any = 0,
        outsize: Any = None,
        dilation: Any = 1,
        groups: int = 1,
    ) -> None:
        self.stride = stride
        self.pad = pad
        self.outsize = outsize
        self.dilation = dilation
        self.groups = groups

    def forward(self, x, W, b=None):
        check_axes(x, W, self.ndim, "C, O/groups")
        check_groups(self.groups, x.shape[1], "x's channels", b, W.shape[1] * self.groups)
        if x.shape[1] != W.shape[0]:
            raise ShapeError(
                f"x's channels ({x.shape[1]}) must equal W's first axis ({W.shape[0]})"
            )
        self.window = Window.of(W.shape[2:], self.stride, self.pad, self.dilation, self.ndim)
        self.sizes = self.output_sizes(x.shape[2:])
        return super().forward(x, W, b)

    def output_sizes(self, sizes: tuple[int, ...]) -> tuple[int, ...]:
        """The output's spatial sizes: those asked for, if the input can be of such an output."""
        w = self.window
        if self.outsize is not None:
            asked = per_axis("outsize", self.outsize, self.ndim, 1)
        else:
            ends = zip(sizes, w.stride, w.span, w.pad, strict=True)
            asked = tuple([s * (n - 1) + k - 2 * p for n, s, k, p in ends])
            if min(asked) < 1:
                raise ShapeError(f"nothing is left of the output, whose sizes would be {asked}")
        if w.outputs(asked) != sizes:
            raise ShapeError(
                f"outsize is {asked}, but a convolution of that has the sizes "
                f"{w.outputs(asked)}, not x's {sizes}"
            )
        return asked


class Deconv1d(Deconv2d):
    __slots__ = ()
    ndim = 1


class Deconv3d(Deconv2d):
    __slots__ = ()
    ndim = 3


def deconv1d(
    x: Operand,
    W: Operand,
    b: Operand | None = None,
    stride: int | tuple[int] = 1,
    pad: int | tuple[int] = 0,
    outsize: int | tuple[int] | None = None,
    dilation: int | tuple[int] = 1,
    groups: int = 1,
) -> Variable:
    """Transposed convolution along one axis: `deconv2d` with x (N, C, L), W (C, O/groups, KL).

    >>> import numpy as np, dezero.functions as F
    >>> F.deconv1d(np.array([[[1.0, 2.0]]]), np.array([[[1.0, 10.0, 100.0]]]), stride=2)
    variable([[[  1.  10. 102.  20. 200.]]])
    """
    return Deconv1d(stride, pad, outsize, dilation, groups)(x, W, b)


def deconv2d(
    x: Operand,
    W: Operand,
    b: Operand | None = None,
    stride: int | tuple[int, int] = 1,
    pad: int | tuple[int, int] = 0,
    outsize: int | tuple[int, int] | None = None,
    dilation: int | tuple[int, int] = 1,
    groups: int = 1,
) -> Variable:
    """Transposed convolution: every pixel of x paints a kernel, scaled by it, into the output.

    It is the adjoint of `conv2d` with the same W, stride, pad, dilation and groups: for y of
    the output's shape, sum(deconv2d(x, W) * y) = sum(x * conv2d(y, W)).

    Args:
        x: (N, C, H, W).
        W: Kernels, (C, O/groups, KH, KW).
        b: A number for each output channel, (O,), or None for zeros.
        stride: Pixels of the output from one painted kernel to the next: a number, or
            (vertical, horizontal), as in all that follow.
        pad: Pixels cut off from each side of the output.
        outsize: (OH, OW), needed where several sizes have convolutions of x's size.
        dilation: Pixels of the output from one element of the kernel to the next.
        groups: How many parts the channels are cut into.

    Returns:
        (N, O, OH, OW); without outsize OH = stride (H - 1) + dilation (KH - 1) + 1 - 2 pad, and
        OW likewise.

    Raises:
        ShapeError: The axes or channels do not fit, no convolution of the output would have
            x's size, or a number is out of its range.

    Gradient:
        To x the convolution of gy with W, to W the products of x with the patches of gy, to b
        the sum of gy over all places; each of them differentiable to any order.

    Source:
        Zeiler, Krishnan, Taylor, Fergus, "Deconvolutional networks", CVPR 2010.

    >>> import numpy as np, dezero.functions as F
    >>> F.deconv2d(np.array([[[[1.0, 2.0]]]]), np.ones((1, 1, 2, 2)), stride=2)
    variable([[[[1. 1. 2. 2.]
                [1. 1. 2. 2.]]]])
    """
    return Deconv2d(stride, pad, outsize, dilation, groups)(x, W, b)


def deconv3d(
    x: Operand,
    W: Operand,
    b: Operand | None = None,
    stride: int | tuple[int, int, int] = 1,
    pad: int | tuple[int, int, int] = 0,
    outsize: int | tuple[int, int, int] | None = None,
    dilation: int | tuple[int, int, int] = 1,
    groups: int = 1,
) -> Variable:
    """`deconv2d` along three axes: x is (N, C, D, H, W), W is (C, O/groups, KD, KH, KW).

    >>> import numpy as np, dezero.functions as F
    >>> F.deconv3d(np.ones((1, 2, 4, 4, 4)), np.ones((2, 5, 3, 3, 3)), stride=2).shape
    (1, 5, 9, 9, 9)
    """
    return Deconv3d(stride, pad, outsize, dilation, groups)(x, W, b)
