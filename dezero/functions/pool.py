"""Pooling: one number for each window of the spatial axes, of which there may be one to three."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..arrays import (
    Window,
    largest_taps,
    max_windows,
    put_taps,
    spread_windows,
    sum_windows,
    take_taps,
)
from ..core import Rule, Variable
from ..errors import DTypeError, ShapeError
from .patches import im2col
from .protocols import implements
from .reduction import mean

__all__ = [
    "average_pooling",
    "global_average_pooling",
    "max_pooling",
    "pooling",
    "pooling_simple",
]

Operand = Any  # a Variable, an array or a number; all but Variables are constants


def checked(x: Any, kernel_size: Any, stride: Any, pad: Any, dilation: Any) -> Window:
    """The window of a pooling of x, every place of which sees some of x."""
    if not 3 <= x.ndim <= 5:
        raise ShapeError("x must be (N, C, H, W), or with one or three axes after N, C")
    window = Window.of(kernel_size, stride, pad, dilation, ndim=x.ndim - 2)
    if any(p >= k for p, k in zip(window.pad, window.kernel, strict=True)):
        raise ShapeError(f"pad {window.pad} must be smaller than kernel_size {window.kernel}")
    return window


class Pooling(Rule):
    __slots__ = ("geometry", "window")

    def __init__(self, kernel_size: Any, stride: Any = 1, pad: Any = 0, dilation: Any = 1) -> None:
        self.geometry = kernel_size, stride, pad, dilation

    def forward(self, x):
        if x.dtype.kind != "f":
            raise DTypeError("the padding is -inf, so x must be floating: write x.astype(float)")
        self.window = checked(x, *self.geometry)
        return max_windows(x, self.window)

    def gradient(self, gy, x):
        # found again rather than kept: it is quick, and x is kept by what made it anyway
        return put_taps(gy, largest_taps(x, self.window), x.shape[2:], self.window)


class TakeTaps(Rule):
    """The element of each window at a tap that is given: what max pooling is around a point."""

    __slots__ = ("sizes", "taps", "window")
    keeps = "nothing"

    def __init__(self, taps: Any, window: Window) -> None:
        self.taps = taps
        self.window = window

    def forward(self, x):
        self.sizes = x.shape[2:]
        return take_taps(x, self.taps, self.window)

    def gradient(self, gy):
        return put_taps(gy, self.taps, self.sizes, self.window)


class PutTaps(Rule):
    """The adjoint of TakeTaps."""

    __slots__ = ("sizes", "taps", "window")
    keeps = "nothing"

    def __init__(self, taps: Any, sizes: tuple[int, ...], window: Window) -> None:
        self.taps = taps
        self.sizes = sizes
        self.window = window

    def forward(self, y):
        return put_taps(y, self.taps, self.sizes, self.window)

    def gradient(self, gx):
        return take_taps(gx, self.taps, self.window)


class AveragePooling(Rule):
    __slots__ = ("geometry", "sizes", "window")
    keeps = "nothing"

    def __init__(self, kernel_size: Any, stride: Any = 1, pad: Any = 0, dilation: Any = 1) -> None:
        self.geometry = kernel_size, stride, pad, dilation

    def forward(self, x):
        self.window = checked(x, *self.geometry)
        self.sizes = x.shape[2:]
        return sum_windows(x, self.window) / prod(self.window.kernel)

    def gradient(self, gy):
        return spread_windows(gy / prod(self.window.kernel), self.sizes, self.window)


class SumWindows(Rule):
    __slots__ = ("sizes", "window")
    keeps = "nothing"

    def __init__(self, window: Window) -> None:
        self.window = window

    def forward(self, x):
        self.sizes = x.shape[2:]
        return sum_windows(x, self.window)

    def gradient(self, gy):
        return spread_windows(gy, self.sizes, self.window)


class SpreadWindows(Rule):
    """The adjoint of SumWindows."""

    __slots__ = ("sizes", "window")
    keeps = "nothing"

    def __init__(self, sizes: tuple[int, ...], window: Window) -> None:
        self.sizes = sizes
        self.window = window

    def forward(self, y):
        return spread_windows(y, self.sizes, self.window)

    def gradient(self, gx):
        return sum_windows(gx, self.window)


# The kernels of Variables.
implements(largest_taps)(lambda x, window: largest_taps(x.data, window))  # no Variable: constant
implements(put_taps)(lambda y, taps, sizes, w: PutTaps(taps, sizes, w).apply1(y))
implements(take_taps)(lambda x, taps, window: TakeTaps(taps, window).apply1(x))
implements(sum_windows)(lambda x, window: SumWindows(window).apply1(x))
implements(spread_windows)(lambda y, sizes, window: SpreadWindows(sizes, window).apply1(y))


def pooling(
    x: Operand,
    kernel_size: int | tuple[int, ...],
    stride: int | tuple[int, ...] = 1,
    pad: int | tuple[int, ...] = 0,
    dilation: int | tuple[int, ...] = 1,
) -> Variable:
    """Max pooling: the largest number of each window.

    y[n, c, i, j] = max over k, l of x[n, c, i * stride + k - pad, j * stride + l - pad], where x
    is -inf outside.

    Args:
        x: (N, C, H, W), floating; (N, C, L) and (N, C, D, H, W) as well.
        kernel_size: The window's size along each axis after N, C: a number, or one for each.
        stride: Pixels from one window to the next: a number, or one for each axis.
        pad: Pixels of -inf on each side: a number, or one for each axis.
        dilation: Pixels from one of the window's numbers to the next: a number, or one for each
            axis.

    Returns:
        (N, C, OH, OW), OH = (H + 2 pad - dilation (KH - 1) - 1) // stride + 1, and OW
        likewise. Rows and columns left over at the end are not seen.

    Raises:
        ShapeError: The window is larger than the padded x, pad is not smaller than the window,
            or a number is out of its range.
        DTypeError: x is not floating.

    Gradient:
        gy to the largest number of its window, to the first in reading order of several equal
        ones; summed where windows overlap.

    >>> import numpy as np, dezero.functions as F
    >>> F.pooling(np.array([[[[1.0, 2.0, 5.0, 6.0], [3.0, 4.0, 8.0, 7.0]]]]), 2, stride=2)
    variable([[[[4. 8.]]]])
    """
    return Pooling(kernel_size, stride, pad, dilation).apply1(x)


max_pooling = pooling


def average_pooling(
    x: Operand,
    kernel_size: int | tuple[int, ...],
    stride: int | tuple[int, ...] = 1,
    pad: int | tuple[int, ...] = 0,
    dilation: int | tuple[int, ...] = 1,
) -> Variable:
    """The mean of each window.

    Args:
        x: (N, C, H, W); (N, C, L) and (N, C, D, H, W) as well.
        kernel_size: The window's size along each axis after N, C: a number, or one for each.
        stride: Pixels from one window to the next: a number, or one for each axis.
        pad: Pixels of zeros on each side, which count in the mean: a number, or one for each
            axis.
        dilation: Pixels from one of the window's numbers to the next: a number, or one for each
            axis.

    Returns:
        (N, C, OH, OW), OH = (H + 2 pad - dilation (KH - 1) - 1) // stride + 1, and OW likewise.

    Raises:
        ShapeError: The window is larger than the padded x, pad is not smaller than the window,
            or a number is out of its range.

    Gradient:
        gy / (KH * KW) to every number of its window, summed where windows overlap.

    >>> import numpy as np, dezero.functions as F
    >>> F.average_pooling(np.array([[[[1.0, 2.0, 5.0, 6.0], [3.0, 4.0, 8.0, 7.0]]]]), 2, stride=2)
    variable([[[[2.5 6.5]]]])
    """
    return AveragePooling(kernel_size, stride, pad, dilation).apply1(x)


def global_average_pooling(x: Operand) -> Variable:
    """The mean of each channel of each image.

    Args:
        x: (N, C, *sizes), with at least one axis after N, C.

    Returns:
        (N, C).

    Raises:
        ShapeError: x has no axes after N, C.

    Gradient:
        gy / (H * W) to every pixel of the channel.

    >>> import numpy as np, dezero.functions as F
    >>> F.global_average_pooling(np.array([[[[1.0, 2.0], [3.0, 6.0]]]]))
    variable([[3.]])
    """
    if np.ndim(x) < 3:
        raise ShapeError(f"global_average_pooling: x is {np.shape(x)}, but must be (N, C, H, W)")
    return mean(x, axis=tuple(range(2, np.ndim(x))))


def pooling_simple(
    x: Operand,
    kernel_size: int | tuple[int, int],
    stride: int | tuple[int, int] = 1,
    pad: int | tuple[int, int] = 0,
) -> Variable:
    """`pooling` of images put together from simpler ops: patches and their maximum.

    Args:
        x: (N, C, H, W), floating.
        kernel_size: KH and KW: a number or two.
        stride: Pixels from one window to the next: a number or two.
        pad: Pixels of -inf on each side: a number or two.

    Returns:
        (N, C, OH, OW).

    Raises:
        ShapeError: x has not four axes, or the window is larger than the padded x.

    Gradient:
        gy to the largest number of its window, in equal shares to several equal ones.

    >>> import numpy as np, dezero.functions as F
    >>> F.pooling_simple(np.array([[[[1.0, 2.0], [3.0, 4.0]]]]), 2)
    variable([[[[4.]]]])
    """
    col = im2col(x, kernel_size, stride, pad, to_matrix=False, fill=-float("inf"))
    return col.max(axis=(2, 3))
