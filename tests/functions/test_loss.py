import mpmath
import numpy as np
import pytest

import dezero.functions as F
from dezero import Variable
from dezero.errors import DTypeError, ShapeError

FLOATS = [np.float16, np.float32, np.float64]


def value_and_gradient(f, x, *args):
    x = Variable(x)
    y = f(x, *args)
    y.backward()
    return y.data, x.grad.data


def test_mean_squared_error_sums_all_axes_but_the_first():
    x0, x1 = Variable(np.ones((2, 3, 4))), Variable(np.zeros((2, 3, 4)))
    y = F.mean_squared_error(x0, x1)
    y.backward()
    assert y.data == 12
    np.testing.assert_array_equal(x0.grad.data, np.ones((2, 3, 4)))
    np.testing.assert_array_equal(x1.grad.data, -np.ones((2, 3, 4)))


def test_mean_squared_error_of_a_variable_and_itself():
    x = Variable(np.array([1.0, 2.0]))
    F.mean_squared_error(x, x).backward()
    np.testing.assert_array_equal(x.grad.data, [0, 0])


def test_a_column_against_a_row_is_refused_with_the_remedy():
    with pytest.raises(ShapeError) as caught:
        F.mean_squared_error(Variable(np.ones((100, 1))), Variable(np.ones(100)))
    assert str(caught.value) == (
        "mean_squared_error: x0 is (100, 1) float64, x1 is (100,) float64: losses do not "
        "broadcast, so the shapes must be equal: reshape the second with .reshape(100, 1)"
    )


@pytest.mark.parametrize("loss", [F.sigmoid_cross_entropy, F.binary_cross_entropy])
def test_labels_of_a_column_of_scores_may_be_a_row(loss):
    # as the book's GAN compares the output of Linear(1) with labels
    scores, labels = np.array([[0.2], [0.7], [0.4]]), np.array([0, 1, 1])
    y, gx = value_and_gradient(loss, scores, labels)
    expected, gradient = value_and_gradient(loss, scores[:, 0], labels)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(gx[:, 0], gradient)


def test_uniform_scores_cost_the_logarithm_of_the_number_of_classes():
    y, gx = value_and_gradient(F.softmax_cross_entropy, np.full((2, 10), 3.0), [4, 9])
    np.testing.assert_allclose(y, np.log(10), rtol=1e-15)
    expected = np.full((2, 10), 0.05)
    expected[[0, 1], [4, 9]] -= 0.5
    np.testing.assert_allclose(gx, expected, rtol=1e-15)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("f", [F.softmax_cross_entropy, F.softmax_cross_entropy_simple])
def test_large_scores_and_the_dtype_of_scores(f, dtype):
    x = np.array([[0, 10_000], [10_000, 0], [-60_000, -60_000]], dtype)
    y, gx = value_and_gradient(f, x, np.array([1, 1, 0]))
    assert y.dtype == gx.dtype == dtype
    np.testing.assert_allclose(y, (10_000 + np.log(2)) / 3, rtol=1e-3)
    np.testing.assert_allclose(gx, np.array([[0, 0], [1, -1], [-0.5, 0.5]]) / 3, rtol=1e-3)


def test_softmax_cross_entropy_against_mpmath():
    x = np.array([[-30.0, 0.1, 2.5, 40.0], [1.0, 1.0, -5.0, 0.3]])
    with mpmath.workdps(50):
        rows = [[mpmath.exp(mpmath.mpf(v)) for v in row] for row in x]
        p = [[e / sum(row) for e in row] for row in rows]
        expected = float(-(mpmath.log(p[0][1]) + mpmath.log(p[1][2])) / 2)
    y, _ = value_and_gradient(F.softmax_cross_entropy, x, [1, 2])
    np.testing.assert_allclose(y, expected, rtol=1e-15)


def test_scores_of_minus_infinity():
    x = np.array([[0.0, -np.inf]])
    y, gx = value_and_gradient(F.softmax_cross_entropy, x, [0])
    assert y == 0
    np.testing.assert_array_equal(gx, [[0, 0]])
    assert F.softmax_cross_entropy(Variable(x), [1]).data == np.inf


def test_softmax_cross_entropy_backward_twice_and_called_twice():
    f = F.SoftmaxCrossEntropy()
    a, b = (Variable(np.random.default_rng(i).standard_normal((3, 4))) for i in range(2))
    t = np.array([0, 1, 3])
    first, second = f(a, t), f(b, t)
    first.backward()
    once = a.grad.data.copy()
    first.backward()
    np.testing.assert_array_equal(a.grad.data, 2 * once)
    second.backward()
    np.testing.assert_array_equal(b.grad.data, value_and_gradient(f, b.data, t)[1])


def test_softmax_cross_entropy_to_the_third_derivative():
    x = Variable(np.array([[0.3, -0.2]]))
    y = F.softmax_cross_entropy(x, [0])
    p = 1 / (1 + np.exp(0.5))  # of class 1; the derivatives are those of softplus
    for expected in (-p, p * (1 - p), -p * (1 - p) * (1 - 2 * p)):
        x.cleargrad()
        y.backward(create_graph=True)
        y = x.grad[0, 0]
        np.testing.assert_allclose(y.data, expected, rtol=1e-13)


def test_labels_may_be_variables_and_get_no_gradient():
    x, t = Variable(np.zeros((2, 3))), Variable(np.array([0, 2]))
    F.softmax_cross_entropy(x, t).backward()
    assert x.grad is not None
    assert t.grad is None


@pytest.mark.parametrize("f", [F.softmax_cross_entropy, F.accuracy])
def test_truth_values_are_no_labels(f):
    with pytest.raises(DTypeError, match="labels must be integers"):
        f(Variable(np.zeros((2, 2))), np.array([True, False]))


@pytest.mark.parametrize("dtype", FLOATS)
def test_sigmoid_cross_entropy_of_large_scores(dtype):
    x = np.array([-10_000, 10_000, -10_000, 10_000], dtype)
    y, gx = value_and_gradient(F.sigmoid_cross_entropy, x, np.array([0, 1, 1, 0]))
    assert y.dtype == gx.dtype == dtype
    assert y == dtype(5_000)
    np.testing.assert_array_equal(gx, np.array([0, 0, -0.25, 0.25], dtype))


def test_sigmoid_cross_entropy_keeps_the_digits_of_sure_predictions():
    y, gx = value_and_gradient(F.sigmoid_cross_entropy, np.array([-40.0]), np.array([0]))
    np.testing.assert_allclose([y, gx[0]], np.exp(-40.0), rtol=1e-15)
    y, _ = value_and_gradient(F.sigmoid_cross_entropy, np.array([40.0]), np.array([1]))
    np.testing.assert_allclose(y, np.exp(-40.0), rtol=1e-15)


def test_integer_labels_leave_float32_alone():
    for f in (F.sigmoid_cross_entropy, F.binary_cross_entropy):
        y, gx = value_and_gradient(f, np.full(2, 0.5, np.float32), np.array([0, 1]))
        assert y.dtype == gx.dtype == np.float32


def test_soft_labels_in_another_dtype_get_their_gradient_in_it():
    x, t = Variable(np.zeros(2, np.float32)), Variable(np.array([0.2, 0.9]))
    F.sigmoid_cross_entropy(x, t).backward()
    assert (x.grad.dtype, t.grad.dtype) == (np.float32, np.float64)


@pytest.mark.parametrize("dtype", FLOATS)
def test_binary_cross_entropy_at_0_and_1(dtype):
    p = np.array([0, 1, 0, 1], dtype)
    y, gx = value_and_gradient(F.binary_cross_entropy, p[:2], np.array([0, 1]))
    assert y == 0
    np.testing.assert_array_equal(gx, np.array([0.5, -0.5], dtype))
    y, gx = value_and_gradient(F.binary_cross_entropy, p[2:], np.array([1, 0]))
    assert y.dtype == gx.dtype == dtype
    assert -np.log(np.finfo(dtype).tiny) == pytest.approx(float(y), rel=1e-3)
    assert np.isfinite(gx).all()
    assert gx[0] < -1000
    assert gx[1] > 1000


def test_binary_cross_entropy_next_to_0_and_1_is_exact():
    p = np.array([1e-300, 1 - 2.0**-53])
    y, gx = value_and_gradient(F.binary_cross_entropy, p, np.array([1.0, 0.0]))
    np.testing.assert_allclose(y, (300 * np.log(10) + 53 * np.log(2)) / 2, rtol=1e-15)
    np.testing.assert_allclose(gx, [-0.5e300, 2.0**52], rtol=1e-15)


def test_binary_cross_entropy_of_saturated_sigmoids_trains_on():
    x = Variable(np.array([-10_000.0, 10_000.0, 0.0]))
    F.binary_cross_entropy(F.sigmoid(x), np.array([1, 0, 1])).backward()
    np.testing.assert_allclose(x.grad.data, [0, 0, -1 / 6], atol=1e-16)


def test_not_a_number_is_passed_on():
    x = Variable(np.array([np.nan, 0.5]))
    assert np.isnan(F.binary_cross_entropy(x, np.array([1, 0])).data)
    assert np.isnan(F.sigmoid_cross_entropy(x, np.array([1, 0])).data)
    assert np.isnan(F.softmax_cross_entropy(x.reshape(1, 2), [0]).data)


def test_accuracy_is_a_constant():
    y = Variable(np.eye(4, dtype=np.float32))
    share = F.accuracy(y, np.array([0, 1, 2, 0]))
    assert share.creator is None
    assert share.dtype == np.float32
    assert float(share) == 0.75
    assert F.accuracy(np.eye(2, dtype=int), [0, 1]).dtype == np.float64


def test_the_first_of_equal_scores_counts():
    y = Variable(np.zeros((2, 3)))
    assert float(F.accuracy(y, [0, 1])) == 0.5
