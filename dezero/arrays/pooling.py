"""Pooling: the largest element or the sum of each window, and the way back.

Arrays are (N, C, *sizes) and (N, C, *outputs), as in `patches`. A kernel passes over all places
at one tap of the window after the other, for as many images at a time as fit into the cache.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .kernels import kernel
from .namespace import Array, namespace
from .patches import Sizes, Window, interior, padded

CPU_NUMBERS = 1 << 17  # at a time
GPU_NUMBERS = 1 << 26  # there every call is a launch


@kernel
def max_windows(x: Array, window: Window) -> Array:
    """The largest element of each window. Padding is -inf: it is never the largest."""
    outputs = window.outputs(x.shape[2:])
    slices = [seen for _, seen in window.taps(outputs)]
    y = np.empty_like(x, order="C", shape=(*x.shape[:2], *outputs))
    for images in runs(x):
        y[images] = largest(padded(x[images], window, -np.inf), slices)
    return y


@kernel
def largest_taps(x: Array, window: Window) -> Array:
    """Which tap of each window holds its largest element, the first of several equal ones."""
    outputs = window.outputs(x.shape[2:])
    slices = [seen for _, seen in window.taps(outputs)]
    number = np.uint8 if len(slices) <= 256 else np.intp
    taps = np.zeros_like(x, number, order="C", shape=(*x.shape[:2], *outputs))
    for images in runs(x):
        wide = padded(x[images], window, -np.inf)
        y = largest(wide, slices)
        part: Array = taps[images]
        missed = np.ones_like(y, bool)
        for seen in slices[:-1]:  # the number of the first hit is how many missed before
            missed &= wide[seen] != y
            part += missed
    return taps


@kernel
def take_taps(x: Array, taps: Array, window: Window) -> Array:
    """The element of each window at its numbered tap; taps do not point into padding."""
    wide = padded(x, window)
    y = np.empty_like(x, order="C", shape=taps.shape)
    where, steps = positions(wide, taps, window)
    for images in runs(wide):
        part, chosen = wide[images], taps[images]
        y[images] = part.reshape(-1)[where[: len(part)] + steps.take(chosen)]
    return y


@kernel
def put_taps(y: Array, taps: Array, sizes: Sizes, window: Window) -> Array:
    """The adjoint of `take_taps`: y added up at the numbered taps of an array of these sizes."""
    wide = np.zeros_like(y, order="C", shape=(*y.shape[:2], *window.padded(sizes)))
    where, steps = positions(wide, taps, window)
    for images in runs(wide):
        part, chosen = wide[images], taps[images]
        at = where[: len(part)] + steps.take(chosen)  # four times quicker than steps[chosen]
        np.add.at(part.reshape(-1), at.reshape(-1), y[images].reshape(-1))
    return wide[interior(window, sizes)]


@kernel
def sum_windows(x: Array, window: Window) -> Array:
    """The sum of each window. Padding counts as zeros."""
    outputs = window.outputs(x.shape[2:])
    y = np.zeros_like(x, order="C", shape=(*x.shape[:2], *outputs))
    for images in runs(x):
        wide, part = padded(x[images], window), y[images]
        for _, seen in window.taps(outputs):
            part += wide[seen]
    return y


@kernel
def spread_windows(y: Array, sizes: Sizes, window: Window) -> Array:
    """The adjoint of `sum_windows`: y added to every element of its window."""
    wide = np.zeros_like(y, order="C", shape=(*y.shape[:2], *window.padded(sizes)))
    for images in runs(wide):
        part, gy = wide[images], y[images]
        for _, seen in window.taps(y.shape[2:]):
            part[seen] += gy
    return wide[interior(window, sizes)]


def runs(x: Array) -> list[slice]:
    """Images that are worked on at a time."""
    step = run_length(x)
    return [slice(i, i + step) for i in range(0, len(x), step)]


def run_length(x: Array) -> int:
    """How many images are worked on at a time."""
    numbers = CPU_NUMBERS if isinstance(x, np.ndarray) else GPU_NUMBERS
    return max(1, numbers // max(1, x[:1].size))  # type: ignore[no-any-return]


def largest(wide: Array, slices: list[Any]) -> Array:
    """The largest of what is seen at all taps of a padded array."""
    y = wide[slices[0]].copy()
    for seen in slices[1:]:
        np.maximum(y, wide[seen], out=y)
    return y


def positions(wide: Array, taps: Array, window: Window) -> tuple[Array, Array]:
    """Where things are in a run of images of a padded array, once it is flat.

    The first element that each window sees, (images, C, *outputs), and how much further the one
    at each tap is.
    """
    xp = namespace(taps)
    n, c, *sizes = wide[: run_length(wide)].shape
    where = xp.arange(n * c).reshape(n, c) * int(np.prod(sizes, dtype=int))
    further = np.zeros((), int)
    for i, count in enumerate(taps.shape[2:]):
        step = int(np.prod(sizes[i + 1 :], dtype=int))
        where = where[..., None] + xp.arange(count) * (window.stride[i] * step)
        taken = np.arange(window.kernel[i]) * window.dilation[i] * step
        further = np.add.outer(further, taken)
    return where, xp.asarray(further.reshape(-1))
