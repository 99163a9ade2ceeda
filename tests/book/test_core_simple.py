"""The book's steps 1 to 24 on `dezero.core_simple` alone: gradients are arrays."""

import math
import pickle
import weakref

import numpy as np
import pytest

import dezero
from dezero.core_simple import (
    Add,
    Config,
    Function,
    Variable,
    add,
    as_array,
    as_variable,
    mul,
    no_grad,
    rsub,
    setup_variable,
    using_config,
)
from dezero.errors import DTypeError, GraphError


class Square(Function):
    def forward(self, x):
        return x**2

    def backward(self, gy):
        x = self.input.data
        return 2 * x * gy


class Exp(Function):
    def forward(self, x):
        return np.exp(x)

    def backward(self, gy):
        x = self.inputs[0].data
        return np.exp(x) * gy


def square(x):
    return Square()(x)


def exp(x):
    return Exp()(x)


E_QUARTER = 1.2840254166877414  # e^(1/4): squared after squaring one half


def numerical_slope(f, x, eps=1e-4):
    above, below = Variable(as_array(x.data + eps)), Variable(as_array(x.data - eps))
    return (f(above).data - f(below).data) / (2 * eps)


def test_steps_1_to_4_forward_and_numerical_slope():
    x = Variable(np.array(0.5))
    y = square(exp(square(x)))
    assert type(y) is Variable
    assert y.data == pytest.approx(E_QUARTER**2, rel=1e-15)
    slope = numerical_slope(lambda v: square(exp(square(v))), x)
    assert slope == pytest.approx(2 * E_QUARTER**2, rel=1e-7)  # d/dx e^(2x^2) = 4x e^(2x^2)


def test_step_6_backward_by_hand():
    A, B, C = Square(), Exp(), Square()
    x = Variable(np.array(0.5))
    a = A(x)
    b = B(a)
    y = C(b)
    y.grad = np.array(1.0)
    b.grad = C.backward(y.grad)
    a.grad = B.backward(b.grad)
    x.grad = A.backward(a.grad)
    assert x.grad == pytest.approx(2 * E_QUARTER**2, rel=1e-15)


def test_step_7_backward_along_the_links():
    x = Variable(np.array(0.5))
    a = square(x)
    y = exp(a)
    assert isinstance(y.creator, Exp)
    assert y.creator.input is a
    assert y.creator.input.creator.input is x
    y.grad = np.array(1.0)
    todo = [y.creator]
    while todo:
        f = todo.pop()
        f.input.grad = f.backward(f.output.grad)
        if f.input.creator is not None:
            todo.append(f.input.creator)
    assert x.grad == pytest.approx(E_QUARTER, rel=1e-15)  # 2x e^(x^2)
    by_hand = x.grad
    x.cleargrad()
    y.cleargrad()
    y.backward()
    assert x.grad == by_hand


def test_step_9_gradients_are_arrays():
    x = Variable(np.array([1.0, 2.0]))
    square(x).backward()
    assert isinstance(x.grad, np.ndarray)
    np.testing.assert_array_equal(x.grad, [2, 4])
    assert Variable(None).data is None
    with pytest.raises(TypeError):
        Variable(1.0)


def test_step_10_a_test_of_square():
    x = Variable(np.random.rand(1))
    y = square(x)
    y.backward()
    assert np.allclose(x.grad, numerical_slope(square, x))


class Divide(Function):
    """Quotient and remainder, to have two outputs."""

    def forward(self, x0, x1):
        return x0 // x1, x0 % x1

    def backward(self, gy0, gy1):
        x0, x1 = self.inputs[0].data, self.inputs[1].data
        return gy1, -gy1 * (x0 // x1)


def test_steps_11_to_13_several_inputs_and_outputs():
    x, y = Variable(np.array(2.0)), Variable(np.array(3.0))
    z = add(square(x), square(y))
    z.backward()
    assert (z.data, x.grad, y.grad) == (13.0, 4.0, 6.0)
    a, b = Variable(np.array(7.0)), Variable(np.array(2.0))
    quotient, remainder = Divide()(a, b)
    assert (type(quotient), type(remainder)) == (Variable, Variable)
    assert (quotient.data, remainder.data) == (3.0, 1.0)
    remainder.backward()
    assert (a.grad, b.grad) == (1.0, -3.0)


def test_step_14_the_same_variable_again():
    x = Variable(np.array(3.0))
    add(add(x, x), x).backward()
    assert x.grad == 3.0
    x.cleargrad()
    assert x.grad is None
    add(x, x).backward()
    add(x, x).backward()  # without clearing they add up
    assert x.grad == 4.0


def test_step_16_branches_that_meet_again():
    x = Variable(np.array(2.0))
    a = square(x)
    y = add(square(a), square(a))
    y.backward()
    assert (y.data, x.grad) == (32.0, 64.0)
    assert [v.generation for v in (x, a, y)] == [0, 1, 3]


def test_step_17_dropped_graphs_are_freed():
    y = square(square(square(Variable(np.ones(10_000)))))
    link = weakref.ref(y)
    del y
    assert link() is None


def test_step_18_retained_gradients():
    x0, x1 = Variable(np.array(1.0)), Variable(np.array(1.0))
    t = add(x0, x1)
    y = add(x0, t)
    y.backward()
    assert (y.grad, t.grad, x0.grad, x1.grad) == (None, None, 2.0, 1.0)
    x0.cleargrad()
    y.backward(retain_grad=True)
    assert (y.grad, t.grad, x0.grad) == (1.0, 1.0, 2.0)
    assert all(isinstance(v.grad, np.ndarray) for v in (y, t, x0))


def test_step_18_without_a_graph():
    x = Variable(np.array(2.0))
    with using_config("enable_backprop", False):
        assert not Config.enable_backprop
        assert square(x).creator is None
    with no_grad():
        y = x * x
    assert type(y) is Variable
    with pytest.raises(GraphError, match="no_grad"):
        y.backward()
    assert Config.enable_backprop


def test_step_19_what_a_variable_tells(capsys):
    x = Variable(np.array([[1, 2, 3], [4, 5, 6]]), name="x")
    assert (x.name, x.shape, x.ndim, x.size, len(x)) == ("x", (2, 3), 2, 6, 2)
    assert x.dtype == x.data.dtype
    print(x)
    assert capsys.readouterr().out == "variable([[1 2 3]\n          [4 5 6]])\n"


X = Variable(np.array(2.0))
ARRAY = np.array([1.0, 4.0])
EXPRESSIONS = {
    "x + x": (lambda: X + X, 4.0, 2.0),
    "x + 1": (lambda: X + 1, 3.0, 1.0),
    "1.0 + x": (lambda: 1.0 + X, 3.0, 1.0),
    "array + x": (lambda: ARRAY + X, [3.0, 6.0], 2.0),
    "array - x": (lambda: ARRAY - X, [-1.0, 2.0], -2.0),
    "array * x": (lambda: ARRAY * X, [2.0, 8.0], 5.0),
    "array / x": (lambda: ARRAY / X, [0.5, 2.0], -1.25),
    "float64 * x": (lambda: np.float64(3) * X, 6.0, 3.0),
    "x * array": (lambda: X * ARRAY, [2.0, 8.0], 5.0),
    "x - 5": (lambda: X - 5, -3.0, 1.0),
    "5 - x": (lambda: 5 - X, 3.0, -1.0),
    "x / 4": (lambda: X / 4, 0.5, 0.25),
    "4 / x": (lambda: 4 / X, 2.0, -1.0),
    "-x": (lambda: -X, -2.0, -1.0),
    "x ** 3": (lambda: X**3, 8.0, 12.0),
    "x ** x": (lambda: X**X, 4.0, 4 * (math.log(2) + 1)),
    "rsub": (lambda: rsub(X, 5), 3.0, -1.0),
}


@pytest.mark.parametrize(("f", "value", "slope"), EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_steps_20_to_22_operators(f, value, slope):
    X.cleargrad()
    y = f()
    assert type(y) is Variable
    assert isinstance(y.creator, Function)
    np.testing.assert_array_equal(y.data, value)
    y.backward()
    assert float(x_grad := X.grad) == pytest.approx(slope, rel=1e-15)
    assert isinstance(x_grad, np.ndarray)


def test_step_20_products_and_sums():
    a, b, c = (Variable(np.array(v)) for v in (3.0, 2.0, 1.0))
    y = add(mul(a, b), c)
    y.backward()
    assert (y.data, a.grad, b.grad, c.grad) == (7.0, 2.0, 3.0, 1.0)


def test_step_23_the_package():
    x = Variable(np.array(1.0))
    assert isinstance(x, dezero.Variable)
    assert isinstance(x + 1, dezero.Variable)
    assert isinstance(Square(), dezero.Function)
    assert isinstance((x + 1).creator, Add)
    assert isinstance((x + 1).creator, dezero.functions.Add)
    assert not isinstance(dezero.Variable(np.array(1.0)), Variable)
    assert as_variable(x) is x
    assert type(as_variable(np.array(1.0))) is Variable
    setup_variable()
    y = (x + 3) ** 2
    y.backward()
    assert (y.data, x.grad) == (16.0, 8.0)


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
    [(sphere, (2.0, 2.0)), (matyas, (0.04, 0.04)), (goldstein, (-5376.0, 8064.0))],
)
def test_step_24_complicated_functions(f, expected):
    x, y = Variable(np.array(1.0)), Variable(np.array(1.0))
    f(x, y).backward()
    assert (float(x.grad), float(y.grad)) == pytest.approx(expected, rel=1e-13)


def test_gradient_descent_on_arrays():
    x, y = Variable(np.array(1.0)), Variable(np.array(-2.0))
    for _ in range(50):
        x.cleargrad()
        y.cleargrad()
        z = sphere(x - 3, y)
        z.backward()
        x.data -= 0.25 * x.grad  # halves the distance to the minimum
        y.data -= 0.25 * y.grad
    assert (float(x.data), float(y.data)) == pytest.approx((3, 0), abs=4 * 2.0**-50)


def test_gradients_start_from_one_that_is_given():
    x = Variable(np.array([1.0, 2.0]))
    y = square(x)
    y.grad = np.array([1.0, 10.0])
    y.backward()
    np.testing.assert_array_equal(x.grad, [2, 40])


def test_copies_keep_data_and_gradient():
    x = Variable(np.array(3.0), name="x")
    square(x).backward()
    twin = pickle.loads(pickle.dumps(x))
    assert (type(twin), twin.name, twin.data, twin.grad) == (Variable, "x", 3.0, 6.0)


def test_full_and_simple_variables_meet():
    x, W = Variable(np.array(3.0)), dezero.Variable(np.array(2.0))
    for y in (x * W, W * x):
        assert type(y) is Variable
        y.backward()
        assert (x.grad, W.grad.data) == (2.0, 3.0)
        x.cleargrad()
        W.cleargrad()


def test_numpy_functions_are_refused():
    with pytest.raises(TypeError):
        np.sin(Variable(np.array(1.0)))
    with pytest.raises(DTypeError):
        np.asarray(Variable(np.array(1.0)))
