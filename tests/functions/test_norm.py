"""Normalisation beyond the catalogue: prediction, running averages, numbers far from 0."""

import numpy as np
import pytest

import dezero.functions as F
from dezero import Parameter, Variable
from dezero import test_mode as prediction
from dezero.errors import ShapeError
from dezero.testing.weights import weights_like

SHAPES = [(6, 3), (4, 3, 5), (2, 3, 2, 4)]


def per_channel(a, x):
    return a.reshape(-1, *[1] * (x.ndim - 2))


@pytest.mark.parametrize("wrap", [lambda a: a, Parameter], ids=["arrays", "Parameters"])
@pytest.mark.parametrize("shape", SHAPES)
def test_training_moves_the_averages_in_place(shape, wrap):
    x = np.random.default_rng(0).normal(3, 2, shape)
    mean, var = np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0])
    kept = mean.copy(), var.copy()
    F.batch_norm(x, np.ones(3), np.zeros(3), wrap(mean), wrap(var), decay=0.75)
    rows = np.moveaxis(x, 1, -1).reshape(-1, 3)
    np.testing.assert_allclose(mean, 0.75 * kept[0] + 0.25 * rows.mean(0), rtol=1e-14)
    np.testing.assert_allclose(var, 0.75 * kept[1] + 0.25 * rows.var(0, ddof=1), rtol=1e-13)


def test_one_number_in_each_channel():
    mean, var = np.zeros(2), np.ones(2)
    y = F.batch_norm(np.array([[3.0, -4.0]]), np.ones(2), np.array([5.0, 6.0]), mean, var)
    np.testing.assert_array_equal(y.data, [[5, 6]])
    np.testing.assert_allclose(mean, [0.3, -0.4])
    np.testing.assert_allclose(var, [0.9, 0.9])


@pytest.mark.parametrize("shape", SHAPES)
def test_prediction_and_its_derivatives(shape):
    rng = np.random.default_rng(0)
    mean, var = rng.normal(size=3), rng.uniform(0.5, 2, 3)
    kept = mean.copy(), var.copy()
    x = Variable(rng.normal(size=shape))
    gamma, beta = Variable(rng.normal(size=3)), Variable(rng.normal(size=3))
    with prediction():
        y = F.batch_norm(x, gamma, beta, mean, var, eps=0.1)
    np.testing.assert_array_equal(mean, kept[0])
    std = np.sqrt(var + 0.1)
    x_hat = (x.data - per_channel(mean, x)) / per_channel(std, x)
    expected = per_channel(gamma.data, x) * x_hat + per_channel(beta.data, x)
    np.testing.assert_allclose(y.data, expected, rtol=1e-12)

    mean += 7  # training goes on before the backward pass
    var *= 3
    weights = weights_like(y.data)
    y.backward(gradient=Variable(weights), create_graph=True)
    axes = (0, *range(2, x.ndim))
    np.testing.assert_allclose(x.grad.data, weights * per_channel(gamma.data / std, x), rtol=1e-12)
    np.testing.assert_allclose(gamma.grad.data, np.sum(weights * x_hat, axes), rtol=1e-12)
    np.testing.assert_allclose(beta.grad.data, np.sum(weights, axes), rtol=1e-12)

    total = F.sum(x.grad) + F.sum(gamma.grad)
    for v in (x, gamma, beta):
        v.cleargrad()
    total.backward()
    np.testing.assert_allclose(gamma.grad.data, np.sum(weights, axes) / std, rtol=1e-12)
    np.testing.assert_allclose(x.grad.data, weights / per_channel(std, x), rtol=1e-12)


@pytest.mark.parametrize("offset", [0.0, 1e3, 1e5])
@pytest.mark.parametrize("shape", [(64, 3), (8, 3, 16, 16)])
def test_numbers_far_from_zero_in_float32(shape, offset):
    x = (np.random.default_rng(0).normal(size=shape) + offset).astype(np.float32)
    ones, zeros = np.ones(3, np.float32), np.zeros(3, np.float32)
    y = F.batch_norm(x, ones, zeros, zeros.copy(), ones.copy())
    axes = (0, *range(2, x.ndim))
    exact = x.astype(np.float64)
    exact = (exact - exact.mean(axes, keepdims=True)) / np.sqrt(
        exact.var(axes, keepdims=True) + 2e-5
    )
    rounding = max(1e-5, 4 * offset * np.finfo(np.float32).eps)  # of the mean, in float32
    np.testing.assert_allclose(y.data, exact, atol=rounding, rtol=1e-4)
    assert y.dtype == np.float32


@pytest.mark.parametrize("offset", [0.0, 1e3, 1e5])
def test_rows_far_from_zero_in_float32(offset):
    x = (np.random.default_rng(0).normal(size=(5, 128)) + offset).astype(np.float32)
    y = F.layer_norm(x, np.ones(128, np.float32), np.zeros(128, np.float32))
    exact = x.astype(np.float64)
    exact = (exact - exact.mean(1, keepdims=True)) / np.sqrt(exact.var(1, keepdims=True) + 1e-5)
    rounding = max(1e-5, 4 * offset * np.finfo(np.float32).eps)
    np.testing.assert_allclose(y.data, exact, atol=rounding, rtol=1e-4)


def test_constant_inputs_have_finite_gradients():
    x = Variable(np.full((4, 3), 7.0, np.float32))
    ones, zeros = np.ones(3, np.float32), np.zeros(3, np.float32)
    for y in (
        F.batch_norm(x, ones, zeros, zeros.copy(), ones.copy()),
        F.layer_norm(x, ones, zeros),
        F.rms_norm(0 * x, ones),
    ):
        assert np.isfinite(y.data).all()
        x.cleargrad()
        y.backward()
        assert np.isfinite(x.grad.data).all()


def test_a_shift_or_scale_of_the_batch_changes_nothing():
    x = Variable(np.random.default_rng(0).normal(size=(7, 3)))
    gy = np.random.default_rng(1).normal(size=(7, 3))
    y = F.batch_norm(x, np.ones(3), np.zeros(3), np.zeros(3), np.ones(3), eps=0.0)
    y.backward(gradient=gy)
    np.testing.assert_allclose(x.grad.data.sum(0), 0, atol=1e-14)
    np.testing.assert_allclose((x.grad.data * x.data).sum(0), 0, atol=1e-14)


def test_the_output_has_the_dtype_of_x():
    x = Variable(np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32))
    gamma, beta = Variable(np.ones(3)), Variable(np.zeros(3))
    for y in (
        F.batch_norm(x, gamma, beta, np.zeros(3), np.ones(3)),
        F.layer_norm(x, gamma, beta),
        F.rms_norm(x, gamma),
    ):
        assert y.dtype == np.float32
        for v in (x, gamma):
            v.cleargrad()
        y.backward()
        assert (x.grad.dtype, gamma.grad.dtype) == (np.float32, np.float64)


def test_the_class_is_called_as_in_the_book():
    x = np.random.default_rng(0).normal(size=(4, 3))
    mean, var = np.zeros(3), np.ones(3)
    y = F.BatchNorm(mean, var, 0.9, 2e-5)(x, np.ones(3), np.zeros(3))
    expected = F.batch_nrom(x, np.ones(3), np.zeros(3), np.zeros(3), np.ones(3))
    np.testing.assert_array_equal(y.data, expected.data)
    assert mean.any()


def test_refused_batches_leave_the_averages_alone():
    mean, var = np.zeros(3), np.ones(3)
    with pytest.raises(ShapeError, match="empty batch"):
        F.batch_norm(np.ones((0, 3)), np.ones(3), np.zeros(3), mean, var)
    assert not mean.any()
    with prediction():
        assert F.batch_norm(np.ones((0, 3)), np.ones(3), np.zeros(3), mean, var).shape == (0, 3)


def test_against_pytorch():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    arrays = rng.normal(size=(4, 3, 5, 5)), rng.normal(size=3), rng.normal(size=3)
    ours = [Variable(a) for a in arrays]
    theirs = [torch.tensor(a, requires_grad=True) for a in arrays]
    mean, var = np.zeros(3), np.ones(3)
    averages = torch.zeros(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64)
    y = F.batch_norm(*ours, mean, var, 0.9, 1e-3)
    x, gamma, beta = theirs
    z = torch.nn.functional.batch_norm(x, *averages, gamma, beta, True, 0.1, 1e-3)
    gy = rng.normal(size=y.shape)
    y.backward(gradient=gy)
    z.backward(torch.tensor(gy))
    np.testing.assert_allclose(y.data, z.detach().numpy(), rtol=1e-10, atol=1e-12)
    for a, t in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.grad.data, t.grad.numpy(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(mean, averages[0].numpy(), rtol=1e-12)
    np.testing.assert_allclose(var, averages[1].numpy(), rtol=1e-12)
