"""Normalisation layers: Parameters made at the first call, running averages, saved weights."""

import numpy as np
import pytest

import dezero.functions as F
import dezero.layers as L
from dezero import test_mode as prediction
from dezero.errors import ShapeError


@pytest.mark.parametrize("shape", [(8, 3), (8, 3, 2, 2)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_batch_norm_follows_its_batches(shape, dtype):
    rng = np.random.default_rng(0)
    layer = L.BatchNorm(decay=0.75, dtype=dtype)
    mean, var = np.zeros(3), np.ones(3)
    for _ in range(3):
        x = rng.normal(2, 3, shape).astype(dtype)
        y = layer(x)
        assert y.dtype == layer.gamma.dtype == layer.avg_mean.dtype == dtype
        rows = np.moveaxis(x.astype(np.float64), 1, -1).reshape(-1, 3)
        mean += 0.25 * (rows.mean(0) - mean)
        var += 0.25 * (rows.var(0, ddof=1) - var)
    np.testing.assert_allclose(layer.avg_mean.data, mean, rtol=1e-5)
    np.testing.assert_allclose(layer.avg_var.data, var, rtol=1e-5)
    with prediction():
        y = layer(x)
    spread = lambda a: a.reshape(-1, *[1] * (x.ndim - 2))  # noqa: E731
    expected = (x - spread(mean)) / np.sqrt(spread(var) + layer.eps)
    np.testing.assert_allclose(y.data, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(layer.avg_mean.data, mean, rtol=1e-5)


def test_batch_norm_names_its_parameters_as_older_weight_files_do():
    layer = L.BatchNorm()
    layer(np.ones((2, 3), np.float32))
    assert [name for name, _ in layer.named_params()] == ["gamma", "beta", "avg_mean", "avg_var"]
    F.sum(layer(np.arange(6, dtype=np.float32).reshape(2, 3))).backward()
    assert layer.gamma.grad is not None
    assert layer.avg_mean.grad is None


def test_saved_averages_are_loaded(tmp_path):
    layer = L.BatchNorm()
    layer(np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32))
    layer.save_weights(str(tmp_path / "weights.npz"))
    other = L.BatchNorm()
    other.load_weights(str(tmp_path / "weights.npz"))
    np.testing.assert_array_equal(other.avg_var.data, layer.avg_var.data)
    x = np.ones((2, 4), np.float32)
    with prediction():
        np.testing.assert_array_equal(other(x).data, layer(x).data)


def test_row_norms_are_their_functions():
    x = np.random.default_rng(0).normal(size=(2, 3, 5)).astype(np.float32)
    ones, zeros = np.ones(5, np.float32), np.zeros(5, np.float32)
    np.testing.assert_array_equal(L.LayerNorm()(x).data, F.layer_norm(x, ones, zeros).data)
    np.testing.assert_array_equal(L.RMSNorm()(x).data, F.rms_norm(x, ones).data)
    layer = L.LayerNorm(eps=0.5, dtype=np.float64)
    np.testing.assert_array_equal(layer(x).data, F.layer_norm(x, ones, zeros, 0.5).data)
    assert layer.gamma.dtype == np.float64


@pytest.mark.parametrize("make", [L.BatchNorm, L.LayerNorm, L.RMSNorm])
def test_bad_inputs(make):
    layer = make()
    with pytest.raises(ShapeError, match=f"{make.__name__}: x is \\(\\)"):
        layer(np.float32(1))
    layer(np.ones((2, 3), np.float32))
    with pytest.raises(ShapeError, match="must"):
        layer(np.ones((2, 4), np.float32))
