import mpmath
import numpy as np
import pytest

from dezero.arrays.special import gelu, normal_cdf, sigmoid, softplus

RANDOM = np.random.default_rng(0)


def points(left, right, dtype):
    """Numbers of all magnitudes between two bounds, on both sides of 0."""
    small = 10.0 ** RANDOM.uniform(-6, 0, 300)
    return np.concatenate([RANDOM.uniform(left, right, 1000), small, -small]).astype(dtype)


def errors(values, truth, xs):
    """Distances to the truth, in units of the last place of the values' dtype."""
    with mpmath.workdps(60):
        exact = [truth(mpmath.mpf(float(x))) for x in xs]
        units = np.spacing(np.array([float(e) for e in exact]).astype(values.dtype))
        gaps = [abs(mpmath.mpf(float(v)) - e) for v, e in zip(values, exact, strict=True)]
    return np.array([float(g) for g in gaps]) / units.astype(np.float64)


@pytest.mark.parametrize(
    ("dtype", "left"), [(np.float16, -6), (np.float32, -85), (np.float64, -700)]
)
def test_sigmoid_is_within_four_units_in_the_last_place(dtype, left):
    xs = points(left, 20, dtype)
    y = sigmoid(xs)
    assert y.dtype == dtype
    assert errors(y, lambda x: 1 / (1 + mpmath.exp(-x)), xs).max() < 4


@pytest.mark.parametrize(("dtype", "left"), [(np.float32, -85), (np.float64, -700)])
def test_softplus_is_within_four_units_in_the_last_place(dtype, left):
    xs = points(left, 100, dtype)
    y = softplus(xs)
    assert y.dtype == dtype
    assert errors(y, lambda x: mpmath.log1p(mpmath.exp(x)), xs).max() < 4


@pytest.mark.parametrize(("dtype", "left"), [(np.float32, -12), (np.float64, -37)])
def test_normal_cdf_is_as_precise_as_documented(dtype, left):
    xs = points(left, 9, dtype)
    y = normal_cdf(xs)
    assert y.dtype == dtype
    bound = 6 + xs.astype(np.float64) ** 2 / 2
    assert (errors(y, lambda x: mpmath.erfc(-x / mpmath.sqrt(2)) / 2, xs) < bound).all()


def test_normal_cdf_of_float16_is_rounded_once():
    xs = points(-3.5, 3.5, np.float16)
    y = normal_cdf(xs)
    assert y.dtype == np.float16
    assert errors(y, lambda x: mpmath.erfc(-x / mpmath.sqrt(2)) / 2, xs).max() < 0.51


@pytest.mark.parametrize("function", [sigmoid, normal_cdf])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_middle_and_ends(function, dtype):
    top = np.finfo(dtype).max
    y = function(np.array([-np.inf, -top, 0, top, np.inf, np.nan], dtype))
    np.testing.assert_array_equal(y, [0, 0, 0.5, 1, 1, np.nan])


@pytest.mark.parametrize("function", [sigmoid, normal_cdf])
def test_integers_and_empty_arrays(function):
    assert function(np.array([0, 1])).dtype == np.float64
    assert function(np.zeros((0, 3), np.float32)).shape == (0, 3)


@pytest.mark.parametrize("function", [sigmoid, normal_cdf])
def test_input_is_not_written_to(function):
    x = np.array([-1.0, 0.0, 2.0])
    function(x)
    np.testing.assert_array_equal(x, [-1, 0, 2])


@pytest.mark.parametrize(("dtype", "bound"), [(np.float32, 3e-7), (np.float64, 6e-16)])
def test_gelu_and_its_slope(dtype, bound):
    xs = points(-9, 9, dtype)
    y, slope = gelu(xs)
    assert y.dtype == slope.dtype == dtype
    with mpmath.workdps(30):
        exact = [mpmath.mpf(float(x)) for x in xs]
        truth = [(x * mpmath.ncdf(x), mpmath.ncdf(x) + x * mpmath.npdf(x)) for x in exact]
    for ours, theirs in zip((y, slope), np.array(truth, dtype=float).T, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=bound, atol=bound)
