"""Products of matrices: the gradients by hand, and what they leave out."""

import numpy as np
import pytest

import dezero.functions as F
from dezero import Variable
from dezero.errors import NotDifferentiableError, ShapeError
from dezero.testing.catalogue import drawn


def test_gradients_by_hand():
    x, W = Variable(drawn(2, 3)), Variable(drawn(3, 4))
    gy = drawn(2, 4, seed=1)
    (x @ W).backward(gradient=gy)
    np.testing.assert_allclose(x.grad.data, gy @ W.data.T)
    np.testing.assert_allclose(W.grad.data, x.data.T @ gy)


def test_operators_and_numpys_spellings():
    x, W = Variable(drawn(2, 3)), Variable(drawn(3, 4))
    expected = x.data @ W.data
    for y in (
        x @ W,
        x @ W.data,
        x.data @ W,
        x.matmul(W),
        x.dot(W),
        np.matmul(x, W),
        np.dot(x.data, W),
        F.MatMul()(x, W),
        F.Linear()(x, W),
    ):
        assert isinstance(y, Variable) and y.creator is not None
        np.testing.assert_allclose(y.data, expected)
    np.testing.assert_allclose(np.dot(x, 2.0).data, 2 * x.data)
    for call in (np.dot, Variable.dot):
        with pytest.raises(NotDifferentiableError, match="matmul"):
            call(x, Variable(drawn(2, 3, 4)))


def test_constants_get_no_gradient():
    W, b = Variable(drawn(3, 4)), Variable(drawn(4))
    y = F.linear(drawn(2, 3), W, b)
    gx, gW, gb = y.creator.backward(Variable(np.ones((2, 4))))
    assert gx is None and gW.shape == (3, 4) and gb.shape == (4,)
    y = F.linear(Variable(drawn(2, 3)), W.data, b.data)
    gx, gW, gb = y.creator.backward(Variable(np.ones((2, 4))))
    assert gx.shape == (2, 3) and gW is None and gb is None


def test_bias_of_another_dtype():
    x, W = np.ones((2, 3), np.float32), np.ones((3, 4), np.float32)
    assert F.linear(x, W, np.ones(4, np.float32)).dtype == np.float32
    assert F.linear(x, W, np.ones(4)).dtype == np.float64
    assert F.linear(np.ones((2, 3), int), np.ones((3, 4), int), np.ones(4)).dtype == np.float64
    assert x.sum() == 6  # nothing was added into an operand


def test_gradients_have_the_dtype_of_their_operand():
    x, W = Variable(np.ones((2, 3), np.float32)), Variable(np.ones((3, 4)))
    b = Variable(np.ones(4, np.float16))
    y = F.linear(x, W, b)
    assert y.dtype == np.float64
    y.backward()
    assert [v.grad.dtype for v in (x, W, b)] == [np.float32, np.float64, np.float16]


@pytest.mark.parametrize("shape", [(2, 3), (5, 2, 3), (3,), (2, 1, 2, 3)])
def test_linear_is_its_composition_to_the_second_derivative(shape):
    results = []
    for op in (F.linear, F.linear_simple):
        x, W, b = Variable(drawn(*shape)), Variable(drawn(3, 4)), Variable(drawn(4))
        y = op(x, W, b)
        F.sum(y**3).backward(create_graph=True)
        first = [x.grad, W.grad, b.grad]
        for v in (x, W, b):
            v.cleargrad()
        total = sum(F.sum(g**2) for g in first)
        total.backward()
        results.append([y, *first, x.grad, W.grad, b.grad])
    for ours, composed in zip(*results, strict=True):
        np.testing.assert_allclose(ours.data, composed.data, rtol=1e-10, atol=1e-10)


def test_third_derivative():
    # y = (x . W)^3 of vectors: the third derivative along e0 is 6 W0^3
    x, W = Variable(np.array([1.0, 2.0])), np.array([3.0, -1.0])
    y = (x @ W) ** 3
    for expected in (3 * 3.0, 6 * 9.0, 6 * 27.0):
        y.backward(create_graph=True)
        y = x.grad[0]
        np.testing.assert_allclose(y.data, expected)
        x.cleargrad()


def test_sizes_of_zero():
    x, W = Variable(np.zeros((2, 0))), Variable(np.zeros((0, 3)))
    y = F.linear(x, W, Variable(np.ones(3)))
    np.testing.assert_array_equal(y.data, np.ones((2, 3)))
    y.backward()
    assert x.grad.shape == (2, 0) and W.grad.shape == (0, 3)
    x = Variable(np.zeros((2, 0, 3)))
    y = x @ Variable(np.ones((3, 4)))
    assert y.shape == (2, 0, 4)
    y.backward()
    assert x.grad.shape == (2, 0, 3)


def test_the_error_names_operands_by_their_names():
    x = Variable(np.zeros((2, 3), np.float32), name="images")
    W = Variable(np.zeros((4, 5), np.float32), name="fc1/W")
    with pytest.raises(ShapeError) as caught:
        F.linear(x, W)
    assert str(caught.value) == (
        "linear: images is (2, 3) float32, fc1/W is (4, 5) float32: "
        "x's last axis (3) must equal W's first (4)"
    )
