"""The three convolution kernels, against SciPy and against each other."""

import tracemalloc

import numpy as np
import pytest
from scipy.signal import correlate

from dezero.arrays import conv, conv_transposed, conv_weights, convolution
from dezero.arrays.patches import Window

GEOMETRIES = [
    # window, groups, C, O, sizes
    (Window.of(3, ndim=1), 1, 2, 3, (8,)),
    (Window.of(3, 2, 1, 2, ndim=1), 2, 4, 2, (9,)),
    (Window.of((3, 2)), 1, 3, 4, (6, 5)),
    (Window.of((2, 3), (2, 1), (1, 2)), 1, 2, 5, (5, 6)),
    (Window.of(3, 1, 1), 4, 4, 4, (5, 5)),
    (Window.of(3, 2, 3), 2, 4, 6, (4, 7)),
    (Window.of(1), 1, 5, 3, (4, 3)),
    (Window.of(1, 2), 3, 3, 6, (5, 5)),
    (Window.of(2, 3), 1, 1, 7, (8, 9)),
    (Window.of((2, 3, 1), (1, 2, 1), (1, 0, 0), (2, 1, 1), ndim=3), 1, 2, 3, (4, 5, 2)),
]
geometries = pytest.mark.parametrize(("window", "groups", "C", "O", "sizes"), GEOMETRIES)
run_lengths = pytest.mark.parametrize(
    ("columns", "patches", "many", "rows", "places"),
    [(1, 1, 8, 1, 0), (64, 1, 2, 48, 16), (1, 600, 8, 48, 0), (512, 1 << 17, 2, 1, 0)],
)


def by_scipy(x, W, window, groups):
    """SciPy's correlation with the kernel widened by its dilation, at every stride-th place."""
    x = np.pad(x, [(0, 0), (0, 0), *[(p, p) for p in window.pad]])
    wide = np.zeros((*W.shape[:2], *window.span))
    wide[(..., *[slice(None, None, d) for d in window.dilation])] = W
    share, out = W.shape[1], len(W) // groups
    strided = tuple([slice(None, None, s) for s in window.stride])
    y = [
        [
            sum(
                correlate(image[o // out * share + c], wide[o, c], "valid", "direct")
                for c in range(share)
            )[strided]
            for o in range(len(W))
        ]
        for image in x
    ]
    return np.array(y)


def drawn(*shape):
    return np.random.default_rng([3, *shape]).normal(size=shape)


@run_lengths
@geometries
def test_the_three_kernels(
    window, groups, C, O, sizes, columns, patches, many, rows, places, monkeypatch
):
    limits = {"COLUMNS": columns, "CPU_PATCHES": patches, "CPU_SUMS": patches, "MANY": many}
    for name, limit in (limits | {"ROWS": rows, "PLACES": places}).items():
        monkeypatch.setattr(convolution, name, limit)
    x, W, b = drawn(5, C, *sizes), drawn(O, C // groups, *window.kernel), drawn(O)
    y = conv(x, W, None, window, groups)
    np.testing.assert_allclose(y, by_scipy(x, W, window, groups), rtol=1e-12, atol=1e-12)
    shift = b.reshape(-1, *[1] * len(sizes))
    np.testing.assert_allclose(conv(x, W, b, window, groups), y + shift, rtol=1e-12, atol=1e-12)

    gy, other = drawn(*y.shape), drawn(C)
    gx = conv_transposed(gy, W, None, sizes, window, groups)
    gW = conv_weights(x, gy, window, groups)
    assert gx.shape == x.shape
    assert gW.shape == W.shape
    # adjoint means: the same number, whichever operand is left for last
    np.testing.assert_allclose(np.sum(gx * x), np.sum(gy * y), rtol=1e-11)
    np.testing.assert_allclose(np.sum(gW * W), np.sum(gy * y), rtol=1e-11)
    shift = other.reshape(-1, *[1] * len(sizes))
    shifted = conv_transposed(gy, W, other, sizes, window, groups)
    np.testing.assert_allclose(shifted, gx + shift, rtol=1e-12, atol=1e-12)


@geometries
def test_arrays_that_are_not_numpys(window, groups, C, O, sizes, gpu):
    x, W, b = drawn(3, C, *sizes), drawn(O, C // groups, *window.kernel), drawn(O)
    y = conv(x, W, b, window, groups)
    moved = [gpu.asarray(a) for a in (x, W, b, y)]
    np.testing.assert_allclose(conv(*moved[:3], window, groups).get(), y)
    gx = conv_transposed(moved[3], moved[1], None, sizes, window, groups)
    np.testing.assert_allclose(gx.get(), conv_transposed(y, W, None, sizes, window, groups))
    gW = conv_weights(moved[0], moved[3], window, groups)
    np.testing.assert_allclose(gW.get(), conv_weights(x, y, window, groups))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int32])
def test_dtypes(dtype):
    x, W = np.ones((2, 2, 4, 4), dtype), np.ones((3, 2, 3, 3), dtype)
    window = Window.of(3)
    y = conv(x, W, None, window, 1)
    assert y.dtype == conv_transposed(y, W, None, (4, 4), window, 1).dtype == dtype
    assert conv_weights(x, y, window, 1).dtype == dtype
    assert conv(x, W, np.full(3, 0.5), window, 1)[0, 0, 0, 0] == 18.5
    assert conv(x, W.astype(np.float64), None, window, 1).dtype == np.float64


def test_no_images():
    window = Window.of(3)
    x, W, gy = np.ones((0, 2, 5, 5)), np.ones((4, 2, 3, 3)), np.ones((0, 4, 3, 3))
    assert conv(x, W, np.ones(4), window, 1).shape == (0, 4, 3, 3)
    assert conv_transposed(gy, W, None, (5, 5), window, 1).shape == x.shape
    assert not conv_weights(x, gy, window, 1).any()


@pytest.mark.parametrize("kernel", ["conv", "conv_transposed", "conv_weights"])
def test_memory_is_not_that_of_all_patches(kernel):
    x, W = np.ones((32, 16, 24, 24), np.float32), np.ones((16, 16, 3, 3), np.float32)
    window = Window.of(3, pad=1)
    run = {
        "conv": lambda: conv(x, W, None, window, 1),
        "conv_transposed": lambda: conv_transposed(x, W, None, (24, 24), window, 1),
        "conv_weights": lambda: conv_weights(x, x, window, 1),
    }[kernel]
    tracemalloc.start()
    try:
        run()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 * x.nbytes  # the patches of all images are 9 times x


def test_reversed_strides_and_transposed_operands():
    x, W = drawn(2, 6, 5, 4)[:, ::-2, ::-1].transpose(0, 1, 3, 2), drawn(3, 2, 5, 3).T
    window = Window.of(W.shape[2:])
    expected = by_scipy(x, W[:, :3], window, 1)
    np.testing.assert_allclose(conv(x, W[:, :3], None, window, 1), expected, rtol=1e-12, atol=1e-12)
