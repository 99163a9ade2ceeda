"""Windows and patches: their geometry, their adjoint, arrays that are not NumPy's."""

import itertools

import numpy as np
import pytest

from dezero.arrays.patches import (
    Window,
    add_patches,
    col2im_array,
    get_conv_outsize,
    get_deconv_outsize,
    im2col_array,
    pair,
    patches,
)
from dezero.errors import DTypeError, ShapeError

WINDOWS = [
    (Window.of(3, 2, 1, ndim=1), (7,)),
    (Window.of((2, 3), (1, 2), (1, 0)), (4, 6)),
    (Window.of((3, 2), 1, 2, (2, 3)), (5, 4)),
    (Window.of((2, 1, 3), (2, 1, 1), (0, 0, 1), ndim=3), (5, 2, 3)),
]
windows = pytest.mark.parametrize(("window", "sizes"), WINDOWS)


@windows
def test_patches_one_by_one(window, sizes):
    x = np.random.default_rng(0).normal(size=(2, 3, *sizes))
    col = patches(x, window, fill=-5.0)
    outputs = window.outputs(sizes)
    assert col.shape == (2, 3, *window.kernel, *outputs)
    wide = np.pad(x, [(0, 0), (0, 0), *[(p, p) for p in window.pad]], constant_values=-5.0)
    for tap in itertools.product(*map(range, window.kernel)):
        for place in itertools.product(*map(range, outputs)):
            at = [
                s * i + d * k
                for s, i, d, k in zip(window.stride, place, window.dilation, tap, strict=True)
            ]
            np.testing.assert_array_equal(
                col[(slice(None), slice(None), *tap, *place)],
                wide[(slice(None), slice(None), *at)],
            )


@windows
def test_add_patches_is_the_adjoint(window, sizes):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(2, 3, *sizes))
    col = rng.normal(size=patches(x, window).shape)
    np.testing.assert_allclose(
        np.sum(patches(x, window) * col), np.sum(x * add_patches(col, sizes, window)), rtol=1e-13
    )


@pytest.mark.parametrize("pad", [0, 1])
def test_patches_cannot_be_written_into(pad):
    with pytest.raises(ValueError, match="read-only"):
        patches(np.zeros((1, 1, 3, 3)), Window.of(2, pad=pad))[:] = 1


def test_the_window_counts_its_places():
    for size, kernel, stride, pad in itertools.product((5, 6), (1, 2, 3), (1, 2, 3), (0, 1)):
        places = len(range(-pad, size + pad - kernel + 1, stride))
        assert Window.of(kernel, stride, pad, ndim=1).outputs((size,)) == (places,)
        assert get_conv_outsize(size, kernel, stride, pad) == places
        full = get_deconv_outsize(places, kernel, stride, pad)
        assert size - stride < full <= size


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"kernel": 0}, ShapeError, "kernel_size is 0, but must be at least 1"),
        ({"kernel": 3, "stride": (1, 0)}, ShapeError, r"stride is \(1, 0\)"),
        ({"kernel": 3, "pad": -1}, ShapeError, "pad is -1, but must be at least 0"),
        ({"kernel": (1, 2, 3)}, ShapeError, "must be one number or 2"),
        ({"kernel": 3, "dilation": 1.0}, DTypeError, "dilation is 1.0, but must be whole"),
        ({"kernel": "33"}, DTypeError, "whole numbers"),
    ],
)
def test_bad_windows(arguments, error, words):
    with pytest.raises(error, match=words):
        Window.of(**arguments)


def test_numpy_integers_are_whole_numbers():
    assert Window.of(np.int64(3), [np.int32(1), 2]) == Window.of(3, (1, 2))


def test_a_window_that_does_not_fit():
    with pytest.raises(ShapeError, match=r"spans \(5,\), more than the padded input's \(4,\)"):
        Window.of(3, dilation=2, pad=1, ndim=1).outputs((2,))


def test_pair():
    assert pair(3) == (3, 3)
    assert pair((1, 2)) == (1, 2)
    for wrong in ((1, 2, 3), 1.5, None):
        with pytest.raises(ShapeError, match="pair"):
            pair(wrong)


def test_rows_of_the_matrix_are_patches():
    x = np.arange(2 * 3 * 3 * 3.0).reshape(2, 3, 3, 3)
    col = im2col_array(x, 2, 1, 0)
    assert col.shape == (2 * 2 * 2, 3 * 2 * 2)
    np.testing.assert_array_equal(col[1], x[0, :, 0:2, 1:3].reshape(-1))
    np.testing.assert_array_equal(col[6], x[1, :, 1:3, 0:2].reshape(-1))
    whole = im2col_array(x, 2, 1, 0, to_matrix=False)
    np.testing.assert_array_equal(whole[1, :, :, :, 1, 0], x[1, :, 1:3, 0:2])
    assert whole.flags.writeable


def test_col2im_counts_how_often_a_pixel_is_seen():
    seen = col2im_array(np.ones((9, 9)), (1, 1, 5, 5), 3, 1, 0)[0, 0]
    once = np.array([1, 2, 3, 2, 1])
    np.testing.assert_array_equal(seen, np.outer(once, once))
    with pytest.raises(ShapeError, match=r"\(9, 9\)"):
        col2im_array(np.ones((9, 8)), (1, 1, 5, 5), 3, 1, 0)
