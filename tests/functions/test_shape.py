"""Shapes: the classes and methods of the book; the rest is in test_catalogue.py."""

import numpy as np
import pytest

import dezero.functions as F
from dezero import Variable
from dezero.errors import ShapeError


@pytest.fixture
def x():
    return Variable(np.arange(24.0).reshape(2, 3, 4))


def test_classes_take_the_same_arguments(x):
    assert F.Reshape((6, 4))(x).shape == (6, 4)
    assert F.Transpose((1, 0, 2))(x).shape == (3, 2, 4)
    assert F.Transpose(None)(x).shape == (4, 3, 2)
    assert F.SumTo((3, 1))(x).shape == (3, 1)
    assert F.BroadcastTo((5, 2, 3, 4))(x).shape == (5, 2, 3, 4)
    assert F.ExpandDims(-1)(x).shape == (2, 3, 4, 1)


def test_methods(x):
    assert x.reshape(4, 6).shape == x.reshape((4, 6)).shape == x.reshape([4, 6]).shape == (4, 6)
    assert x.reshape(-1).shape == (24,)
    assert x.transpose().shape == x.T.shape == (4, 3, 2)
    assert x.transpose(1, 2, 0).shape == x.transpose((1, 2, 0)).shape == (3, 4, 2)
    assert x.transpose(-1, 0, 1).shape == (4, 2, 3)


def test_numpys_spellings(x):
    for y, shape in [
        (np.reshape(x, (6, -1)), (6, 4)),
        (np.ravel(x), (24,)),
        (np.transpose(x), (4, 3, 2)),
        (np.transpose(x, (0, 2, 1)), (2, 4, 3)),
        (np.swapaxes(x, 0, -1), (4, 3, 2)),
        (np.moveaxis(x, 0, -1), (3, 4, 2)),
        (np.expand_dims(x, axis=0), (1, 2, 3, 4)),
        (np.squeeze(x[:1]), (3, 4)),
        (np.broadcast_to(x, (2, 2, 3, 4)), (2, 2, 3, 4)),
    ]:
        assert isinstance(y, Variable) and y.shape == shape
        y.backward()
        assert x.grad.shape == x.shape
        x.cleargrad()


@pytest.mark.parametrize("axes", [(2, 0, 1), (1, -1, 0), (-3, -1, -2)])
def test_transposed_gradients_come_back_in_place(x, axes):
    y = F.transpose(x, axes)
    gy = np.random.default_rng(0).normal(size=y.shape)
    y.backward(gradient=gy)
    back = np.empty(x.shape)
    for index in np.ndindex(x.shape):
        back[index] = gy[tuple(index[axis] for axis in axes)]
    np.testing.assert_array_equal(x.grad.data, back)


def test_sum_to_undoes_broadcast_to():
    x = Variable(np.arange(3.0).reshape(3, 1))
    y = F.sum_to(F.broadcast_to(x, (5, 3, 4)), (3, 1))
    np.testing.assert_array_equal(y.data, 20 * x.data)
    y.backward()
    np.testing.assert_array_equal(x.grad.data, np.full((3, 1), 20.0))


def test_broadcasts_are_views_and_gradients_are_not():
    x = Variable(np.zeros((1, 2)))
    y = F.broadcast_to(x, (1000000, 2))
    assert y.data.strides[0] == 0 and not y.data.flags.writeable
    F.sum(y).backward()
    np.testing.assert_array_equal(x.grad.data, [[1e6, 1e6]])


def test_constants_in_and_out():
    y = F.reshape(np.arange(4.0), (2, 2))
    assert isinstance(y, Variable) and y.creator is None
    assert F.expand_dims(2.0, 0).shape == (1,)


def test_batches_of_nothing():
    assert F.flatten(np.zeros((0, 3, 2))).shape == (0, 6)
    assert F.flatten(np.zeros((3, 0, 2))).shape == (3, 0)
    with pytest.raises(ShapeError, match="reshape"):
        F.reshape(np.zeros((0, 3)), (4, 0, -1))
