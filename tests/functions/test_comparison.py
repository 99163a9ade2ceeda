import numpy as np
import pytest

import dezero.functions as F
from dezero import Variable

NAMES = ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal"]


@pytest.mark.parametrize("name", NAMES)
def test_results_are_constants(name):
    x = Variable(np.array([1.0, 2.0]))
    y = getattr(F, name)(x, 1.0)
    assert y.dtype == bool
    assert y.creator is None
    (x * y).backward()  # as a factor it takes no gradient, and lets x's through
    np.testing.assert_array_equal(x.grad.data, y.data)
    assert y.grad is None


@pytest.mark.parametrize("name", NAMES)
def test_numpys_comparison_of_a_variable_is_ours(name):
    x = Variable(np.array([1.0, 2.0, 3.0]))
    for y in (getattr(np, name)(x, 2.0), getattr(np, name)(np.array([1.0, 2.0, 3.0]), x)):
        assert isinstance(y, Variable)
    np.testing.assert_array_equal(getattr(np, name)(x, 2.0).data, getattr(np, name)(x.data, 2.0))


def test_operators_compare_values_except_equality():
    x, same = Variable(np.array([1.0, 3.0])), Variable(np.array([1.0, 3.0]))
    np.testing.assert_array_equal((x < 2).data, [True, False])
    np.testing.assert_array_equal((x <= 1).data, [True, False])
    np.testing.assert_array_equal((np.array([2.0, 2.0]) < x).data, [False, True])
    np.testing.assert_array_equal((x >= np.array([1.0, 4.0])).data, [True, False])
    assert x == x
    assert x != same
    assert len({x, same}) == 2
    assert F.equal(x, same).data.all()


def test_a_comparison_of_one_element_decides():
    x = Variable(np.array(1.0))
    assert x > 0
    assert not x > 1


def test_not_a_number_compares_as_in_numpy():
    x = Variable(np.array([np.nan, 1.0]))
    np.testing.assert_array_equal(F.equal(x, x).data, [False, True])
    np.testing.assert_array_equal(F.not_equal(x, x).data, [True, False])


def test_sign_is_a_constant():
    x = Variable(np.array([-2.0, 0.0, 3.0], np.float32))
    y = np.sign(x)
    assert y.creator is None
    assert y.dtype == np.float32
    np.testing.assert_array_equal(y.data, [-1, 0, 1])
