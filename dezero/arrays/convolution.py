"""Convolution, its transpose and its gradient to the weights: patches and matrix products.

With G groups, x is (N, C, *sizes), W is (O, C/G, *kernel) and y is (N, O, *outputs). The three
kernels are the three ways to leave one out of sum(y * conv(x, W)), which is linear in each of
y, x and W; so each one's derivatives are the other two.

Patches are copied for a few images at a time into a buffer that stays in the cache: the memory
used is that of one image's patches, and on a CPU this is also the fastest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from .kernels import kernel
from .namespace import Array
from .patches import Sizes, Window, interior, tap_view

COLUMNS = 512  # of a matrix product: BLAS needs no more to be at full speed
CPU_PATCHES = 1 << 17  # numbers: more for small images, so that few calls are made
GPU_PATCHES = 1 << 26  # there every call is a launch
MANY = 8  # images at a time: so many are small


@kernel
def conv(x: Array, W: Array, b: Array | None, window: Window, groups: int) -> Array:
    """y[n, o, q] = sum over c, k of x[n, c, stride q + dilation k - pad] W[o, c, k], plus b[o]."""
    outputs = window.outputs(x.shape[2:])
    y = np.empty_like(x, result_type(x, W, b), order="C", shape=(len(x), len(W), *outputs))
    weights = W.reshape(groups, len(W) // groups, -1)
    bias = None if b is None else b.reshape(-1, *[1] * len(outputs))
    for images, col in columns(x, window, groups):
        part = y[images]
        if len(part) == 1:
            np.matmul(weights, col, out=part.reshape(groups, len(W) // groups, -1))
        else:
            part[...] = parted(weights @ col, part.shape)
        if bias is not None:
            part += bias
    return y


@kernel
def conv_transposed(
    y: Array, W: Array, b: Array | None, sizes: Sizes, window: Window, groups: int
) -> Array:
    """The adjoint of `conv` in x: (N, O, *outputs) to (N, C, *sizes), plus b[c]."""
    channels = W.shape[1] * groups
    outputs = window.outputs(sizes)
    flipped = mirrored(window)
    # conv copies patches of y at the places of x; else patches of x at those of y are added up
    few = len(W) * prod(sizes) <= 2 * channels * prod(outputs)
    if flipped and (few or window.is_point):
        return conv(y, turned(W, groups), b, flipped, groups)
    x = np.empty_like(y, result_type(y, W, b), order="C", shape=(len(y), channels, *sizes))
    weights = W.reshape(groups, len(W) // groups, -1).transpose(0, 2, 1)
    inside = interior(window, sizes)
    for images in parts(y, channels * prod(window.kernel), prod(outputs)):
        # rows are longer to add where the images come last
        last = len(x[images]) >= MANY and max(window.kernel) > 1
        part = np.moveaxis(y[images], 0, -1 if last else 1)
        col = weights @ part.reshape(groups, len(W) // groups, prod(part.shape[1:]))
        col = col.reshape(channels, *window.kernel, *part.shape[1:])
        col = np.moveaxis(col, -1 if last else 1 + len(sizes), 1)  # (C, images, *kernel, *outputs)
        wide = padded_zeros(x[images], window, last)
        for tap, seen in window.taps(outputs):
            wide[seen] += col[(slice(None), slice(None), *tap)]
        x[images] = wide[inside].swapaxes(0, 1)
    if b is not None:
        x += b.reshape(-1, *[1] * len(sizes))
    return x


@kernel
def conv_weights(x: Array, y: Array, window: Window, groups: int) -> Array:
    """The adjoint of `conv` in W: x and y to (O, C/G, *kernel)."""
    O, C = y.shape[1], x.shape[1]
    shape = (groups, O // groups, C // groups * prod(window.kernel))
    W = np.zeros_like(x, np.result_type(x, y), order="C", shape=shape)
    for images, col in columns(x, window, groups):
        W += merged(y[images], groups) @ col.transpose(0, 2, 1)
    return W.reshape(O, C // groups, *window.kernel)


def result_type(*operands: Array | None) -> np.dtype[Any]:
    """The dtype that NumPy gives a sum of those operands that are there."""
    return np.result_type(*[x for x in operands if x is not None])


def parts(x: Array, rows: int, places: int) -> list[slice]:
    """Runs of images: enough of them for matrix products to be efficient."""
    patches = CPU_PATCHES if isinstance(x, np.ndarray) else GPU_PATCHES
    step = max(1, COLUMNS // places, patches // (rows * places))
    return [slice(i, i + step) for i in range(0, len(x), step)]


def columns(x: Array, window: Window, groups: int) -> Iterator[tuple[slice, Array]]:
    """Runs of images, and their patches as (G, C/G*kernel, images*outputs).

    The array of patches is the same one each time, with new contents.
    """
    C, *sizes = x.shape[1:]
    rows = C * prod(window.kernel)
    count = -1
    for images in parts(x, rows, prod(window.outputs(x.shape[2:]))):
        part = x[images]
        if window.is_point:
            yield images, merged(part, groups)
            continue
        if len(part) != count:  # the first run, or a shorter last one
            count = len(part)
            wide = np.zeros_like(x, order="C", shape=(C, count, *window.padded(tuple(sizes))))
            inner = wide[interior(window, tuple(sizes))]
            copies = gathering(wide, window)
        inner[...] = part.swapaxes(0, 1)
        for view, buffer in copies:
            buffer[...] = view
        yield images, buffer.reshape(groups, rows // groups, -1)


def gathering(wide: Array, window: Window) -> list[tuple[Array, Array]]:
    """What to copy where to turn padded (C, N, *sizes) into (C, *kernel, N, *outputs).

    The first spatial axis comes last: its taps are then whole planes, which is quicker to copy
    than the rows that all taps at once would be.
    """
    copies = []
    dims = range(len(window.kernel))
    for some in (dims[1:], dims[:1]):
        if some:
            view = tap_view(wide, window, some, 1)
            wide = np.empty_like(view, order="C")
            copies.append((view, wide))
    return copies


def padded_zeros(x: Array, window: Window, last: bool) -> Array:
    """Zeros (C, N, *padded) for the images x, with N last in memory or where it is."""
    n, c, *sizes = x.shape
    wide = window.padded(tuple(sizes))
    if last:
        return np.moveaxis(np.zeros_like(x, order="C", shape=(c, *wide, n)), -1, 1)
    return np.zeros_like(x, order="C", shape=(c, n, *wide))


def merged(x: Array, groups: int) -> Array:
    """(N, C, *sizes) as (G, C/G, N*sizes); a view where N is 1."""
    return x.swapaxes(0, 1).reshape(groups, x.shape[1] // groups, -1)


def parted(product: Array, shape: Sizes) -> Array:
    """The inverse of `merged`: (G, C/G, N*sizes) as (N, C, *sizes)."""
    n, c, *sizes = shape
    return product.reshape(c, n, *sizes).swapaxes(0, 1)


def mirrored(window: Window) -> Window | None:
    """The window with which the transpose of a convolution of stride 1 is one itself."""
    pad = tuple([s - 1 - p for s, p in zip(window.span, window.pad, strict=True)])
    return None if max(window.stride) > 1 or min(pad) < 0 else replace(window, pad=pad)


def turned(W: Array, groups: int) -> Array:
    """The weights of the transpose: kernels reversed, inputs and outputs exchanged."""
    O, C, *kernel_ = W.shape
    W = W.reshape(groups, O // groups, C, *kernel_).swapaxes(1, 2)
    W = W[(..., *[slice(None, None, -1)] * len(kernel_))]
    return W.reshape(groups * C, O // groups, *kernel_).copy()  # BLAS takes no reversed rows
