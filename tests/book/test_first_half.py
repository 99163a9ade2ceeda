"""The book's steps 1 to 36 as a reader types them: Variables, Functions, higher derivatives."""

import contextlib
import math
import weakref

import numpy as np
import pytest

import dezero
import dezero.functions as F
from dezero import Function, Variable, as_array, as_variable
from dezero.utils import get_dot_graph, gradient_check, numerical_grad, plot_dot_graph


def test_steps_1_to_3_boxes_and_functions():
    data = np.array(1.0)
    x = Variable(data)
    assert x.data == 1.0
    x.data = np.array(2.0)
    assert x.data == 2.0
    y = F.square(F.exp(F.square(Variable(np.array(0.5)))))
    assert y.data == pytest.approx(1.648721270700128, rel=1e-15)  # e^(2 * 0.25)


def test_step_4_numerical_differentiation():
    def numerical_diff(f, x, eps=1e-4):
        x0 = Variable(as_array(x.data - eps))
        x1 = Variable(as_array(x.data + eps))
        return (f(x1).data - f(x0).data) / (2 * eps)

    dy = numerical_diff(lambda x: F.square(F.exp(F.square(x))), Variable(np.array(0.5)))
    assert dy == pytest.approx(3.2974426293330694, rel=1e-12)


def test_steps_8_and_9_easier_functions():
    x = Variable(np.array(0.5))
    y = F.square(F.exp(F.square(x)))
    y.backward()
    assert x.grad.data == 3.297442541400256
    with pytest.raises(TypeError):
        Variable(1.0)
    Variable(None)


def test_step_10_a_test_of_square():
    x = Variable(np.random.default_rng(0).random(1))
    y = F.square(x)
    y.backward()
    assert np.allclose(x.grad.data, numerical_grad(F.square, x))
    assert gradient_check(F.square, x)


class Add(Function):
    def forward(self, x0, x1):
        y = x0 + x1
        return (y,)

    def backward(self, gy):
        return gy, gy


def test_steps_11_to_13_several_inputs():
    x = Variable(np.array(2.0))
    y = Variable(np.array(3.0))
    out = Add()(x, y)
    z = F.add(F.square(x), F.square(y))
    z.backward()
    assert (z.data, x.grad.data, y.grad.data) == (13.0, 4.0, 6.0)
    # a one-element tuple is a single output, as in the book
    assert isinstance(out, Variable)
    assert out.data == 5.0


def test_step_14_the_same_variable_again():
    x = Variable(np.array(3.0))
    y = F.add(F.add(x, x), x)
    y.backward()
    assert x.grad.data == 3.0
    x.cleargrad()
    F.add(x, x).backward()
    assert x.grad.data == 2.0


def test_steps_15_and_16_complicated_graphs():
    x = Variable(np.array(2.0))
    a = F.square(x)
    y = F.add(F.square(a), F.square(a))
    y.backward()
    assert (y.data, x.grad.data) == (32.0, 64.0)
    assert [v.generation for v in (x, a, y)] == [0, 1, 3]


def test_step_17_memory():
    x = Variable(np.ones(10_000))
    y = F.square(F.square(F.square(x)))
    link = weakref.ref(y)
    del y
    assert link() is None


def test_step_18_saving_memory():
    x0, x1 = Variable(np.array(1.0)), Variable(np.array(1.0))
    t = F.add(x0, x1)
    y = F.add(x0, t)
    y.backward()
    assert y.grad is None
    assert t.grad is None
    assert (x0.grad.data, x1.grad.data) == (2.0, 1.0)
    with dezero.using_config("enable_backprop", False):
        assert F.square(Variable(np.array(2.0))).creator is None
    with dezero.no_grad():
        assert F.square(Variable(np.array(2.0))).creator is None


def test_step_19_a_variable_that_is_easy_to_use(capsys):
    x = Variable(np.array([[1, 2, 3], [4, 5, 6]]), name="x")
    assert (x.shape, x.ndim, x.size, len(x), x.name) == ((2, 3), 2, 6, 2, "x")
    assert x.dtype == np.array([1]).dtype
    print(x)
    assert capsys.readouterr().out == "variable([[1 2 3]\n          [4 5 6]])\n"


def test_steps_20_to_22_operators():
    a = Variable(np.array(3.0))
    b = Variable(np.array(2.0))
    c = Variable(np.array(1.0))
    y = a * b + c
    y.backward()
    assert (y.data, a.grad.data, b.grad.data) == (7.0, 2.0, 3.0)
    x = Variable(np.array(2.0))
    assert (x + np.array(3.0)).data == 5.0
    assert (3.0 * x + 1.0).data == 7.0
    assert (np.array([2.0]) + x).data == 4.0
    assert isinstance(np.array([2.0]) + x, Variable)
    assert (-x).data == -2.0
    assert (2.0 - x).data == 0.0
    assert (x - 1.0).data == 1.0
    assert (x**3).data == 8.0
    assert (6.0 / x).data == 3.0


def test_step_23_imports():
    assert dezero.is_simple_core is False
    dezero.setup_variable()
    x = Variable(np.array(1.0))
    y = (x + 3) ** 2
    y.backward()
    assert (y.data, x.grad.data) == (16.0, 8.0)


def sphere(x, y):
    return x**2 + y**2


def matyas(x, y):
    return 0.26 * (x**2 + y**2) - 0.48 * x * y


def goldstein(x, y):
    return (1 + (x + y + 1) ** 2 * (19 - 14 * x + 3 * x**2 - 14 * y + 6 * x * y + 3 * y**2)) * (
        30 + (2 * x - 3 * y) ** 2 * (18 - 32 * x + 12 * x**2 + 48 * y - 36 * x * y + 27 * y**2)
    )


@pytest.mark.parametrize(
    ("f", "expected"),
    [(sphere, (2.0, 2.0)), (matyas, (0.040000000000000036,) * 2), (goldstein, (-5376.0, 8064.0))],
)
def test_step_24_complicated_functions(f, expected):
    x, y = Variable(np.array(1.0)), Variable(np.array(1.0))
    f(x, y).backward()
    assert (float(x.grad), float(y.grad)) == pytest.approx(expected, rel=1e-14)


def test_steps_25_and_26_pictures(tmp_path):
    x0, x1 = Variable(np.array(1.0), name="x0"), Variable(np.array(1.0), name="x1")
    y = x0 + x1
    y.name = "y"
    text = get_dot_graph(y, verbose=False)
    assert text.startswith("digraph")
    for word in ("x0", "x1", "y", "Add"):
        assert word in text
    path = tmp_path / "sum.dot"
    plot_dot_graph(y, verbose=False, to_file=path)
    assert path.read_text(encoding="utf-8").startswith("digraph")


def test_step_27_taylor_series():
    class Sin(Function):
        def forward(self, x):
            return np.sin(x)

        def backward(self, gy):
            x = self.inputs[0].data
            return gy * np.cos(x)

    x = Variable(np.array(np.pi / 4))
    y = Sin()(x)
    y.backward()
    assert (y.data, x.grad.data) == pytest.approx((math.sqrt(0.5),) * 2, rel=1e-15)

    def my_sin(x, threshold=0.0001):
        y = 0
        for i in range(100000):
            c = (-1) ** i / math.factorial(2 * i + 1)
            t = c * x ** (2 * i + 1)
            y = y + t
            if abs(t.data) < threshold:
                break
        return y

    x = Variable(np.array(np.pi / 4))
    y = my_sin(x)
    y.backward()
    assert float(y) == pytest.approx(0.7071064695751781, rel=1e-12)
    assert float(x.grad) == pytest.approx(0.7071032148228457, rel=1e-12)


def rosenbrock(x0, x1):
    return 100 * (x1 - x0**2) ** 2 + (x0 - 1) ** 2


def test_step_28_gradient_descent():
    x0, x1 = Variable(np.array(0.0)), Variable(np.array(2.0))
    rosenbrock(x0, x1).backward()
    assert (float(x0.grad), float(x1.grad)) == (-2.0, 400.0)
    for _ in range(1000):
        x0.cleargrad()
        x1.cleargrad()
        rosenbrock(x0, x1).backward()
        x0.data -= 0.001 * x0.grad.data
        x1.data -= 0.001 * x1.grad.data
    assert (float(x0), float(x1)) == pytest.approx((0.6837118569138317, 0.4659526837427042), 1e-12)


def quartic(x):
    return x**4 - 2 * x**2


def test_steps_29_and_33_newton():
    x = Variable(np.array(2.0))
    for _ in range(10):
        y = quartic(x)
        x.cleargrad()
        y.backward(create_graph=True)
        gx = x.grad
        x.cleargrad()
        gx.backward()
        gx2 = x.grad
        x.data -= gx.data / gx2.data
    assert float(x) == 1.0


def test_step_34_derivatives_of_sin():
    x = Variable(np.linspace(-7, 7, 200))
    y = F.sin(x)
    y.backward(create_graph=True)
    logs = [y.data]
    for _ in range(3):
        logs.append(x.grad.data)
        gx = x.grad
        x.cleargrad()
        gx.backward(create_graph=True)
    for got, expected in zip(logs, (np.sin, np.cos, lambda v: -np.sin(v)), strict=False):
        np.testing.assert_allclose(got, expected(x.data), atol=1e-15)


def test_step_35_derivatives_of_tanh():
    x = Variable(np.array(1.0), name="x")
    y = F.tanh(x)
    y.backward(create_graph=True)
    for _ in range(2):
        gx = x.grad
        x.cleargrad()
        gx.backward(create_graph=True)
    t = math.tanh(1.0)  # tanh''' = -2 (1 - t^2)(1 - 3 t^2)
    assert float(x.grad) == pytest.approx(-2 * (1 - t**2) * (1 - 3 * t**2), rel=1e-13)
    x.grad.name = "gx3"
    assert "gx3" in get_dot_graph(x.grad, verbose=False)


def test_step_36_double_backprop():
    x = Variable(np.array(2.0))
    y = x**2
    y.backward(create_graph=True)
    gx = x.grad
    x.cleargrad()
    z = gx**3 + y
    z.backward()
    assert x.grad.data == 100.0


def test_as_variable_of_the_programs():
    assert isinstance(as_variable(np.array(1.0)), Variable)
    with contextlib.suppress(TypeError):
        as_variable("text")
        pytest.fail("text is no array")
