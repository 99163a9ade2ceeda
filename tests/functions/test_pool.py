"""Pooling beyond the catalogue: padding, ties, windows that overlap, PyTorch."""

import numpy as np
import pytest

import dezero.functions as F
from dezero import Variable
from dezero.errors import DTypeError


def test_padding_is_never_the_largest():
    x = -np.arange(1.0, 5.0).reshape(1, 1, 2, 2)
    np.testing.assert_array_equal(
        F.pooling(x, 2, 1, 1).data[0, 0], [[-1, -1, -2], [-1, -1, -2], [-3, -3, -4]]
    )


def test_the_first_of_equal_numbers_gets_the_gradient():
    x = Variable(np.zeros((1, 1, 2, 4)))
    F.pooling(x, 2, 2).backward(gradient=np.array([[[[1.0, 2.0]]]]))
    np.testing.assert_array_equal(x.grad.data[0, 0], [[1, 0, 2, 0], [0, 0, 0, 0]])


def test_equal_numbers_share_the_gradient_of_the_simple_op():
    x = Variable(np.zeros((1, 1, 2, 2)))
    F.pooling_simple(x, 2).backward()
    np.testing.assert_array_equal(x.grad.data[0, 0], np.full((2, 2), 0.25))


def test_gradients_of_overlapping_windows_add_up():
    x = Variable(np.zeros((1, 1, 3, 3)))
    x.data[0, 0, 1, 1] = 1
    y = F.pooling(x, 2)
    y.backward(gradient=np.array([[[[1.0, 2.0], [3.0, 4.0]]]]))
    assert x.grad.data[0, 0, 1, 1] == 10
    assert x.grad.data.sum() == 10


def test_what_is_left_over_at_the_end_is_not_seen():
    x = Variable(np.arange(25.0).reshape(1, 1, 5, 5))
    y = F.pooling(x, 2, 2)
    np.testing.assert_array_equal(y.data[0, 0], [[6, 8], [16, 18]])
    y.backward()
    assert not x.grad.data[0, 0, 4].any()
    assert not x.grad.data[0, 0, :, 4].any()


def test_means_of_windows_that_are_not_square():
    x = np.arange(12.0).reshape(1, 1, 3, 4)
    y = F.average_pooling(x, (3, 2), (1, 2))
    np.testing.assert_array_equal(y.data[0, 0], [[x[0, 0, :, :2].mean(), x[0, 0, :, 2:].mean()]])


def test_padding_counts_in_the_mean():
    y = F.average_pooling(np.full((1, 1, 2, 2), 4.0), 2, 2, 1)
    np.testing.assert_array_equal(y.data[0, 0], np.ones((2, 2)))


def test_means_of_integers_are_floating():
    y = F.average_pooling(np.array([[[[1, 2], [3, 4]]]]), 2)
    assert y.dtype == np.float64
    assert y.data.item() == 2.5


def test_a_global_mean_is_the_mean_of_one_large_window():
    x = np.random.default_rng(0).normal(size=(2, 3, 7, 7))
    np.testing.assert_allclose(
        F.global_average_pooling(x).data, F.average_pooling(x, 7).data[:, :, 0, 0], rtol=1e-12
    )


@pytest.mark.parametrize("dtype", [bool, np.int64, np.complex128])
def test_max_pooling_is_of_real_numbers(dtype):
    with pytest.raises(DTypeError, match=r"pooling: x is .*floating"):
        F.pooling(np.ones((1, 1, 2, 2), dtype), 2)


def test_the_class_is_called_as_in_the_book():
    x = np.random.default_rng(0).normal(size=(1, 2, 5, 5))
    np.testing.assert_array_equal(F.Pooling(3, 2, 1)(x).data, F.pooling(x, 3, 2, 1).data)
    np.testing.assert_array_equal(F.Pooling(2)(x).data, F.pooling(x, 2, 1, 0).data)
    np.testing.assert_array_equal(F.AveragePooling(2)(x).data, F.average_pooling(x, 2).data)


@pytest.mark.parametrize("ours, theirs", [("pooling", "max_pool"), ("average_pooling", "avg_pool")])
@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("kernel, stride, pad", [(2, 2, 0), (3, 2, 1), (3, 1, 1), (2, 3, 0)])
def test_against_pytorch(ours, theirs, axes, kernel, stride, pad):
    torch = pytest.importorskip("torch")
    x = np.maximum(np.random.default_rng(axes).normal(size=(2, 3, *(7, 6, 5)[:axes])), 0)  # ties
    a, t = Variable(x), torch.tensor(x, requires_grad=True)
    y = getattr(F, ours)(a, kernel, stride, pad)
    z = getattr(torch.nn.functional, f"{theirs}{axes}d")(t, kernel, stride, pad)
    np.testing.assert_allclose(y.data, z.detach().numpy(), rtol=1e-12)
    gy = np.random.default_rng(9).normal(size=y.shape)
    y.backward(gradient=gy)
    z.backward(torch.tensor(gy))
    np.testing.assert_allclose(a.grad.data, t.grad.numpy(), rtol=1e-12, atol=1e-12)
