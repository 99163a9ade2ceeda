"""Joining and cutting; what samples cannot say. The rest is in test_catalogue.py."""

import numpy as np
import pytest

import dezero.functions as F
from dezero import Variable
from dezero.errors import NotDifferentiableError


def test_one_array_twice_gets_both_gradients():
    x = Variable(np.array([1.0, 2.0]))
    F.sum(F.concat([x, x, x]) * np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])).backward()
    np.testing.assert_array_equal(x.grad.data, [1 + 3 + 5, 2 + 4 + 6])


def test_variables_join_arrays():
    x = Variable(np.ones((2, 1), np.float32))
    y = np.concatenate([np.zeros((2, 2), np.float32), x], axis=1)
    np.testing.assert_array_equal(y.data, [[0, 0, 1], [0, 0, 1]])
    assert y.dtype == np.float32
    F.sum(y).backward()
    np.testing.assert_array_equal(x.grad.data, np.ones((2, 1)))


def test_a_part_that_is_not_used_has_no_gradient():
    x = Variable(np.arange(6.0))
    _, middle, _ = F.split(x, 3)
    F.sum(middle**2).backward()
    np.testing.assert_array_equal(x.grad.data, [0, 0, 4, 6, 0, 0])


def test_parts_can_be_differentiated_twice():
    x = Variable(np.array([1.0, 2.0, 3.0]))
    a, b = F.split(x, [1])
    F.sum(a**3 * b**2).backward(create_graph=True)
    gx = x.grad
    np.testing.assert_array_equal(gx.data, [3 * (4 + 9), 2 * 2, 2 * 3])
    x.cleargrad()
    F.sum(gx).backward()
    # the sum is 3 a^2 (b0^2 + b1^2) + 2 a^3 (b0 + b1)
    np.testing.assert_array_equal(x.grad.data, [78 + 30, 3 * 2 * 2 + 2, 3 * 2 * 3 + 2])


def test_one_part_is_a_tuple_too():
    (y,) = F.split(np.ones((3, 4)), 1)
    assert y.shape == (3, 4)


def test_split_undoes_concat():
    xs = [Variable(np.full((n, 2), float(n))) for n in (1, 3, 2)]
    for x, part in zip(xs, F.split(F.concat(xs), [1, 4]), strict=True):
        np.testing.assert_array_equal(part.data, x.data)


def test_numpys_spellings():
    x = Variable(np.array([[1.0, 2.0], [3.0, 4.0]]))
    for y, expected in [
        (np.concatenate((x, x), axis=-1), [[1, 2, 1, 2], [3, 4, 3, 4]]),
        (np.stack([x, x])[1], [[1, 2], [3, 4]]),
        (np.split(x, 2)[0], [[1, 2]]),
        (np.pad(x, 1)[0], [0, 0, 0, 0]),
        (np.pad(x, ((0, 0), (1, 0)), constant_values=9.0), [[9, 1, 2], [9, 3, 4]]),
        (np.flip(x, axis=0), [[3, 4], [1, 2]]),
        (np.tile(x, 2), [[1, 2, 1, 2], [3, 4, 3, 4]]),
        (np.repeat(x, 2, axis=0), [[1, 2], [1, 2], [3, 4], [3, 4]]),
    ]:
        assert isinstance(y, Variable) and y.creator is not None
        np.testing.assert_array_equal(y.data, expected)
    with pytest.raises(NotDifferentiableError, match="reflect"):
        np.pad(x, 1, mode="reflect")


def test_repetitions_sum_their_gradients():
    x = Variable(np.array([1.0, 2.0]))
    F.sum(F.repeat(x, 3) * np.arange(6.0)).backward()
    np.testing.assert_array_equal(x.grad.data, [0 + 1 + 2, 3 + 4 + 5])
    x.cleargrad()
    F.sum(F.tile(x, 3) * np.arange(6.0)).backward()
    np.testing.assert_array_equal(x.grad.data, [0 + 2 + 4, 1 + 3 + 5])


def test_classes_take_the_same_arguments():
    x = Variable(np.ones((2, 3)))
    assert F.Concat(1)(x, x).shape == (2, 6)
    assert F.Stack(axis=-1)(x, x).shape == (2, 3, 2)
    assert F.Pad((1, 1))(x).shape == (4, 5)
    assert [y.shape for y in F.Split(3, axis=1)(x)] == [(2, 1)] * 3


def test_one_instance_joins_arrays_of_different_ndim():
    join, cut = F.Concat(-1), F.Split(2, -1)
    for shape in [(2,), (3, 2), (2, 3, 4)]:
        x = Variable(np.ones(shape))
        y = join(x, x)
        assert y.shape == (*shape[:-1], 2 * shape[-1])
        a, b = cut(y)
        F.sum(a + 2 * b).backward()
        np.testing.assert_array_equal(x.grad.data, np.full(shape, 3.0))
