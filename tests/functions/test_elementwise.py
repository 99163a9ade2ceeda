import mpmath
import numpy as np
import pytest

import dezero.functions as F
from dezero import Variable
from dezero.functions import elementwise

# (name, the function in mpmath, where its derivatives are tried)
FUNCTIONS = [
    ("exp", mpmath.exp, 0.7),
    ("expm1", mpmath.expm1, -0.3),
    ("log", mpmath.log, 1.7),
    ("log1p", mpmath.log1p, 0.4),
    ("sqrt", mpmath.sqrt, 2.3),
    ("square", lambda x: x * x, -1.1),
    ("sin", mpmath.sin, 0.9),
    ("cos", mpmath.cos, 0.9),
    ("tan", mpmath.tan, 0.6),
    ("tanh", mpmath.tanh, 0.6),
]


def gradient(f, x):
    x = Variable(np.asarray(x))
    f(x).backward()
    return x.grad.data


@pytest.mark.parametrize(("name", "truth", "at"), FUNCTIONS, ids=[f[0] for f in FUNCTIONS])
def test_derivatives_to_the_fourth_order(name, truth, at):
    x = Variable(np.array(at))
    y = getattr(F, name)(x)
    for order in range(5):
        with mpmath.workdps(60):
            expected = float(mpmath.diff(truth, at, order))
        np.testing.assert_allclose(y.data, expected, rtol=1e-12, atol=1e-13)
        x.cleargrad()
        y.backward(create_graph=True)
        y = 0 * x if x.grad is None else x.grad  # square's third derivative


def test_every_function_here_is_tried():
    assert {name for name, _, _ in FUNCTIONS} == set(elementwise.__all__)


@pytest.mark.parametrize("name", elementwise.__all__)
def test_numpys_function_of_a_variable_is_ours(name):
    x = Variable(np.array([0.3, 0.7]))
    y = getattr(np, name)(x)
    assert isinstance(y, Variable)
    assert type(y.creator) is type(getattr(F, name)(x).creator)


def test_classes_are_called_as_in_the_book():
    x = Variable(np.array(0.5))
    for cls in (F.Exp, F.Log, F.Sin, F.Cos, F.Tanh, F.Square):
        y = cls()(x)
        assert y.creator.inputs == (x,)
        assert y.data == getattr(np, cls.__name__.lower())(0.5)


def test_small_arguments_keep_their_digits():
    x = np.array([1e-15, -1e-15])
    np.testing.assert_allclose(F.expm1(Variable(x)).data, x, rtol=1e-14)
    np.testing.assert_allclose(F.log1p(Variable(x)).data, x, rtol=1e-14)


def test_gradient_of_expm1_far_below_zero_is_not_rounded_to_zero():
    assert gradient(F.expm1, -40.0) == np.exp(-40.0)


def test_saturated_tanh_passes_no_gradient():
    x = Variable(np.array([-1000.0, 1000.0]))
    y = F.tanh(x)
    y.backward()
    np.testing.assert_array_equal(y.data, [-1, 1])
    np.testing.assert_array_equal(x.grad.data, [0, 0])


def test_overflow_and_poles_warn_as_in_numpy():
    with pytest.warns(RuntimeWarning, match="overflow"):
        assert F.exp(Variable(np.array(1000.0))).data == np.inf
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        assert F.log(Variable(np.array(0.0))).data == -np.inf
    with pytest.warns(RuntimeWarning, match="invalid value"):
        assert np.isnan(F.sqrt(Variable(np.array(-1.0))).data)
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        assert gradient(F.sqrt, 0.0) == np.inf
