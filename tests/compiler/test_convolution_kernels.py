"""The convolution kernels in C against those of NumPy."""

import ctypes
from functools import cache
from math import prod

import numpy as np
import pytest

from dezero.arrays.convolution import conv, conv_transposed, conv_weights
from dezero.arrays.patches import Window
from dezero.compiler.executors.c import grids
from dezero.compiler.executors.c.convolution import kernel
from dezero.compiler.executors.c.toolchain import NoCompiler, compiler, libraries
from dezero.compiler.executors.c.vectors import FLAGS

# shape of x, channels of y, kernel, stride, pad, dilation, groups
GEOMETRIES = {
    "3x3": ((2, 16, 9, 9), 32, 3, 1, 1, 1, 1),
    "point": ((1, 1, 4, 4), 1, 1, 1, 0, 1, 1),
    "channels_mixed": ((3, 40, 5, 6), 24, 1, 1, 0, 1, 1),
    "one_channel": ((2, 1, 12, 12), 33, 5, 1, 0, 1, 1),
    "three_channels_not_square": ((2, 3, 7, 6), 5, (3, 2), (2, 1), (1, 0), 1, 1),
    "to_one_channel": ((2, 24, 6, 6), 1, 4, 2, 1, 1, 1),
    "stride_two": ((4, 16, 8, 8), 64, 4, 2, 1, 1, 1),
    "kernel_below_stride": ((2, 3, 10, 9), 4, 2, 3, 0, 1, 1),
    "input_left_over": ((2, 3, 10, 11), 4, 3, 4, 0, 1, 1),
    "more_pad_than_kernel": ((1, 2, 3, 4), 3, 2, 1, 3, 1, 1),
    "dilated_groups": ((2, 6, 9, 8), 4, 3, 1, 2, 2, 2),
    "dilated_stride": ((1, 4, 13, 12), 4, 3, (2, 3), 2, (3, 2), 1),
    "depthwise": ((2, 33, 7, 6), 33, 3, 2, 1, 1, 33),
    "depthwise_twice": ((2, 5, 6, 6), 10, 3, 1, 1, 1, 5),
    "tall_image": ((1, 8, 70, 40), 20, 3, 1, 1, 1, 1),
    "small_images": ((12, 20, 2, 2), 20, 3, 1, 1, 1, 1),
    "winograd": ((2, 33, 7, 9), 48, 3, 1, 1, 1, 1),
    "winograd_small": ((5, 32, 4, 4), 64, 3, 1, 0, 1, 1),
    "winograd_wide": ((1, 32, 6, 35), 35, 3, 1, 2, 1, 1),
    "winograd_5x5": ((2, 33, 10, 9), 35, 5, 1, (0, 2), 1, 1),
    "winograd_panels": ((2, 70, 9, 9), 66, 3, 1, 1, 1, 1),
    "winograd_adjoint": ((3, 48, 12, 8), 33, 5, 1, 0, 1, 1),
    "winograd_chunks": ((7, 35, 16, 15), 33, 3, 1, 1, 1, 1),
    "winograd_strided": ((2, 32, 14, 14), 48, 4, 2, 1, 1, 1),
    "winograd_6x6": ((3, 32, 15, 22), 32, 6, 2, (3, 2), 1, 1),
    "1d": ((2, 5, 211), 7, 4, 3, 2, 1, 1),
    "1d_groups": ((3, 8, 12), 4, 3, 1, 1, 1, 2),
    "3d": ((2, 2, 5, 4, 6), 3, (2, 3, 2), (1, 2, 1), (0, 1, 1), 1, 1),
}
OPS = ("conv", "conv_transposed", "conv_weights")


def case(op, geometry, dtype):
    """The kernel, what it is to be called with, what it is to give, and sums of magnitudes."""
    shape, channels, size, stride, pad, dilation, groups = GEOMETRIES[geometry]
    window = Window.of(size, stride, pad, dilation, len(shape) - 2)
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape).astype(dtype)
    W = rng.standard_normal((channels, shape[1] // groups, *window.kernel)).astype(dtype)
    y = rng.standard_normal((shape[0], channels, *window.outputs(shape[2:]))).astype(dtype)
    b = rng.standard_normal(channels if op == "conv" else shape[1]).astype(dtype)
    biased = list(GEOMETRIES).index(geometry) % 2 == 0
    inputs = {"conv": [x, W], "conv_transposed": [y, W], "conv_weights": [x, y]}[op]
    inputs += [b] * (biased and op != "conv_weights")

    def reference(*arrays):
        a, b, *bias = [array.astype(np.float64) for array in arrays]
        if op == "conv_weights":
            return conv_weights(a, b, window, groups)
        bias = bias[0] if bias else None
        if op == "conv":
            return conv(a, b, bias, window, groups)
        return conv_transposed(a, b, bias, shape[2:], window, groups)

    expected = reference(*inputs)
    native = kernel(op, [a.shape for a in (*inputs, expected)], window, groups, dtype)
    return native, inputs, expected, reference(*map(np.abs, inputs))


@cache
def cases(dtype):
    """All of them, and their libraries: as many as compile at once, but not one for each."""
    needs_compiler()
    found = {(op, g): case(op, g, dtype) for op in OPS for g in GEOMETRIES}
    return found, compiled({key: native for key, (native, *_) in found.items()})


def needs_compiler():
    try:
        compiler()
    except NoCompiler as error:
        pytest.skip(str(error))


def compiled(natives):
    """The library of each kernel; several are compiled together."""
    pages = [list(natives)[i::8] for i in range(8)]
    texts = ["".join(dict.fromkeys([natives[key].source for key in page])) for page in pages]
    loaded = libraries(texts, FLAGS)
    return {key: lib for page, lib in zip(pages, loaded, strict=True) for key in page}


def channels_last(x):
    return np.ascontiguousarray(np.moveaxis(x, 1, -1))


def aligned(size):
    """Bytes at a multiple of 64, none of them zero."""
    block = np.full(size + 64, 0xFF, np.uint8)
    start = -block.ctypes.data % 64
    return block[start : start + size]


def called(library, native, arrays, threads):
    """Run the stages on arrays that lie as the kernel wants them, one thread after another."""
    scratch = aligned(native.scratch(threads))
    table = (ctypes.c_void_p * len(arrays))(*[a.ctypes.data for a in arrays])
    for name in native.stages:
        stage = getattr(library, name)
        stage.restype = None
        for thread in range(threads):
            count = [ctypes.c_int64(n) for n in (thread, threads)]
            stage(*count, table, ctypes.c_void_p(scratch.ctypes.data))


def result(library, native, op, inputs, expected, threads):
    """What the kernel gives, with the channels where NumPy has them."""
    weights = {"conv": 1, "conv_transposed": 1, "conv_weights": 2}[op]
    out = np.full(expected.shape, np.nan, inputs[0].dtype)
    arrays = [
        a if a.ndim == 1 or i == weights else channels_last(a) for i, a in enumerate([*inputs, out])
    ]
    called(library, native, arrays, threads)
    return arrays[-1] if op == "conv_weights" else np.moveaxis(arrays[-1], -1, 1)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("op", OPS)
def test_as_numpy(op, geometry, dtype, threads):
    found, loaded = cases(dtype)
    native, inputs, expected, magnitudes = found[op, geometry]
    y = result(loaded[op, geometry], native, op, inputs, expected, threads)
    # a sum of n products has an error of at most n units of the sum of magnitudes
    other = inputs[1].shape
    summands = {
        "conv": prod(other[1:]),
        "conv_transposed": prod(other[2:]) * other[0],
        "conv_weights": prod(other) // other[1],
    }[op]
    bound = (summands + 8) * np.finfo(dtype).eps * np.max(magnitudes)
    assert np.all(np.abs(y - expected) <= bound)


def test_same_geometry_is_same_text():
    shapes, window = [(2, 3, 8, 8), (4, 3, 3, 3), (2, 4, 6, 6)], Window.of(3)
    first, second = (kernel("conv", shapes, window, 1, np.float32) for _ in range(2))
    assert first == second
    assert first != kernel("conv", shapes, window, 1, np.float64)


@pytest.mark.parametrize("geometry", ["winograd_chunks", "winograd_5x5", "winograd_strided"])
def test_winograd_errs_little_more_than_direct_sums(geometry, monkeypatch):
    """The root of its mean squared error is at most 3.5 times theirs: most where sums are short."""
    needs_compiler()
    fast = [case(op, geometry, np.float32) for op in OPS]
    monkeypatch.setattr(grids, "CHANNELS", 10**9)  # more than there are
    direct = [case(op, geometry, np.float32) for op in OPS]
    pairs = [(f, d, op) for f, d, op in zip(fast, direct, OPS, strict=True) if f[0] != d[0]]
    assert pairs[0][2] == "conv"
    for *both, op in pairs:
        loaded = libraries([native.source for native, *_ in both], FLAGS)
        errors = []
        for library, (native, inputs, expected, _) in zip(loaded, both, strict=True):
            y = result(library, native, op, inputs, expected, 1)
            errors.append(np.sqrt(np.mean((y - expected) ** 2)))
        assert errors[0] <= 3.5 * errors[1], op
