"""Indexing: what reads the graph or the dtype; the rest is in test_catalogue.py."""

import numpy as np
import pytest

import dezero.functions as F
from dezero import Variable
from dezero.errors import IndexingError


def test_rows_read_twice_sum_their_gradients():
    x = Variable(np.arange(6.0).reshape(3, 2))
    y = x[[0, 2, 0]]
    y.backward(gradient=np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))
    np.testing.assert_array_equal(x.grad.data, [[6, 8], [0, 0], [3, 4]])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("index", [0, slice(None, None, 2), [1, 1], (Ellipsis, np.array([0, 0]))])
def test_gradients_keep_the_dtype(index, dtype):
    x = Variable(np.ones((3, 2), dtype))
    F.sum(x[index]).backward()
    assert x.grad.dtype == dtype


def test_indices_may_be_variables():
    x = Variable(np.arange(12.0).reshape(3, 4))
    rows, columns = Variable(np.array([0, 2])), Variable(np.array([1, 1]))
    np.testing.assert_array_equal(x[rows].data, x.data[[0, 2]])
    y = x[rows, columns]
    np.testing.assert_array_equal(y.data, [1, 9])
    y.backward()
    assert rows.grad is None and x.grad.data.sum() == 2
    mask = x > 5.0
    np.testing.assert_array_equal(x[mask].data, np.arange(6.0, 12.0))


def test_iteration_and_unpacking():
    x = Variable(np.arange(6.0).reshape(3, 2))
    a, b, c = x
    F.sum(a + 10 * c).backward()
    np.testing.assert_array_equal(x.grad.data, [[1, 1], [0, 0], [10, 10]])
    assert b.shape == (2,)


def test_the_gradient_of_the_gradient_is_an_index():
    x = Variable(np.array([1.0, 2.0, 3.0]))
    F.sum(x[[0, 0, 2]] ** 3).backward(create_graph=True)
    gx = x.grad
    np.testing.assert_array_equal(gx.data, [6, 0, 27])
    x.cleargrad()
    F.sum(gx * np.array([1.0, 10.0, 100.0])).backward()
    np.testing.assert_array_equal(x.grad.data, [12, 0, 1800])


def test_classes_take_the_same_arguments():
    x = Variable(np.arange(6.0).reshape(2, 3))
    np.testing.assert_array_equal(F.GetItem((slice(None), 2))(x).data, [2, 5])
    np.testing.assert_array_equal(np.take(x, [0, 0], axis=1).data, [[0, 0], [3, 3]])


def test_embedding_gradients_are_those_of_the_weights():
    W = Variable(np.arange(8, dtype=np.float32).reshape(4, 2))
    ids = np.array([[3, 1], [3, 3]])
    y = F.embed_id(ids, W)
    assert y.shape == (2, 2, 2) and y.dtype == np.float32
    F.sum(y * np.float64(2)).backward()
    np.testing.assert_array_equal(W.grad.data, [[0, 0], [2, 2], [0, 0], [6, 6]])
    assert W.grad.dtype == np.float32
    np.testing.assert_array_equal(F.embed_id(Variable(ids), W).data, y.data)
    assert F.embedding is F.embed_id


def test_errors_are_index_errors():
    x = Variable(np.zeros((2, 3)), name="hidden")
    words = r"get_item: hidden is \(2, 3\) float64: index 3 .* axis 1 .* size 3"
    with pytest.raises(IndexError, match=words):
        x[0, 3]
    with pytest.raises(IndexingError, match=r"embed_id: W is .* index 9"):
        F.embed_id([9], Variable(np.zeros((2, 3))))
