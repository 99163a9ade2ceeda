"""Linear: its values, its first weights, its lazily found size."""

import numpy as np
import pytest

import dezero.functions as F
import dezero.layers as L
from dezero.errors import DTypeError, ShapeError


def test_value_and_gradients():
    layer = L.Linear(2, in_size=3, dtype=np.float64)
    layer.b.data = np.array([1.0, -1.0])
    x = np.random.default_rng(0).normal(size=(4, 3))
    y = layer(x)
    np.testing.assert_allclose(y.data, x @ layer.W.data + layer.b.data, rtol=1e-14)
    F.sum(y).backward()
    np.testing.assert_allclose(layer.W.grad.data, np.repeat(x.sum(0)[:, None], 2, 1), rtol=1e-14)
    np.testing.assert_array_equal(layer.b.grad.data, [4, 4])


def test_more_axes():
    assert L.Linear(2)(np.ones((4, 5, 3), np.float32)).shape == (4, 5, 2)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("in_size", [None, 3])
def test_weights_are_those_of_the_seed_in_the_dtype(dtype, in_size):
    np.random.seed(7)
    layer = L.Linear(2, dtype=dtype, in_size=in_size)
    y = layer(np.ones((1, 3), dtype))
    assert layer.W.dtype == layer.b.dtype == y.dtype == dtype
    drawn = np.random.RandomState(7).randn(3, 2)
    tolerance = {np.float16: 2e-3, np.float32: 3e-7, np.float64: 1e-15}[dtype]
    np.testing.assert_allclose(layer.W.data, drawn / np.sqrt(3), rtol=tolerance)
    np.testing.assert_array_equal(layer.b.data, [0, 0])


def test_weights_are_drawn_when_sizes_are_known():
    np.random.seed(0)
    late, early = L.Linear(2), L.Linear(2, in_size=2)
    late(np.ones((1, 2), np.float32))
    first, second = np.random.RandomState(0).randn(2, 2, 2) / np.sqrt(2)
    np.testing.assert_allclose(early.W.data, first, rtol=1e-6)
    np.testing.assert_allclose(late.W.data, second, rtol=1e-6)
    assert late.in_size == 2


def test_no_bias():
    layer = L.Linear(2, nobias=True, in_size=3)
    assert layer.b is None
    assert [name for name, _ in layer.named_params()] == ["W"]
    assert layer(np.zeros((1, 3), np.float32)).data.tolist() == [[0, 0]]


def test_lists_are_inputs():
    assert L.Linear(2)([[1.0, 2.0, 3.0]]).shape == (1, 2)


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda: L.Linear(0), ShapeError, "Linear: out_size is 0, but must be at least 1"),
        (lambda: L.Linear(3, in_size=-1), ShapeError, "Linear: in_size is -1"),
        (lambda: L.Linear(2.5), DTypeError, "Linear: out_size is 2.5, but must be an integer"),
        (lambda: L.Linear((2, 3)), DTypeError, r"out_size is \(2, 3\)"),
        (lambda: L.Linear(3)(np.float32(1)), ShapeError, "Linear: x is one number"),
        (lambda: L.Linear(3, in_size=2)(np.ones((1, 3))), ShapeError, "last axis"),
    ],
)
def test_bad_sizes(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_failed_first_call_leaves_the_layer_as_it_was():
    layer = L.Linear(3)
    with pytest.raises(ShapeError):
        layer(np.float32(1))
    assert layer(np.ones((1, 5), np.float32)).shape == (1, 3)
