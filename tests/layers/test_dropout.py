"""Dropout as a layer."""

import numpy as np
import pytest

import dezero.layers as L
from dezero import test_mode as predicting
from dezero.errors import ShapeError


def test_zeros_and_scale():
    y = L.Dropout(0.25)(np.ones(10_000, np.float32)).data
    assert y.dtype == np.float32
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.75)}
    assert abs((y == 0).mean() - 0.25) < 0.02  # 4.6 standard deviations


def test_predicting_passes_everything():
    x = np.random.randn(100)
    with predicting():
        np.testing.assert_array_equal(L.Dropout()(x).data, x)


@pytest.mark.parametrize("ratio", [-0.1, 1.0, float("nan")])
def test_bad_ratio(ratio):
    with pytest.raises(ShapeError, match=r"Dropout: ratio is .*, but must be in \[0, 1\)"):
        L.Dropout(ratio)
