import numpy as np
import pytest

import dezero.functions as F
from dezero import Variable
from dezero.errors import DTypeError


def variables(*arrays):
    return [Variable(np.array(x, float)) for x in arrays]


@pytest.mark.parametrize("f", [F.maximum, F.minimum])
def test_ties_share_the_gradient(f):
    a, b = variables([1, 2, 3], [1, 3, 2])
    f(a, b).backward()
    np.testing.assert_array_equal(a.grad.data + b.grad.data, [1, 1, 1])
    assert a.grad.data[0] == b.grad.data[0] == 0.5
    assert sorted([a.grad.data[1], b.grad.data[1]]) == [0, 1]


def test_maximum_of_a_variable_and_itself():
    (x,) = variables([1, 2])
    F.maximum(x, x).backward()
    np.testing.assert_array_equal(x.grad.data, [1, 1])


def test_ties_of_broadcast_operands():
    a, b = variables([[1, 1], [1, 0]], 1)
    F.maximum(a, b).backward()
    np.testing.assert_array_equal(a.grad.data, [[0.5, 0.5], [0.5, 0]])
    assert b.grad.data == 2.5


def test_ties_keep_float32():
    a, b = (Variable(np.ones(2, np.float32)) for _ in range(2))
    F.minimum(a, b).backward()
    assert a.grad.dtype == b.grad.dtype == np.float32


@pytest.mark.parametrize("f", [F.maximum, F.minimum])
def test_not_a_number_is_passed_on(f):
    assert np.isnan(f(*variables(np.nan, 1)).data)
    assert np.isnan(f(*variables(1, np.nan)).data)


def test_numpys_functions_of_variables():
    a, b = variables([1, 4], [2, 3])
    for y, creator, expected in (
        (np.maximum(a, b), F.Maximum, [2, 4]),
        (np.minimum(a, 2), F.Minimum, [1, 2]),
        (np.where(a > b, a, 0), F.Where, [0, 4]),
        (np.clip(a, 2, 3), F.Clip, [2, 3]),
    ):
        assert type(y.creator) is creator
        np.testing.assert_array_equal(y.data, expected)


def test_where_sends_gradients_to_the_operand_that_was_taken():
    c, (x, y) = np.array([True, False]), variables([1, 2], [3, 4])
    F.where(c, x, y).backward(gradient=np.array([5.0, 7.0]))
    np.testing.assert_array_equal(x.grad.data, [5, 0])
    np.testing.assert_array_equal(y.grad.data, [0, 7])


def test_where_keeps_infinite_gradients_from_the_operand_that_was_not_taken():
    x, y = variables([1, 2], [3, 4])
    F.where(np.array([True, False]), x, y).backward(gradient=np.array([1.0, np.inf]))
    np.testing.assert_array_equal(x.grad.data, [1, 0])
    np.testing.assert_array_equal(y.grad.data, [0, np.inf])


def test_where_twice_makes_a_safe_logarithm():
    (x,) = variables([-1, 0, 2])
    F.where(x > 0, F.log(F.where(x > 0, x, 1)), 0).backward()
    np.testing.assert_array_equal(x.grad.data, [0, 0, 0.5])


def test_where_takes_a_condition_that_is_a_variable():
    c, x = Variable(np.array([True, False])), Variable(np.ones(2))
    F.where(c, x, 2.0).backward()
    np.testing.assert_array_equal(x.grad.data, [1, 0])
    assert c.grad is None


def test_where_of_numbers_is_of_the_variables_dtype():
    x = Variable(np.ones(2, np.float32))
    assert F.where(x > 0, x, 0.1).dtype == F.where(x > 0, 1, x).dtype == np.float32


def test_clip_passes_the_gradient_inside_and_at_the_bounds():
    (x,) = variables([-2, -1, 0, 1, 2])
    F.clip(x, -1, 1).backward()
    np.testing.assert_array_equal(x.grad.data, [0, 1, 1, 1, 0])


def test_clip_with_one_bound():
    (x,) = variables([-2, 0, 2])
    np.testing.assert_array_equal(F.clip(x, -1).data, [-1, 0, 2])
    np.testing.assert_array_equal(F.clip(x, None, 1).data, [-2, 0, 1])
    F.Clip(x_min=None, x_max=1)(x).backward()
    np.testing.assert_array_equal(x.grad.data, [1, 1, 0])


def test_clip_leaves_the_dtype_alone():
    x = Variable(np.array([-1, 2], np.float32))
    assert F.clip(x, np.float64(0.5), 1.0).dtype == np.float32
    assert F.clip(Variable(np.array([-1, 2])), 0, np.int64(1)).dtype == np.int64


def test_clip_refuses_truth_values_as_bounds():
    with pytest.raises(DTypeError, match="a bound is True, but must be a number"):
        F.clip(Variable(np.ones(2)), True)
