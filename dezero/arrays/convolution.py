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
ROWS = 48  # the same of what is summed over
PLACES = 16  # for each channel, from which on rearranging the weights costs little
CPU_PATCHES = 1 << 15  # numbers: more for small images, so that few calls are made
CPU_SUMS = 1 << 17  # patches that are added up: longer rows are quicker
GPU_PATCHES = 1 << 26  # there every call is a launch
MANY = 8  # images at a time: so many are small


@kernel
def conv(x: Array, W: Array, b: Array | None, window: Window, groups: int) -> Array:
    """y[n, o, q] = sum over c, k of x[n, c, stride q + dilation k - pad] W[o, c, k], plus b[o]."""
    outputs = window.outputs(x.shape[2:])
    y = np.empty_like(x, result_type(x, W, b), order="C", shape=(len(x), len(W), *outputs))
    apart = taps_apart(x, W.shape, window)
    taps = np.moveaxis(W, 2, 0) if apart else W[np.newaxis]
    weights = taps.reshape(len(taps), groups, len(W) // groups, -1)
    bias = None if b is None else b.reshape(-1, *[1] * len(outputs))
    for images, cols in columns(x, window, groups, apart):
        part = y[images]
        own = part.reshape(groups, len(W) // groups, -1) if len(part) == 1 else None
        total = np.matmul(weights[0], cols[0], out=own)
        for w, col in zip(weights[1:], cols[1:], strict=True):
            total += w @ col
        total = parted(total, part.shape, apart)
        if bias is not None:
            np.add(total, bias, out=part)
        elif own is None:
            part[...] = total
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
    many = len(y) * prod(outputs) >= PLACES * channels
    if flipped and ((few and many) or window.is_point):
        return conv(y, turned(W, groups), b, flipped, groups)
    x = np.empty_like(y, result_type(y, W, b), order="C", shape=(len(y), channels, *sizes))
    weights = W.reshape(groups, len(W) // groups, -1).transpose(0, 2, 1)
    inside = interior(window, sizes)
    for images in parts(y, channels * prod(window.kernel), prod(outputs), CPU_SUMS):
        # rows are longer to add where the images come last
        last = len(x[images]) >= MANY and max(window.kernel) > 1
        part = np.moveaxis(y[images], 0, -1 if last else 1)
        col = weights @ part.reshape(groups, len(W) // groups, prod(part.shape[1:]))
        col = col.reshape(channels, *window.kernel, *part.shape[1:])
        col = np.moveaxis(col, -1 if last else 1 + len(sizes), 1)  # (C, images, *kernel, *outputs)
        wide = padded_zeros(x[images], window, x.ndim - 1 if last else 1)
        wide = np.moveaxis(wide, -1, 1) if last else wide  # (C, images, *padded)
        for tap, seen in window.taps(outputs):
            wide[seen] += col[(slice(None), slice(None), *tap)]
        x[images] = wide[inside].swapaxes(0, 1)
    if b is not None:
        x += b.reshape(-1, *[1] * len(sizes))
    return x


@kernel
def conv_weights(x: Array, y: Array, window: Window, groups: int) -> Array:
    """The adjoint of `conv` in W: x and y to (O, C/G, *kernel)."""
    O, C, kernel_ = y.shape[1], x.shape[1] // groups, window.kernel
    apart = taps_apart(x, (O, C, *kernel_), window)
    lead, rest = (kernel_[:1], kernel_[1:]) if apart else ((1,), kernel_)
    shape = (*lead, groups, O // groups, C * prod(rest))
    W = np.zeros_like(x, np.result_type(x, y), order="C", shape=shape)
    if apart:  # BLAS is quicker with the longer side first; they are rearranged anyway
        W = W.reshape(*shape[:2], shape[3], shape[2]).swapaxes(2, 3)
    for images, cols in columns(x, window, groups, apart):
        rows = merged(y[images], groups, apart)
        for w, col in zip(W, cols, strict=True):
            if apart:
                w += (col @ rows.swapaxes(1, 2)).swapaxes(1, 2)
            else:
                w += rows @ col.swapaxes(1, 2)
    W = W.reshape(*lead, O, C, *rest)
    return np.moveaxis(W, 0, 2).copy() if apart else W[0]


def result_type(*operands: Array | None) -> np.dtype[Any]:
    """The dtype that NumPy gives a sum of those operands that are there."""
    return np.result_type(*[x for x in operands if x is not None])


def parts(x: Array, rows: int, places: int, cpu_patches: int) -> list[slice]:
    """Runs of images: enough of them for matrix products to be efficient."""
    patches = cpu_patches if isinstance(x, np.ndarray) else GPU_PATCHES
    step = max(1, COLUMNS // places, patches // (rows * places))
    return [slice(i, i + step) for i in range(0, len(x), step)]


def taps_apart(x: Array, shape: Sizes, window: Window) -> bool:
    """Whether to multiply with the taps along the first spatial axis one after the other.

    Patches need not be copied for each of them then, but weights of this shape are rearranged.
    """
    O, C, *kernel_ = shape
    rows, places = C * prod(kernel_[1:]), len(x) * prod(window.outputs(x.shape[2:]))
    many = kernel_[0] > 1 < len(kernel_) and rows >= ROWS and places >= PLACES * O
    return isinstance(x, np.ndarray) and many


def columns(
    x: Array, window: Window, groups: int, apart: bool
) -> Iterator[tuple[slice, list[Array]]]:
    """Runs of images, and their patches as a matrix (G, C/G*kernel, images*places).

    With `apart` as one for each tap along the first spatial axis. N is behind that axis then: a
    step along it is one over whole rows, so the matrices are parts of one another in memory.
    The memory is the same each time, with new contents.
    """
    C, *sizes = x.shape[1:]
    rows = C * prod(window.kernel[apart:])
    count = -1
    for images in parts(x, rows, prod(window.outputs(x.shape[2:])), CPU_PATCHES):
        part = x[images]
        if window.is_point:
            yield images, [merged(part, groups, apart)]
            continue
        if len(part) != count:  # the first run, or a shorter last one
            count = len(part)
            wide = padded_zeros(part, window, 1 + apart)
            inner = np.moveaxis(wide, 1 + apart, 0)[interior(window, tuple(sizes))]
            copies = gathering(wide, window, apart)
        inner[...] = part
        for view, buffer in copies:
            buffer[...] = view
        if apart:
            yield images, along_first(buffer, window, groups)
        else:
            yield images, [buffer.reshape(groups, rows // groups, -1)]


def gathering(wide: Array, window: Window, apart: bool) -> list[tuple[Array, Array]]:
    """What to copy where to turn padded (C, N, *sizes) into (C, *kernel, N, *outputs).

    The first spatial axis comes last, or with `apart` not at all: its taps are then whole planes,
    which is quicker to copy than the rows that all taps at once would be.
    """
    copies = []
    dims = range(len(window.kernel))
    for some in (dims[1:], dims[: 1 - apart]):
        if some:
            view = tap_view(wide, window, some, 1)
            wide = np.empty_like(view, order="C")
            copies.append((view, wide))
    return copies


def along_first(x: Array, window: Window, groups: int) -> list[Array]:
    """What each tap along the first spatial axis sees of (C, *taps, size, N, *outputs)."""
    size, stride, span = x.shape[len(window.kernel)], window.stride[0], window.span[0]
    lines = x.reshape(groups, prod(x.shape[: len(window.kernel)]) // groups, size, -1)
    return [
        lines[:, :, i : i + size - span + 1 : stride].reshape(groups, lines.shape[1], -1)
        for i in range(0, span, window.dilation[0])
    ]


def padded_zeros(x: Array, window: Window, at: int) -> Array:
    """Zeros (C, *padded) for the images x, with N at this axis."""
    n, c, *sizes = x.shape
    shape = [c, *window.padded(tuple(sizes))]
    shape.insert(at, n)
    return np.zeros_like(x, order="C", shape=tuple(shape))


def merged(x: Array, groups: int, apart: bool) -> Array:
    """(N, C, *sizes) as (G, C/G, images*places); a view where N is 1."""
    return np.moveaxis(x, 0, 1 + apart).reshape(groups, x.shape[1] // groups, -1)


def parted(product: Array, shape: Sizes, apart: bool) -> Array:
    """The inverse of `merged`: (G, C/G, images*places) as (N, C, *sizes)."""
    n, *rest = shape
    rest.insert(1 + apart, n)
    return np.moveaxis(product.reshape(rest), 1 + apart, 0)


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
