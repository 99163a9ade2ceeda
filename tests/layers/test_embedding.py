"""EmbedID: rows by number."""

import numpy as np
import pytest

import dezero.functions as F
import dezero.layers as L
from dezero.errors import DTypeError, IndexingError, ShapeError


def test_rows_and_their_gradient():
    layer = L.EmbedID(5, 3)
    t = np.array([[0, 4], [4, 4]])
    y = layer(t)
    np.testing.assert_array_equal(y.data, layer.W.data[t])
    F.sum(y).backward()
    expected = np.zeros((5, 3))
    expected[0], expected[4] = 1, 3
    np.testing.assert_array_equal(layer.W.grad.data, expected)
    assert y.dtype == layer.W.dtype == layer.W.grad.dtype == np.float32


def test_weights_are_those_of_the_seed():
    np.random.seed(3)
    np.testing.assert_array_equal(
        L.EmbedID(4, 2).W.data, np.random.RandomState(3).randn(4, 2).astype(np.float32)
    )
    assert L.Embedding is L.EmbedID


def test_bad_input():
    with pytest.raises(IndexingError, match="EmbedID"):
        L.EmbedID(5, 3)(np.array([5]))
    with pytest.raises(ShapeError, match="EmbedID: in_size is 0"):
        L.EmbedID(0, 3)
    with pytest.raises(DTypeError, match="EmbedID: out_size is 'a'"):
        L.EmbedID(5, "a")
