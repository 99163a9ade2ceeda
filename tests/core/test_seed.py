"""The programs that the project started from: the book's sections 6.2 to 7.2, word for word.

Run with the reader's own Square and Exp as subclasses of Function, and with ours.
"""

import numpy as np
import pytest

import dezero.functions as F
from dezero import Function, Variable

ANSWER = 3.297442541400256  # 2 * 2 * exp(2 * 0.5**2) * 0.5, as the book prints it


class ReaderSquare(Function):
    def forward(self, x):
        y = x**2
        return y

    def backward(self, gy):
        x = self.input.data
        gx = 2 * x * gy
        return gx


class ReaderExp(Function):
    def forward(self, x):
        y = np.exp(x)
        return y

    def backward(self, gy):
        x = self.input.data
        gx = np.exp(x) * gy
        return gx


both = pytest.mark.parametrize(
    ("Square", "Exp"), [(ReaderSquare, ReaderExp), (F.Square, F.Exp)], ids=["reader's", "ours"]
)


def test_answer_is_the_derivative():
    def f(x):
        return np.exp(x**2) ** 2

    numerical = (f(0.5 + 1e-4) - f(0.5 - 1e-4)) / 2e-4
    assert numerical == pytest.approx(3.2974426293330694, abs=1e-12)
    assert pytest.approx(numerical, abs=1e-6) == ANSWER


@both
def test_section_6_2_remembers_the_input(Square, Exp):
    f = Square()
    x = Variable(np.array(10.0))
    y = f(x)
    assert y.data == 100.0
    assert f.input is x


def test_section_6_2_base_class_is_abstract():
    f = Function()
    with pytest.raises(NotImplementedError):
        f.forward(np.array(1.0))
    with pytest.raises(NotImplementedError):
        f.backward(np.array(1.0))
    with pytest.raises(NotImplementedError):
        f(Variable(np.array(1.0)))


@both
def test_section_6_4_backward_by_hand(Square, Exp, capsys):
    A = Square()
    B = Exp()
    C = Square()

    x = Variable(np.array(0.5))
    a = A(x)
    b = B(a)
    y = C(b)

    y.grad = np.array(1.0)
    b.grad = C.backward(y.grad)
    a.grad = B.backward(b.grad)
    x.grad = A.backward(a.grad)
    assert float(x.grad if isinstance(x.grad, np.ndarray | np.generic) else x.grad.data) == ANSWER
    if Square is ReaderSquare:
        print(x.grad)
        assert capsys.readouterr().out == "3.297442541400256\n"


@both
def test_section_7_1_links(Square, Exp):
    A = Square()
    B = Exp()
    C = Square()

    x = Variable(np.array(0.5))
    a = A(x)
    b = B(a)
    y = C(b)

    assert y.creator == C
    assert y.creator.input == b
    assert y.creator.input.creator == B
    assert y.creator.input.creator.input == a
    assert y.creator.input.creator.input.creator == A
    assert y.creator.input.creator.input.creator.input == x
    assert A.output is a
    assert B.output is b


@both
def test_section_7_2_backward_by_walking(Square, Exp):
    A = Square()
    B = Exp()
    C = Square()
    x = Variable(np.array(0.5))
    y = C(B(A(x)))

    y.grad = np.array(1.0)
    C = y.creator
    b = C.input
    b.grad = C.backward(y.grad)
    B = b.creator
    a = B.input
    a.grad = B.backward(b.grad)
    A = a.creator
    x = A.input
    x.grad = A.backward(a.grad)
    assert np.asarray(getattr(x.grad, "data", x.grad)) == ANSWER


@both
def test_section_7_one_call_does_it(Square, Exp):
    x = Variable(np.array(0.5))
    y = Square()(Exp()(Square()(x)))
    y.backward()
    assert x.grad.data == ANSWER


def test_set_creator_links_by_hand():
    f = ReaderSquare()
    x = Variable(np.array(3.0))
    y = f(x)
    z = Variable(np.array(9.0))
    z.set_creator(f)
    assert z.creator is f
    assert z.generation == y.generation == 1


def test_mixed_graph_with_branches():
    # y = (x^2)^2 + exp(x^2): dy/dx = 4 x^3 + 2 x exp(x^2)
    x = Variable(np.array(0.5))
    a = ReaderSquare()(x)
    y = F.Square()(a) + F.exp(a)
    y.backward()
    assert x.grad.data == pytest.approx(4 * 0.5**3 + 2 * 0.5 * np.exp(0.25), rel=1e-15)


def test_variable_used_three_times():
    x = Variable(np.array(3.0))
    y = x + x + x * x
    y.backward()
    assert x.grad.data == 8.0
