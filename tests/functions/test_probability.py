import mpmath
import numpy as np
import pytest

import dezero.functions as F
from dezero import Variable

FLOATS = [np.float16, np.float32, np.float64]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shift", [0.0, 1e4, -1e4])
def test_large_scores(dtype, shift):
    x = Variable(np.array([[0, -1000], [0, 0]], dtype) + dtype(shift))
    np.testing.assert_array_equal(F.softmax(x).data, [[1, 0], [0.5, 0.5]])
    np.testing.assert_allclose(F.log_softmax(x).data, [[0, -1000], np.log([0.5, 0.5])], rtol=1e-3)
    top = np.float64(x.data.max())
    np.testing.assert_allclose(F.logsumexp(x, axis=1).data, [top, top + np.log(2)], rtol=1e-3)
    for y in (F.softmax(x), F.log_softmax(x), F.logsumexp(x, axis=1)):
        assert y.dtype == dtype


def test_the_largest_finite_scores():
    top = np.finfo(float).max
    x = Variable(np.array([[top, top], [-top, -top]]))
    np.testing.assert_array_equal(F.softmax(x).data, np.full((2, 2), 0.5))
    np.testing.assert_array_equal(F.logsumexp(x, axis=1).data, [top, -top])


def test_precision_against_mpmath():
    row = [-30.0, 0.1, 2.5, 40.0]
    with mpmath.workdps(50):
        total = sum(mpmath.exp(mpmath.mpf(v)) for v in row)
        p = [float(mpmath.exp(mpmath.mpf(v)) / total) for v in row]
        log_p = [float(mpmath.mpf(v) - mpmath.log(total)) for v in row]
        log_total = float(mpmath.log(total))
    x = Variable(np.array([row]))
    np.testing.assert_allclose(F.softmax(x).data[0], p, rtol=1e-14)
    np.testing.assert_allclose(F.log_softmax(x).data[0], log_p, rtol=1e-15, atol=1e-15)
    np.testing.assert_allclose(F.logsumexp(x).data, log_total, rtol=1e-15)


def test_scores_of_minus_infinity_have_probability_zero():
    x = Variable(np.array([[0.0, -np.inf, 0.0]]))
    y = F.softmax(x)
    np.testing.assert_array_equal(y.data, [[0.5, 0, 0.5]])
    y.backward(gradient=np.array([[1.0, 2.0, 3.0]]))
    np.testing.assert_array_equal(x.grad.data, [[-0.5, 0, 0.5]])
    np.testing.assert_allclose(F.log_softmax(x).data, [[-np.log(2), -np.inf, -np.log(2)]])
    x.cleargrad()
    F.logsumexp(x).backward()
    np.testing.assert_array_equal(x.grad.data, [[0.5, 0, 0.5]])


def test_nothing_but_minus_infinity():
    x = Variable(np.full((1, 2), -np.inf))
    for f in (F.softmax, F.log_softmax):
        with pytest.warns(RuntimeWarning, match="invalid value"):
            assert np.isnan(f(x).data).all()
    assert F.logsumexp(x).data == -np.inf


def test_logsumexp_of_infinity():
    assert F.logsumexp(Variable(np.array([0.0, np.inf]))).data == np.inf


def test_a_shift_of_the_scores_changes_no_probability():
    x = Variable(np.random.default_rng(0).standard_normal((3, 5)))
    y = F.softmax(x)
    y.backward(gradient=np.random.default_rng(1).standard_normal((3, 5)))
    np.testing.assert_allclose(y.data.sum(axis=1), 1, rtol=1e-15)
    np.testing.assert_allclose(x.grad.data.sum(axis=1), 0, atol=1e-16)


def test_classes_are_called_as_in_the_book():
    x = Variable(np.array([[0.0, np.log(3.0)]]))
    np.testing.assert_allclose(F.Softmax(axis=1)(x).data, [[0.25, 0.75]])
    np.testing.assert_allclose(F.LogSoftmax()(x).data, np.log([[0.25, 0.75]]))
