"""The pooling kernels in C against those of NumPy."""

from functools import cache

import numpy as np
import pytest

from dezero.arrays import pooling
from dezero.arrays.patches import Window
from dezero.compiler.executors.c.pooling import kernel
from tests.compiler.test_convolution_kernels import (
    called,
    channels_last,
    compiled,
    needs_compiler,
)

# shape of x, kernel, stride, pad, dilation
GEOMETRIES = {
    "2x2": ((2, 32, 8, 8), 2, 2, 0, 1),
    "three_channels": ((2, 3, 7, 6), 2, 2, 0, 1),
    "overlapping": ((2, 33, 9, 8), 3, 2, 1, 1),
    "dilated": ((2, 1, 9, 8), (2, 3), 1, 1, 2),
    "input_left_over": ((1, 5, 8, 9), 2, 3, 0, 1),
    "more_pad_than_kernel": ((1, 17, 4, 5), 2, 1, 2, 1),
    "many_taps": ((1, 17, 21, 20), 20, 20, 0, 1),
    "1d": ((3, 6, 20), 3, 3, 1, 1),
    "3d": ((2, 4, 4, 5, 6), 2, (1, 2, 3), 1, 1),
}
OPS = ("max_windows", "largest_taps", "take_taps", "put_taps", "sum_windows", "spread_windows")


def case(op, geometry, dtype):
    """The kernel, what it is to be called with, and what it is to give."""
    shape, size, stride, pad, dilation = GEOMETRIES[geometry]
    window = Window.of(size, stride, pad, dilation, len(shape) - 2)
    rng = np.random.default_rng(0)
    x = rng.integers(-3, 4, shape).astype(dtype)  # with equal ones
    y = rng.standard_normal((*shape[:2], *window.outputs(shape[2:]))).astype(dtype)
    x.flat[:: x.size // 5] = -np.inf
    if op in ("max_windows", "largest_taps"):
        x.flat[3 :: x.size // 5] = np.nan
    if op == "sum_windows":
        x = rng.standard_normal(shape).astype(dtype)
    taps = pooling.largest_taps(x, window)
    function = getattr(pooling, op)
    inputs = {"take_taps": [x, taps], "put_taps": [y, taps], "spread_windows": [y]}.get(op, [x])
    sizes = [shape[2:]] if op in ("put_taps", "spread_windows") else []
    expected = function(*inputs, *sizes, window)
    return kernel(op, [a.shape for a in (*inputs, expected)], window, dtype), inputs, expected


@cache
def cases(dtype):
    """All of them, and their libraries."""
    needs_compiler()
    found = {(op, g): case(op, g, dtype) for op in OPS for g in GEOMETRIES}
    return found, compiled({key: native for key, (native, *_) in found.items()})


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("op", OPS)
def test_as_numpy(op, geometry, dtype, threads):
    found, loaded = cases(dtype)
    native, inputs, expected = found[op, geometry]
    out = channels_last(np.full_like(expected, 99))
    called(loaded[op, geometry], native, [*map(channels_last, inputs), out], threads)
    # at most 400 numbers of size 4 or so are added up
    tolerance = 400 * 4 * np.finfo(dtype).eps
    np.testing.assert_allclose(np.moveaxis(out, -1, 1), expected, rtol=0, atol=tolerance)
