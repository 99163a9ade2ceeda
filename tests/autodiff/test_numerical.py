"""Numerical gradients against derivatives known from mathematics."""

import numpy as np
import pytest

import dezero.functions as F
from dezero import Function, Variable
from dezero.autodiff import gradient_check, numerical_grad


def test_numerical_grad_of_a_known_function():
    x = np.array([[0.3, -1.2], [2.0, 0.0]])
    np.testing.assert_allclose(numerical_grad(F.sin, x), np.cos(x), atol=1e-10)


def test_numerical_grad_passes_arguments_on():
    grad = numerical_grad(lambda x, c, scale: scale * x**c, np.array([2.0]), 3, scale=0.5)
    np.testing.assert_allclose(grad, [6.0], rtol=1e-9)


def test_numerical_grad_computes_in_float64():
    x = Variable(np.array([2.0], np.float32))
    grad = numerical_grad(lambda x: x**2, x)
    assert grad.dtype == np.float64
    np.testing.assert_allclose(grad, [4.0], rtol=1e-9)


@pytest.mark.parametrize("x", [np.ones(3), Variable(np.full((2, 2), 0.5))])
def test_gradient_check_agrees(x):
    assert gradient_check(F.exp, x)


def test_gradient_check_finds_a_wrong_derivative(capsys):
    class Wrong(Function):
        def forward(self, x):
            return x**2

        def backward(self, gy):
            return gy * self.input

    assert not gradient_check(lambda x: Wrong()(x), np.array([1.0, 2.0]))
    assert "numerical gradient" in capsys.readouterr().out
