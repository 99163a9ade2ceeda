"""backward(): order, accumulation, seeds, several outputs, higher derivatives, errors."""

import numpy as np
import pytest

import dezero.functions as F
from dezero import Function, Variable, debug_mode, no_grad
from dezero.errors import GradientError, GraphError


class Split(Function):
    """Two outputs: the halves of a vector."""

    def forward(self, x):
        middle = len(x) // 2
        return x[:middle].copy(), x[middle:].copy()

    def backward(self, g0, g1):
        return F.concat([g0, g1])


class Returning(Function):
    """x, with a backward that returns what the test wants."""

    def __init__(self, gradients):
        self.gradients = gradients

    def forward(self, *xs):
        return xs[0].copy()

    def backward(self, gy):
        return self.gradients


def test_generations_order_the_pass():
    # the short branch must wait for the long one
    x = Variable(np.array(2.0))
    a = F.square(x)
    y = F.square(a) + F.square(a)
    assert (x.generation, a.generation, y.generation) == (0, 1, 3)
    y.backward()
    assert y.data == 32.0
    assert x.grad.data == 64.0


def test_only_leaves_get_gradients():
    x = Variable(np.array(3.0))
    a = x * 2
    y = a * a
    y.backward()
    assert x.grad.data == 24
    assert a.grad is None
    assert y.grad is None


def test_retain_grad_keeps_the_others():
    x = Variable(np.array(3.0))
    a = x * 2
    y = a * a
    y.backward(retain_grad=True)
    assert a.grad.data == 12
    assert y.grad.data == 1
    y.backward(retain_grad=True)
    assert a.grad.data == 12, "each pass keeps its own, it does not add up"


def test_gradients_accumulate_until_cleared():
    x = Variable(np.array(3.0))
    (x * x).backward()
    (x * x).backward()
    assert x.grad.data == 12
    x.cleargrad()
    assert x.grad is None


def test_accumulation_does_not_write_into_an_earlier_gradient():
    x = Variable(np.ones(3))
    (x * 2).backward()
    first = x.grad
    (x * 3).backward()
    np.testing.assert_array_equal(first.data, 2)
    np.testing.assert_array_equal(x.grad.data, 5)


def test_gradients_never_alias():
    x, y = Variable(np.ones(3)), Variable(np.ones(3))
    z = x + y
    z.backward()
    x.grad.data[0] = 99
    assert y.grad.data[0] == 1


def test_add_to_itself_owns_its_gradient():
    x = Variable(np.ones(3))
    (x + x).sum().backward()
    x.grad.data *= 0.5  # a hook would do that
    np.testing.assert_array_equal(x.grad.data, 1)


def test_backward_from_a_given_gradient():
    x = Variable(np.array([1.0, 2.0]))
    y = x * x
    y.backward(gradient=np.array([1.0, 10.0]))
    np.testing.assert_array_equal(x.grad.data, [2, 40])


def test_backward_from_a_gradient_that_was_set():
    x = Variable(np.array([1.0, 2.0]))
    y = x * x
    y.grad = Variable(np.array([1.0, 10.0]))
    y.backward()
    np.testing.assert_array_equal(x.grad.data, [2, 40])


def test_backward_of_a_vector_starts_from_ones():
    x = Variable(np.array([1.0, 2.0]))
    (x * x).backward()
    np.testing.assert_array_equal(x.grad.data, [2, 4])


def test_seed_of_another_shape_is_refused():
    y = Variable(np.ones(3), name="x") * 2
    y.name = "y"
    with pytest.raises(GradientError, match=r"y \(3,\) float64: gradient has the shape \(2,\)"):
        y.backward(gradient=np.ones(2))


def test_leaf_and_unrecorded_results_say_what_to_do():
    x = Variable(np.ones(3), name="weights")
    with pytest.raises(GraphError, match=r"weights \(3,\) float64: no Function made it"):
        x.backward()
    with no_grad():
        y = x * 2
    with pytest.raises(GraphError, match="no_grad"):
        y.backward()


def test_several_outputs():
    x = Variable(np.arange(4.0))
    a, b = Split()(x)
    (a * b).sum().backward()
    np.testing.assert_array_equal(x.grad.data, [2, 3, 0, 1])


@pytest.mark.parametrize("create_graph", [False, True])
def test_dropped_output_has_zero_gradient(create_graph):
    x = Variable(np.arange(4.0))
    a, b = Split()(x)
    del b
    (a * 3).sum().backward(create_graph=create_graph)
    np.testing.assert_array_equal(x.grad.data, [3, 3, 0, 0])


def test_constants_get_no_gradient():
    data = np.ones(3)
    x = Variable(np.ones(3))
    y = x * data + 2.0
    constant = y.creator.inputs[0].creator.inputs[1]
    y.sum().backward()
    assert constant.data is data
    assert constant.grad is None
    assert x.grad is not None


def test_constants_cost_no_gradient():
    asked = []

    class Product(Function):
        def forward(self, a, b):
            return a * b

        def backward(self, gy):
            asked.append((self.needs(0), self.needs(1)))
            return gy * self.inputs[1], None

    x = Variable(np.ones(3))
    Product()(x, np.ones(3)).backward()
    assert asked == [(True, False)]


def test_a_result_of_constants_is_constant():
    y = F.exp(np.ones(3))
    assert y.creator is None
    x = Variable(np.ones(3))
    (x * y).sum().backward()
    assert y.grad is None


@pytest.mark.parametrize(
    ("gradients", "words"),
    [
        (lambda: np.ones(3), r"Returning\.backward.*\(3,\) float64.*input 0.*\(2, 2\) float64"),
        (lambda: (np.ones((2, 2)),) * 2, r"Returning\.backward returned 2 gradients for 1 inputs"),
        (lambda: np.ones((2, 2), int), r"\(2, 2\) int64.*dtype"),
        (lambda: np.ones((2, 2), bool), r"\(2, 2\) bool.*dtype"),
    ],
)
def test_wrong_gradients_are_errors(gradients, words):
    y = Returning(gradients())(Variable(np.ones((2, 2))))
    with pytest.raises(GradientError, match=words):
        y.backward()


def test_gradient_of_another_precision_is_fitted():
    x = Variable(np.ones(2, np.float32))
    Returning(np.ones(2))(x).backward()
    assert x.grad.dtype == np.float32


def test_none_is_no_gradient():
    x, y = Variable(np.ones(2)), Variable(np.ones(2))
    Returning((None, np.ones(2)))(x, y).backward()
    assert x.grad is None
    np.testing.assert_array_equal(y.grad.data, 1)


def test_higher_derivatives():
    x = Variable(np.array(2.0))
    y = x**4
    for expected in (32.0, 48.0, 48.0, 24.0):
        x.cleargrad()
        y.backward(create_graph=True)
        y = x.grad
        assert y.data == expected


def test_step_36_of_the_book():
    # y = x^2, z = (dy/dx)^3 + y: dz/dx = 24 x^2 + 2 x = 100 at 2
    x = Variable(np.array(2.0))
    y = x**2
    y.backward(create_graph=True)
    gx = x.grad
    x.cleargrad()
    z = gx**3 + y
    z.backward()
    assert x.grad.data == 100.0


def test_gradient_is_not_recorded_unless_asked():
    x = Variable(np.array(2.0))
    (x**4).backward()
    assert x.grad.creator is None


def test_recording_stays_off_inside_no_grad_unless_asked():
    x = Variable(np.array(2.0))
    y = x**3
    with no_grad():
        y.backward(create_graph=True)
    assert x.grad.creator is not None


def test_plain_array_backward_refuses_to_be_differentiated_again():
    x = Variable(np.ones(3))
    y = Returning(np.ones(3))(x)
    with pytest.raises(GradientError, match=r"plain array.*create_graph"):
        y.backward(create_graph=True)


# ------------------------------------------------------------ changed data


@pytest.mark.parametrize("change", ["assign", "add in place"])
def test_changed_operand_is_an_error(change):
    x = Variable(np.ones(3), name="x")
    y = x * x
    if change == "assign":
        x.data = np.zeros(3)
    else:
        x.data += 1
    with pytest.raises(GraphError, match=r"mul: the data of x \(3,\) float64 was changed"):
        y.backward()


def test_changed_output_is_an_error_where_the_rule_reads_it():
    x = Variable(np.ones(3))
    y = F.exp(x)
    y.data += 1
    with pytest.raises(GraphError, match="exp"):
        y.backward()


def test_changed_operand_of_a_users_function_is_an_error():
    class Cube(Function):
        def forward(self, x):
            return x**3

        def backward(self, gy):
            return 3 * self.input**2 * gy

    x = Variable(np.ones(3), name="x")
    y = Cube()(x)
    x.data = np.zeros(3)
    with pytest.raises(GraphError, match="Cube: the data of x"):
        y.backward()


def test_changes_that_do_not_matter_are_allowed():
    x, other = Variable(np.ones(3)), Variable(np.ones(3))
    y = x + 1  # addition needs no data in its backward pass
    x.data = np.zeros(3)
    other.data += 1
    y.backward()
    np.testing.assert_array_equal(x.grad.data, 1)


def test_a_new_forward_pass_after_a_change_is_right():
    x = Variable(np.array(3.0))
    for expected in (6.0, 8.0):
        x.cleargrad()
        y = x * x
        y.backward()
        assert x.grad.data == expected
        x.data = x.data + 1


def test_write_into_the_array_is_found_in_debug_mode():
    with debug_mode():
        x = Variable(np.ones(3), name="x")
        y = x * x
        x.data[0] = 5
        with pytest.raises(GraphError, match="mul: the data of x"):
            y.backward()
    with debug_mode():
        x = Variable(np.ones(3))
        (x * x).backward()
        np.testing.assert_array_equal(x.grad.data, 2)


# ------------------------------------------------------------ the graph


def test_function_called_twice_gives_two_right_graphs():
    f = F.Square()
    a = Variable(np.array(2.0))
    b = f(a)
    c = f(b)
    c.backward()
    assert a.grad.data == 32.0
    assert b.creator is not c.creator
    a.cleargrad()
    b.backward()
    assert a.grad.data == 4.0


def test_function_with_state_called_twice():
    class Scale(Function):
        def forward(self, x):
            self.scale = 2 * x
            return x * self.scale

        def backward(self, gy):
            return gy * self.scale * 2

    f = Scale()
    x0, x1 = Variable(np.array(1.0)), Variable(np.array(5.0))
    y0, y1 = f(x0), f(x1)
    y0.backward()
    y1.backward()
    assert (x0.grad.data, x1.grad.data) == (4.0, 20.0)


def test_unchain_backward():
    x = Variable(np.array(2.0))
    a = x * 3
    b = a * 2
    y = b + 1
    y.unchain_backward()
    assert b.creator is None
    assert a.creator is None
    y.backward()
    assert x.grad is None
    assert b.grad.data == 1


def test_unchain_cuts_here():
    x = Variable(np.array(2.0))
    a = x * 3
    a.unchain()
    (a * 2).backward()
    assert x.grad is None
    assert a.grad.data == 2


def test_outputs_are_weak():
    x = Variable(np.array(2.0))
    y = x * 3
    f = y.creator
    assert f.outputs[0]() is y
    del y
    assert f.outputs[0]() is None
    assert f.output is None
