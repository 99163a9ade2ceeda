"""Reductions: ties, dtypes, NumPy's spellings; the rest is in test_catalogue.py."""

import numpy as np
import pytest

import dezero.functions as F
from dezero import Variable
from dezero.errors import NotDifferentiableError


def gradient(y, x):
    x.cleargrad()
    y.backward()
    return x.grad.data


@pytest.mark.parametrize("op", [F.max, F.min])
def test_ties_share_the_gradient(op):
    x = Variable(np.array([[1.0, 1.0, 1.0], [2.0, 5.0, 5.0], [2.0, 2.0, 5.0]], np.float32))
    gx = gradient(op(x, axis=1), x)
    expected = {
        F.max: [[1 / 3, 1 / 3, 1 / 3], [0, 1 / 2, 1 / 2], [0, 0, 1]],
        F.min: [[1 / 3, 1 / 3, 1 / 3], [1, 0, 0], [1 / 2, 1 / 2, 0]],
    }
    np.testing.assert_allclose(gx, expected[op], rtol=1e-6)
    assert gx.dtype == np.float32
    np.testing.assert_allclose(gx.sum(axis=1), 1, rtol=1e-6)


def test_ties_over_all_axes():
    x = Variable(np.zeros((2, 3)))
    np.testing.assert_allclose(gradient(F.max(x), x), np.full((2, 3), 1 / 6))


def test_not_a_number_is_seen():
    x = np.array([1.0, np.nan, 3.0])
    assert np.isnan(F.max(x).data) and np.isnan(F.min(x).data) and np.isnan(F.mean(x).data)


def test_infinities():
    x = Variable(np.array([-np.inf, 0.0, np.inf]))
    assert F.max(x).data == np.inf
    np.testing.assert_array_equal(gradient(F.max(x), x), [0, 0, 1])
    np.testing.assert_array_equal(gradient(F.min(x), x), [1, 0, 0])


def test_nothing_to_sum_is_zero_and_nothing_to_average_is_no_number():
    assert F.sum(np.zeros((0, 3))).data == 0.0
    np.testing.assert_array_equal(F.sum(np.zeros((0, 3)), axis=0).data, np.zeros(3))
    with pytest.warns(RuntimeWarning):
        assert np.isnan(F.mean(np.zeros(0)).data)


@pytest.mark.parametrize("dtype", [np.bool_, np.int8, np.int64, np.float16, np.float32])
@pytest.mark.parametrize("name", ["sum", "mean", "max", "var"])
def test_dtypes_are_numpys(name, dtype):
    x = np.array([[1, 0, 1], [1, 1, 0]]).astype(dtype)
    for axis in (None, 1):
        y, expected = getattr(F, name)(x, axis), getattr(np, name)(x, axis)
        assert y.dtype == expected.dtype
        np.testing.assert_array_equal(y.data, expected)


def test_float16_means_do_not_overflow():
    x = Variable(np.full(1000, 1000.0, np.float16))  # the sum is beyond float16's 65504
    y = F.mean(x)
    assert y.data == 1000 and y.dtype == np.float16
    gx = gradient(y, x)
    assert gx.dtype == np.float16
    np.testing.assert_allclose(gx, 0.001, rtol=1e-3)


def test_variance_of_large_numbers_that_differ_little():
    x = 1e9 + np.array([4.0, 7.0, 13.0, 16.0])  # the textbook's example: 22.5
    assert F.var(x).data == 22.5


def test_numpys_spellings():
    x = Variable(np.array([[1.0, 5.0], [3.0, 4.0]]))
    for y, expected in [
        (np.sum(x), 13),
        (np.sum(x, 0), [4, 9]),
        (np.mean(x, axis=1, keepdims=True), [[3], [3.5]]),
        (np.max(x, axis=-1), [5, 4]),
        (np.amax(x), 5),
        (np.amin(x, (0, 1)), 1),
        (np.min(x, axis=0), [1, 4]),
        (np.var(x), 2.1875),
        (np.add.reduce(x), [4, 9]),
        (np.add.reduce(x, axis=None), 13),
        (np.maximum.reduce(x), [3, 5]),
        (np.minimum.reduce(x, axis=1, keepdims=True), [[1], [3]]),
        (x.sum(0, True), [[4, 9]]),
        (x.mean(1), [3, 3.5]),
        (x.max(axis=0), [3, 5]),
        (x.min(), 1),
    ]:
        assert isinstance(y, Variable) and y.creator is not None
        np.testing.assert_array_equal(y.data, expected)


def test_arguments_of_numpy_that_we_lack_are_errors():
    x = Variable(np.ones((2, 2)))
    # the third positional argument is NumPy's dtype or out, and must not become keepdims
    for call in (
        lambda: np.sum(x, 0, np.float32),
        lambda: np.sum(x, dtype=np.float32),
        lambda: np.max(x, 0, None, True),
        lambda: np.max(x, initial=3.0),
        lambda: np.var(x, ddof=1),
    ):
        with pytest.raises(NotDifferentiableError, match="here it takes"):
            call()
    with pytest.raises(NotDifferentiableError, match="written into"):
        np.sum(x, out=np.zeros(()))


def test_classes_take_the_same_arguments():
    x = Variable(np.arange(6.0).reshape(2, 3))
    np.testing.assert_array_equal(F.Sum(0, True)(x).data, [[3, 5, 7]])
    np.testing.assert_array_equal(F.Max()(x).data, 5)
    np.testing.assert_array_equal(F.Max(axis=1, keepdims=False)(x).data, [2, 5])
    np.testing.assert_array_equal(F.Min(axis=0)(x).data, [0, 1, 2])
    assert F.average is F.mean


def test_third_derivative_of_a_composition():
    # y = (sum x)^3 has the third derivative 6 with respect to any element, three times
    x = Variable(np.array([0.5, 1.5]))
    y = F.sum(x) ** 3
    for expected in (3 * 2.0**2, 6 * 2.0, 6.0):
        y.backward(create_graph=True)
        y = x.grad[0]
        np.testing.assert_allclose(y.data, expected)
        x.cleargrad()
