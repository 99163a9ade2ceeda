import mpmath
import numpy as np
import pytest

import dezero.functions as F
from dezero import Variable

FLOATS = [np.float16, np.float32, np.float64]
# what each function tends to far on the left, and minus x far on the right
SATURATING = {"sigmoid": (0, 1)}
UNBOUNDED = ("relu", "softplus", "silu", "gelu", "gelu_tanh")


def function(name):
    return (lambda x: F.gelu(x, approximate="tanh")) if name == "gelu_tanh" else getattr(F, name)


def value_and_slope(f, x):
    x = Variable(x)
    y = f(x)
    y.backward()
    return y.data, x.grad.data


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", [*SATURATING, *UNBOUNDED])
def test_the_largest_finite_numbers(name, dtype):
    top = np.finfo(dtype).max
    x = np.array([-top, -1000, 1000, top], dtype)
    y, slope = value_and_slope(function(name), x)
    assert y.dtype == slope.dtype == dtype
    if name in SATURATING:
        low, high = SATURATING[name]
        np.testing.assert_array_equal(y, [low, low, high, high])
        np.testing.assert_array_equal(slope, [0, 0, 0, 0])
    else:
        np.testing.assert_array_equal(y, [0, 0, 1000, top])
        np.testing.assert_array_equal(slope, [0, 0, 1, 1])


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("slope", [0.2, -0.5, 0.0])
def test_leaky_relu_far_out(dtype, slope):
    x = np.array([-1000, 1000], dtype)
    y, gx = value_and_slope(lambda x: F.leaky_relu(x, slope), x)
    np.testing.assert_allclose(y, [dtype(-1000) * dtype(slope), 1000])
    np.testing.assert_array_equal(gx, np.array([slope, 1], dtype))


def phi(x):
    return mpmath.erfc(-x / mpmath.sqrt(2)) / 2


TRUTHS = {
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "silu": lambda x: x / (1 + mpmath.exp(-x)),
}


@pytest.mark.parametrize("name", TRUTHS)
def test_relative_precision_in_both_tails(name):
    xs = np.array([-700.0, -300.0, -40.0, -5.0, -1e-9, 1e-9, 0.5, 5.0, 40.0, 700.0])
    y, slope = value_and_slope(getattr(F, name), xs)
    with mpmath.workdps(400):
        expected = [float(TRUTHS[name](mpmath.mpf(x))) for x in xs]
    np.testing.assert_allclose(y, expected, rtol=2e-15)
    left = xs < 0
    with mpmath.workdps(400):
        slopes = [float(mpmath.diff(TRUTHS[name], mpmath.mpf(x))) for x in xs[left]]
    np.testing.assert_allclose(slope[left], slopes, rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gelu_is_exact_to_rounding(dtype):
    xs = np.linspace(-12, 12, 241).astype(dtype)
    y, slope = value_and_slope(F.gelu, xs)
    with mpmath.workdps(60):
        expected = [float(mpmath.mpf(float(x)) * phi(mpmath.mpf(float(x)))) for x in xs]
        density = [float(mpmath.npdf(float(x)) * float(x) + phi(mpmath.mpf(float(x)))) for x in xs]
    scale = 8 * np.finfo(dtype).eps
    np.testing.assert_allclose(y, expected, rtol=scale, atol=scale)
    np.testing.assert_allclose(slope, density, rtol=scale, atol=scale)


def test_gelus_approximation_is_close_to_gelu():
    x = Variable(np.linspace(-8, 8, 161))
    error = np.abs(F.gelu(x).data - F.gelu(x, approximate="tanh").data)
    assert 1e-4 < error.max() < 5e-4


def test_slopes_at_the_kink():
    for f, expected in ((F.relu, 0.0), (F.leaky_relu, 0.2)):
        assert value_and_slope(f, np.array(0.0))[1] == expected


def test_not_a_number_is_passed_on():
    for name in (*SATURATING, *UNBOUNDED, "leaky_relu"):
        assert np.isnan(function(name)(Variable(np.array([np.nan]))).data).all()


def test_infinity_is_passed_on():
    x = Variable(np.array([-np.inf, np.inf]))
    np.testing.assert_array_equal(F.relu(x).data, [0, np.inf])
    np.testing.assert_array_equal(F.sigmoid(x).data, [0, 1])
    np.testing.assert_array_equal(F.softplus(x).data, [0, np.inf])


def test_sigmoid_simple_is_a_graph_of_steps():
    y = F.sigmoid_simple(Variable(np.array(0.5)))
    names = []
    while y.creator is not None:
        names.append(type(y.creator).__name__)
        y = next(x for x in y.creator.inputs if x.generation >= 0)
    assert names == ["Div", "Add", "Exp", "Neg"]


def test_classes_are_called_as_in_the_book():
    x = Variable(np.array([-1.0, 2.0]))
    np.testing.assert_array_equal(F.ReLU()(x).data, [0, 2])
    np.testing.assert_array_equal(F.LeakyReLU(0.5)(x).data, [-0.5, 2])
    np.testing.assert_allclose(F.Sigmoid()(x).data, 1 / (1 + np.exp(-x.data)), rtol=1e-15)
