"""scatter_add against NumPy's unbuffered addition."""

import numpy as np
import pytest

from dezero.arrays import scatter_add

INDICES = [
    1,
    (slice(None), 2),
    (Ellipsis, None, slice(None, None, -1)),
    np.array([0, 2, 0, 0]),
    (np.array([[0, 1], [1, 1]]), np.array([3, 3])),
    (slice(None), np.array([3, 3, 3])),
    (np.array([2, 2]), slice(1, 3)),
    np.array([True, False, True]),
    (np.array([0, 0]), np.array([True, False, False, True])),
    np.zeros(0, int),
    np.uint8([2, 2]),
]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64])
@pytest.mark.parametrize("index", INDICES, ids=str)
def test_is_unbuffered_addition(index, dtype):
    shape = (3, 4, 2)
    values = np.arange(1, 1 + np.zeros(shape)[index].size).reshape(np.zeros(shape)[index].shape)
    expected = np.zeros(shape, dtype)
    np.add.at(expected, index, values.astype(dtype))
    result = scatter_add(values.astype(dtype), index, shape)
    assert result.dtype == dtype
    np.testing.assert_array_equal(result, expected)


def test_values_may_be_any_view():
    values = np.broadcast_to(np.float32(1), (4, 2)).T[::-1]
    result = scatter_add(values, np.array([1, 1]), (3, 4))
    np.testing.assert_array_equal(result, [[0] * 4, [2] * 4, [0] * 4])


def test_empty_axes():
    assert scatter_add(np.zeros((0, 3)), np.zeros(0, int), (5, 3)).shape == (5, 3)
    assert scatter_add(np.zeros((2, 0)), np.array([1, 1]), (5, 0)).shape == (5, 0)
