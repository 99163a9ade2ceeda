"""The pooling kernels, window by window."""

import itertools

import numpy as np
import pytest

from dezero.arrays import (
    largest_taps,
    max_windows,
    pooling,
    put_taps,
    spread_windows,
    sum_windows,
    take_taps,
)
from dezero.arrays.patches import Window

GEOMETRIES = [
    (Window.of(2, 2, ndim=1), (6,)),
    (Window.of(2, 2), (4, 6)),
    (Window.of(2, 2), (5, 7)),
    (Window.of(3, 2, 1), (5, 6)),
    (Window.of((2, 3), (1, 2), (0, 1)), (4, 5)),
    (Window.of((1, 2), 3), (4, 5)),
    (Window.of((2, 1, 3), (2, 1, 1), (1, 0, 1), ndim=3), (4, 2, 3)),
]
geometries = pytest.mark.parametrize(("window", "sizes"), GEOMETRIES)


def windows_of(x, window, fill):
    """(place, patch (N, C, taps)) for every place."""
    outputs = window.outputs(x.shape[2:])
    wide = np.pad(x, [(0, 0), (0, 0), *[(p, p) for p in window.pad]], constant_values=fill)
    for place in itertools.product(*map(range, outputs)):
        where = [
            slice(s * i, s * i + k)
            for s, i, k in zip(window.stride, place, window.kernel, strict=True)
        ]
        yield (..., *place), wide[(..., *where)].reshape(*x.shape[:2], -1)


def tied(*shape):
    """Few different numbers, so that windows have several largest ones."""
    return np.random.default_rng([5, *shape]).integers(-3, 0, shape).astype(float)


@pytest.mark.parametrize("numbers", [1, 50, 1 << 17])
@geometries
def test_values(window, sizes, numbers, monkeypatch):
    monkeypatch.setattr(pooling, "CPU_NUMBERS", numbers)
    x = tied(3, 2, *sizes)
    y, taps, sums = max_windows(x, window), largest_taps(x, window), sum_windows(x, window)
    for place, patch in windows_of(x, window, -np.inf):
        np.testing.assert_array_equal(y[place], patch.max(-1))
        np.testing.assert_array_equal(taps[place], patch.argmax(-1))  # the first of equal ones
    for place, patch in windows_of(x, window, 0):
        np.testing.assert_allclose(sums[place], patch.sum(-1))
    np.testing.assert_array_equal(take_taps(x, taps, window), y)


@pytest.mark.parametrize("numbers", [1, 50, 1 << 17])
@geometries
def test_adjoints(window, sizes, numbers, monkeypatch):
    monkeypatch.setattr(pooling, "CPU_NUMBERS", numbers)
    rng = np.random.default_rng(0)
    x = tied(3, 2, *sizes)
    other, taps = rng.normal(size=x.shape), largest_taps(x, window)
    gy = rng.normal(size=taps.shape)
    back = put_taps(gy, taps, sizes, window)
    assert back.shape == x.shape
    np.testing.assert_allclose(np.sum(back * other), np.sum(gy * take_taps(other, taps, window)))
    back = spread_windows(gy, sizes, window)
    assert back.shape == x.shape
    np.testing.assert_allclose(np.sum(back * other), np.sum(gy * sum_windows(other, window)))


@geometries
def test_arrays_that_are_not_numpys(window, sizes, gpu):
    x = tied(3, 2, *sizes)
    taps = largest_taps(x, window)
    gy = np.random.default_rng(0).normal(size=taps.shape)
    moved, *two = map(gpu.asarray, (x, gy, taps))
    for ours, expected in (
        (max_windows(moved, window), max_windows(x, window)),
        (largest_taps(moved, window), taps),
        (take_taps(moved, two[1], window), max_windows(x, window)),
        (put_taps(*two, sizes, window), put_taps(gy, taps, sizes, window)),
        (sum_windows(moved, window), sum_windows(x, window)),
        (spread_windows(two[0], sizes, window), spread_windows(gy, sizes, window)),
    ):
        np.testing.assert_array_equal(ours.get(), expected)


def test_more_taps_than_a_byte_counts():
    x = np.zeros((1, 1, 17, 17))
    x[0, 0, 16, 15] = 1
    window = Window.of(17)
    assert largest_taps(x, window).item() == 16 * 17 + 15
    np.testing.assert_array_equal(
        put_taps(np.ones((1, 1, 1, 1)), largest_taps(x, window), (17, 17), window), x
    )


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dtypes(dtype):
    x = tied(2, 1, 4, 4).astype(dtype)
    window = Window.of(2, 2)
    y, taps = max_windows(x, window), largest_taps(x, window)
    assert taps.dtype == np.uint8
    for result in (
        y,
        take_taps(x, taps, window),
        put_taps(y, taps, (4, 4), window),
        sum_windows(x, window),
        spread_windows(y, (4, 4), window),
    ):
        assert result.dtype == dtype
