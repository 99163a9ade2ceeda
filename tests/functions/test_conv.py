"""Convolutions beyond the catalogue: the book's calls, precision, mixed dtypes, PyTorch."""

import numpy as np
import pytest

import dezero
import dezero.functions as F
from dezero import Variable
from dezero.errors import ShapeError


def drawn(*shape, dtype=np.float64):
    return np.random.default_rng([11, *shape]).normal(size=shape).astype(dtype)


def test_classes_are_called_as_in_the_book():
    x, W, b = drawn(1, 2, 5, 5), drawn(3, 2, 3, 3), drawn(3)
    expected = F.conv2d(x, W, b, 2, 1).data
    np.testing.assert_array_equal(F.Conv2d(2, 1)(x, W, b).data, expected)
    np.testing.assert_array_equal(F.Conv2d(2, 1)(x, W, None).data, F.conv2d(x, W, None, 2, 1).data)
    y = drawn(1, 3, 3, 3)
    expected = F.deconv2d(y, W, None, 2, 1, (6, 5)).data
    assert expected.shape == (1, 2, 6, 5)
    np.testing.assert_array_equal(F.Deconv2d(2, 1, (6, 5))(y, W, None).data, expected)
    col = F.im2col(x, 3, 2, 1).data
    assert col.shape == (9, 18)
    np.testing.assert_array_equal(F.Im2col(3, 2, 1, True)(x).data, col)
    np.testing.assert_array_equal(F.im2col_array(x, 3, 2, 1), col)
    np.testing.assert_array_equal(
        F.col2im_array(col, x.shape, 3, 2, 1), F.col2im(col, x.shape, 3, 2, 1).data
    )


def test_the_older_module_has_the_same_ops():
    for name in ("conv2d", "deconv2d", "pooling", "average_pooling", "im2col", "im2col_array"):
        assert getattr(dezero.functions_conv, name) is getattr(F, name)


def test_one_instance_called_twice():
    conv = F.Conv2d(pad=1)
    W = Variable(drawn(1, 1, 3, 3))
    x0, x1 = Variable(drawn(1, 1, 3, 3)), Variable(drawn(1, 1, 5, 4))
    y = F.sum(conv(x0, W)) + F.sum(conv(x1, W))
    y.backward()
    assert x0.grad.shape == x0.shape
    assert x1.grad.shape == x1.shape


@pytest.mark.parametrize("op", [F.conv2d, F.deconv2d])
def test_third_derivative(op):
    # y = sum(c * op(x, W)**3): differentiated along x, then W, then x again
    x, W = Variable(drawn(1, 2, 3, 3)), Variable(drawn(2, 2, 2, 2))
    u, v, w = drawn(*x.shape), drawn(*W.shape), drawn(2, *x.shape)[0]

    def along(y, variable, direction):
        for z in (x, W):
            z.cleargrad()
        y.backward(create_graph=True)
        return F.sum(variable.grad * direction)

    y = F.sum(op(x, W) ** 3)
    third = along(along(along(y, x, u), W, v), x, w)
    # by the product rule, with D = op in one operand and op(x, W) = a: 6 Du Dw Dv + 6 a (...)
    a, au, aw = (op(z, W).data for z in (x, u, w))
    av, auv, awv = (op(z, v).data for z in (x, u, w))
    expected = np.sum(6 * au * av * aw + 6 * a * (au * awv + aw * auv))
    np.testing.assert_allclose(third.data, expected, rtol=1e-10)


def test_mixed_dtypes():
    x, W = Variable(drawn(1, 2, 4, 4, dtype=np.float32)), Variable(drawn(3, 2, 3, 3))
    b = Variable(drawn(3, dtype=np.float16))
    y = F.conv2d(x, W, b)
    assert y.dtype == np.float64
    y.backward()
    assert [z.grad.dtype for z in (x, W, b)] == [np.float32, np.float64, np.float16]


def test_a_constant_image_gets_no_gradient(monkeypatch):
    def refuse(*args):
        raise AssertionError("the gradient of a constant was computed")

    monkeypatch.setattr("dezero.functions.conv.conv_transposed", refuse)
    W = Variable(drawn(3, 2, 3, 3))
    F.sum(F.conv2d(drawn(1, 2, 5, 5), W)).backward()
    assert W.grad.shape == W.shape


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_transposed_convolution_is_the_adjoint(dtype):
    y, W = drawn(2, 4, 9, 8, dtype=dtype), drawn(6, 2, 3, 2, dtype=dtype)
    options = {"stride": (2, 3), "pad": 1, "dilation": (2, 1), "groups": 2}
    x = F.conv2d(y, W, **options).data
    z = drawn(*x.shape, dtype=dtype)
    back = F.deconv2d(z, W, outsize=y.shape[2:], **options).data
    np.testing.assert_allclose(
        np.sum(back * y), np.sum(z * x), rtol=1e-4 if dtype == np.float32 else 1e-12
    )


def test_numpys_functions_reach_the_kernels_of_variables():
    x, W = Variable(drawn(1, 1, 3, 3)), Variable(drawn(1, 1, 2, 2))
    window = dezero.arrays.Window.of(2)
    y = dezero.arrays.conv(x, W, None, window, 1)
    np.testing.assert_array_equal(y.data, F.conv2d(x, W).data)
    col = dezero.arrays.im2col_array(x, 2, 1, 0)
    assert col.creator is not None


def test_what_is_wrong_is_said_in_one_line():
    with pytest.raises(ShapeError) as caught:
        F.conv2d(np.ones((1, 3, 8, 8), np.float32), np.ones((4, 2, 3, 3), np.float32))
    assert str(caught.value) == (
        "conv2d: x is (1, 3, 8, 8) float32, W is (4, 2, 3, 3) float32: "
        "x has 3 channels, but W is for 2 (2 in each of groups=1)"
    )


@pytest.mark.parametrize("seed", range(8))
def test_against_pytorch(seed):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    groups = int(rng.choice([1, 2, 3]))
    C, O = groups * int(rng.integers(1, 4)), groups * int(rng.integers(1, 4))
    kernel, stride, pad, dilation = (
        tuple(map(int, rng.integers(low, 4, 2))) for low in (1, 1, 0, 1)
    )
    x = rng.normal(size=(3, C, *rng.integers(8, 12, 2)))
    W, b = rng.normal(size=(O, C // groups, *kernel)), rng.normal(size=O)
    arrays = [Variable(a) for a in (x, W, b)]
    tensors = [torch.tensor(a, requires_grad=True) for a in (x, W, b)]
    y = F.conv2d(*arrays, stride, pad, dilation, groups)
    theirs = torch.nn.functional.conv2d(*tensors, stride, pad, dilation, groups)
    np.testing.assert_allclose(y.data, theirs.detach().numpy(), rtol=1e-10, atol=1e-10)
    gy = rng.normal(size=y.shape)
    y.backward(gradient=gy)
    theirs.backward(torch.tensor(gy))
    for a, t in zip(arrays, tensors, strict=True):
        np.testing.assert_allclose(a.grad.data, t.grad.numpy(), rtol=1e-10, atol=1e-10)
