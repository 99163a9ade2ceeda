"""Windows that slide over the spatial axes of an array, and the patches that they see.

Arrays are (N, C, *sizes) with any number of spatial axes. Every index into a kernel is a tap:
all patches' elements at one tap are a strided slice of the array, so the adjoint of taking
patches is a loop over taps, never over pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import index
from typing import Any

import numpy as np

from ..errors import DTypeError, ShapeError
from .kernels import kernel
from .namespace import Array

Sizes = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """The geometry of a sliding window: one number for each spatial axis in every field."""

    kernel: Sizes
    stride: Sizes
    pad: Sizes
    dilation: Sizes

    @classmethod
    def of(
        cls, kernel: Any, stride: Any = 1, pad: Any = 0, dilation: Any = 1, ndim: int = 2
    ) -> Window:
        """The window with these fields: each a number, or one for each of ndim axes.

        Raises:
            ShapeError: A field has the wrong length, a negative pad, or anything else not
                positive.

        >>> Window.of(3, stride=(1, 2)).stride
        (1, 2)
        """
        return cls(
            per_axis("kernel_size", kernel, ndim, 1),
            per_axis("stride", stride, ndim, 1),
            per_axis("pad", pad, ndim, 0),
            per_axis("dilation", dilation, ndim, 1),
        )

    @property
    def span(self) -> Sizes:
        """How many elements it reaches over, from the first tap to the last."""
        return tuple([d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True)])

    @property
    def is_point(self) -> bool:
        """Whether it sees one element at a time and visits each of them once."""
        return max(self.kernel) == 1 == max(self.stride) and not any(self.pad)

    def padded(self, sizes: Sizes) -> Sizes:
        """An array's spatial sizes with the padding at both ends."""
        return tuple([n + 2 * p for n, p in zip(sizes, self.pad, strict=True)])

    def outputs(self, sizes: Sizes) -> Sizes:
        """At how many places it stands, along each axis.

        Raises:
            ShapeError: It does not fit into the padded array.
        """
        padded, span = self.padded(sizes), self.span
        if any(s > n for s, n in zip(span, padded, strict=True)):
            raise ShapeError(
                f"the window spans {span}, more than the padded input's {padded}: "
                "make the input or pad larger, or the kernel smaller"
            )
        return tuple([(n - s) // t + 1 for n, s, t in zip(padded, span, self.stride, strict=True)])

    def taps(self, outputs: Sizes) -> Iterator[tuple[tuple[int, ...], tuple[Any, ...]]]:
        """Each index into the kernel, and the slice of a padded array that is seen there."""
        for tap in np.ndindex(self.kernel):
            starts = [i * d for i, d in zip(tap, self.dilation, strict=True)]
            slices = [
                slice(a, a + s * (n - 1) + 1, s)
                for a, s, n in zip(starts, self.stride, outputs, strict=True)
            ]
            yield tap, (..., *slices)


def per_axis(name: str, value: Any, ndim: int, least: int) -> Sizes:
    """value as one whole number for each axis, none of them below least."""
    try:
        numbers = (
            tuple([index(v) for v in value]) if isinstance(value, Sequence) else (index(value),)
        )
    except TypeError:
        raise DTypeError(f"{name} is {value!r}, but must be whole numbers") from None
    if len(numbers) not in (1, ndim):
        raise ShapeError(f"{name} is {value!r}, but must be one number or {ndim}")
    if min(numbers) < least:
        raise ShapeError(f"{name} is {value!r}, but must be at least {least}")
    return numbers if len(numbers) == ndim else numbers * ndim


def pair(x: Any) -> tuple[int, int]:
    """x twice if it is a number, x itself if it is a pair.

    >>> pair(3), pair((1, 2))
    ((3, 3), (1, 2))
    """
    if isinstance(x, Sequence) and len(x) == 2:
        return x[0], x[1]
    try:
        return index(x), index(x)
    except TypeError:
        raise ShapeError(f"pair takes a number or two of them, not {x!r}") from None


def get_conv_outsize(input_size: int, kernel_size: int, stride: int, pad: int) -> int:
    """At how many places a kernel stands along an axis: (input + 2 pad - kernel) // stride + 1.

    >>> get_conv_outsize(28, 5, 1, 2)
    28
    """
    return (input_size + pad * 2 - kernel_size) // stride + 1


def get_deconv_outsize(size: int, k: int, s: int, p: int) -> int:
    """The size that a transposed convolution makes of an axis: s (size - 1) + k - 2 p.

    >>> get_deconv_outsize(14, 4, 2, 1)
    28
    """
    return s * (size - 1) + k - 2 * p


def interior(window: Window, sizes: Sizes) -> tuple[Any, ...]:
    """The index of what a padded array was before it was padded."""
    return (..., *[slice(p, p + n) for p, n in zip(window.pad, sizes, strict=True)])


def padded(x: Array, window: Window, fill: float = 0) -> Array:
    """x with the window's padding around it; x itself where there is none."""
    if not any(window.pad):
        return x
    sizes = x.shape[2:]
    wide = np.full_like(x, fill, order="C", shape=(*x.shape[:2], *window.padded(sizes)))
    wide[interior(window, sizes)] = x
    return wide


def tap_view(x: Array, window: Window, dims: Sequence[int], at: int) -> Array:
    """A view of a padded array through the window, along some of its spatial axes only.

    Each of them shrinks to its outputs, and gets an axis for its taps, from axis `at` on.
    """
    axes = tuple([x.ndim - len(window.kernel) + d for d in dims])
    span = tuple([window.span[d] for d in dims])
    view = np.lib.stride_tricks.sliding_window_view(x, span, axes)
    steps = [slice(None)] * view.ndim
    for i, d in enumerate(dims):
        steps[axes[i]] = slice(None, None, window.stride[d])
        steps[x.ndim + i] = slice(None, None, window.dilation[d])
    taps = range(x.ndim, view.ndim)
    return np.moveaxis(view[tuple(steps)], taps, range(at, at + len(dims)))


@kernel
def patches(x: Array, window: Window, fill: float = 0) -> Array:
    """What the window sees at each place of (N, C, *sizes): (N, C, *kernel, *outputs).

    A view of x, or of a padded copy: not to be written into. `fill` stands in the padding.
    """
    window.outputs(x.shape[2:])
    return tap_view(padded(x, window, fill), window, range(x.ndim - 2), 2)


@kernel
def add_patches(col: Array, sizes: Sizes, window: Window) -> Array:
    """The adjoint of `patches`: patches added up in the (N, C, *sizes) they were taken from."""
    shape = (*col.shape[:2], *window.padded(sizes))
    x = np.zeros_like(col, order="C", shape=shape)
    for tap, seen in window.taps(window.outputs(sizes)):
        x[seen] += col[(slice(None), slice(None), *tap)]
    return x[interior(window, sizes)]


@kernel
def im2col_array(
    img: Array, kernel_size: Any, stride: Any, pad: Any, to_matrix: bool = True, fill: float = 0
) -> Array:
    """The patches of images: a matrix (N*OH*OW, C*KH*KW), or (N, C, KH, KW, OH, OW).

    Args:
        img: (N, C, H, W).
        kernel_size: KH and KW: a number or two.
        stride: Steps between patches, in pixels: a number or two.
        pad: Zeros around the image, in pixels: a number or two.
        to_matrix: Whether each patch is to be one row of a matrix.
        fill: What stands in the padding instead of zeros.

    >>> im2col_array(np.ones((1, 3, 7, 7)), 5, stride=1, pad=0).shape
    (9, 75)
    """
    if img.ndim != 4:
        raise ShapeError("images must have 4 axes, (N, C, H, W): add a batch axis with x[None]")
    col = patches(img, Window.of(kernel_size, stride, pad), fill)
    n, c, kh, kw, oh, ow = col.shape
    if to_matrix:
        return col.transpose(0, 4, 5, 1, 2, 3).reshape(n * oh * ow, c * kh * kw)
    return col.copy()


@kernel
def col2im_array(
    col: Array, img_shape: Sizes, kernel_size: Any, stride: Any, pad: Any, to_matrix: bool = True
) -> Array:
    """The adjoint of `im2col_array`: patches added up in images.

    Args:
        col: What `im2col_array` returns for images of img_shape.
        img_shape: (N, C, H, W).
        kernel_size: KH and KW: a number or two.
        stride: Steps between patches, in pixels: a number or two.
        pad: What `im2col_array` padded, in pixels: a number or two.
        to_matrix: Whether col is a matrix.

    Raises:
        ShapeError: col's shape is not that of the patches of such images.

    >>> col2im_array(np.ones((4, 4)), (1, 1, 3, 3), 2, stride=1, pad=0)[0, 0]
    array([[1., 2., 1.],
           [2., 4., 2.],
           [1., 2., 1.]])
    """
    window = Window.of(kernel_size, stride, pad)
    n, c, *sizes = img_shape
    oh, ow = window.outputs(tuple(sizes))
    kh, kw = window.kernel
    shape = (n * oh * ow, c * kh * kw) if to_matrix else (n, c, kh, kw, oh, ow)
    if tuple(col.shape) != shape:
        raise ShapeError(f"the patches of {tuple(img_shape)} images have the shape {shape}")
    if to_matrix:
        col = col.reshape(n, oh, ow, c, kh, kw).transpose(0, 3, 4, 5, 1, 2)
    return add_patches(col, tuple(sizes), window)
