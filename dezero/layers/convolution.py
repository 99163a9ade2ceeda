"""Convolution layers and their transposes, along one, two or three axes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from .. import functions as F
from ..arrays import Array, namespace
from ..arrays.patches import per_axis
from ..core import Parameter, Variable, as_variable
from ..errors import ShapeError
from .layer import Layer
from .lazy import LazyParameter
from .sizes import positive


class Convolution(Layer):
    """What the convolution layers share: subclasses say along how many axes, and which op."""

    ndim: ClassVar[int]
    function: ClassVar[Callable[..., Variable]]
    transposed: ClassVar[bool] = False

    def __init__(
        self,
        out_channels: int,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        pad: int | tuple[int, ...] = 0,
        nobias: bool = False,
        dtype: Any = np.float32,
        in_channels: int | None = None,
        dilation: int | tuple[int, ...] = 1,
        groups: int = 1,
    ) -> None:
        name = type(self).__name__
        self.out_channels = positive(name, "out_channels", out_channels)
        self.in_channels = (
            None if in_channels is None else positive(name, "in_channels", in_channels)
        )
        self.kernel_size = per_axis(f"{name}: kernel_size", kernel_size, self.ndim, 1)
        self.stride = per_axis(f"{name}: stride", stride, self.ndim, 1)
        self.pad = per_axis(f"{name}: pad", pad, self.ndim, 0)
        self.dilation = per_axis(f"{name}: dilation", dilation, self.ndim, 1)
        self.groups = positive(name, "groups", groups)
        self.dtype = dtype
        self._check_groups("out_channels", self.out_channels)
        self.W: Parameter = LazyParameter(self._shape(self.in_channels), dtype, name="W")
        if self.in_channels is not None:
            self.W.data = self._drawn(self.in_channels)
        self.b = None if nobias else Parameter(np.zeros(self.out_channels, dtype), name="b")

    def _check_groups(self, name: str, channels: int) -> None:
        """Raise ShapeError unless groups divides the channels."""
        if channels % self.groups:
            raise ShapeError(
                f"{type(self).__name__}: groups ({self.groups}) must divide {name} ({channels})"
            )

    def _shape(self, in_channels: int | None) -> tuple[int | None, ...]:
        """Of W."""
        if self.transposed:
            return in_channels, self.out_channels // self.groups, *self.kernel_size
        share = None if in_channels is None else in_channels // self.groups
        return self.out_channels, share, *self.kernel_size

    def _drawn(self, in_channels: int) -> Array:
        """New weights."""
        self._check_groups("in_channels", in_channels)
        fan_in = in_channels // self.groups * math.prod(self.kernel_size)
        normal = np.random.randn(*[n or 0 for n in self._shape(in_channels)])
        return normal.astype(self.dtype) * math.sqrt(1 / fan_in)

    def forward(self, x: Any) -> Variable:
        if self.W.data is None:
            data = as_variable(x).data
            if data.ndim != self.ndim + 2:
                raise ShapeError(
                    f"x is {data.shape}, but must have {self.ndim + 2} axes, (N, C, ...)"
                )
            self.W.data = namespace(data).asarray(self._drawn(data.shape[1]))
            self.in_channels = data.shape[1]
        return type(self).function(
            x,
            self.W,
            self.b,
            stride=self.stride,
            pad=self.pad,
            dilation=self.dilation,
            groups=self.groups,
        )


class Conv2d(Convolution):
    """Convolution of images: `F.conv2d` with W drawn from N(0, 1 / (C/groups * KH * KW)), b = 0.

    W comes from NumPy's global generator, when the layer is made if in_channels is given, else at
    the first call.

    Args:
        out_channels: The number of output channels, O.
        kernel_size: KH and KW: a number or two.
        stride: Pixels from one place of the kernel to the next: a number or two.
        pad: Pixels of zeros on each side of x: a number or two.
        nobias: Compute without b.
        dtype: Of W and b.
        in_channels: The number of input channels, C; None takes x's at the first call.
        dilation: Pixels from one element of the kernel to the next: a number or two.
        groups: How many parts the channels are cut into; each output channel sees one part.

    Attributes:
        W: Of shape (O, C/groups, KH, KW).
        b: Of shape (O,), or None.

    A call takes x of shape (N, C, H, W) and returns (N, O, OH, OW).

    Raises:
        ShapeError: A number is out of its range, groups does not divide the channels, or x does
            not fit.

    >>> layer = Conv2d(8, kernel_size=3, pad=1)
    >>> layer(np.ones((1, 3, 28, 28), np.float32)).shape
    (1, 8, 28, 28)
    >>> layer
    Conv2d, 224 parameters: W (8, 3, 3, 3), b (8,)
    """

    ndim = 2
    function = staticmethod(F.conv2d)


class Conv1d(Convolution):
    """Convolution of sequences: `Conv2d` with one axis, x (N, C, L) and W (O, C/groups, KL).

    >>> Conv1d(8, kernel_size=3)(np.ones((1, 2, 10), np.float32)).shape
    (1, 8, 8)
    """

    ndim = 1
    function = staticmethod(F.conv1d)


class Conv3d(Convolution):
    """Convolution of volumes: `Conv2d` with three axes, x (N, C, D, H, W).

    >>> Conv3d(8, kernel_size=3)(np.ones((1, 2, 4, 4, 4), np.float32)).shape
    (1, 8, 2, 2, 2)
    """

    ndim = 3
    function = staticmethod(F.conv3d)


class Deconv2d(Convolution):
    """Transposed convolution of images: `F.deconv2d`; the arguments are those of `Conv2d`.

    Attributes:
        W: Of shape (C, O/groups, KH, KW), drawn from N(0, 1 / (C/groups * KH * KW)).
        b: Of shape (O,), zeros at first, or None.

    A call takes x of shape (N, C, H, W) and returns (N, O, OH, OW).

    >>> layer = Deconv2d(3, kernel_size=4, stride=2, pad=1)
    >>> layer(np.ones((1, 8, 14, 14), np.float32)).shape
    (1, 3, 28, 28)
    """

    ndim = 2
    function = staticmethod(F.deconv2d)
    transposed = True


class Deconv1d(Convolution):
    """Transposed convolution of sequences: `Deconv2d` with one axis, x (N, C, L).

    >>> Deconv1d(8, kernel_size=3)(np.ones((1, 2, 10), np.float32)).shape
    (1, 8, 12)
    """

    ndim = 1
    function = staticmethod(F.deconv1d)
    transposed = True


class Deconv3d(Convolution):
    """Transposed convolution of volumes: `Deconv2d` with three axes, x (N, C, D, H, W).

    >>> Deconv3d(8, kernel_size=3)(np.ones((1, 2, 4, 4, 4), np.float32)).shape
    (1, 8, 6, 6, 6)
    """

    ndim = 3
    function = staticmethod(F.deconv3d)
    transposed = True
