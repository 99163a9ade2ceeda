"""Variable: data, printing, conversion, operators on either side, copies, NumPy's protocols."""

import copy
import pickle

import numpy as np
import pytest

import dezero
import dezero.functions as F
from dezero import Parameter, Variable, as_array, as_variable
from dezero.errors import DTypeError, NotDifferentiableError, ShapeError


@pytest.mark.parametrize("data", [1.0, [1.0, 2.0], "text", np.float64(1.0)])
def test_data_must_be_an_array(data):
    with pytest.raises(TypeError, match=r"Variable\(np.array\(...\)\)"):
        Variable(data)


def test_attributes():
    x = Variable(np.ones((2, 3), np.float32), name="x")
    assert (x.shape, x.ndim, x.size, x.dtype, x.name) == ((2, 3), 2, 6, np.float32, "x")
    assert len(x) == 2
    assert x.T.shape == (3, 2)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (np.array(7.0), "variable(7.0)"),
        (np.array([[1, 2, 3], [4, 5, 6]]), "variable([[1 2 3]\n          [4 5 6]])"),
        (None, "variable(None)"),
    ],
)
def test_printed_form(data, text):
    assert repr(Variable(data)) == text
    assert str(Variable(data)) == text


def test_numbers():
    x = Variable(np.array([[2.5]]))
    assert float(x) == 2.5
    assert int(x) == 2
    assert x.item() == 2.5
    assert bool(x)
    assert not Variable(np.array(0.0))
    assert [10, 20, 30][Variable(np.array(1))] == 20
    with pytest.raises(ValueError, match="ambiguous"):
        bool(Variable(np.ones(2)))


def test_control_flow_on_values():
    x = Variable(np.array(3.0))
    y = x * 2 if x > 1 else x * 5
    y.backward()
    assert x.grad.data == 2


def test_iteration():
    x = Variable(np.arange(6.0).reshape(3, 2))
    rows = list(x)
    assert [r.shape for r in rows] == [(2,)] * 3
    (rows[1] * rows[2]).sum().backward()
    np.testing.assert_array_equal(x.grad.data, [[0, 0], [4, 5], [2, 3]])
    with pytest.raises(TypeError):
        iter(Variable(np.array(1.0)))


def test_as_variable_and_as_array():
    x = Variable(np.ones(2))
    assert as_variable(x) is x
    assert as_variable(2.0).data == 2.0
    assert isinstance(as_array(2.0), np.ndarray)
    assert as_array(x.data) is x.data
    for wrong in ("text", object(), x):
        with pytest.raises(DTypeError):
            as_array(wrong)


@pytest.mark.parametrize(
    "operation",
    [
        lambda a, b: a + b,
        lambda a, b: a - b,
        lambda a, b: a * b,
        lambda a, b: a / b,
        lambda a, b: a**b,
    ],
    ids=["+", "-", "*", "/", "**"],
)
@pytest.mark.parametrize("other", [2.0, 3, np.array([1.0, 2.0, 4.0]), np.full((2, 3), 2.0)])
def test_operators_with_arrays_and_numbers_on_either_side(operation, other):
    data = np.array([1.5, 2.5, 3.5])
    for left, right in ((0, 1), (1, 0)):
        x = Variable(data)
        operands = (x, other)
        y = operation(operands[left], operands[right])
        plain = (data, other)
        assert isinstance(y, Variable)
        np.testing.assert_allclose(y.data, operation(plain[left], plain[right]), rtol=1e-15)
        y.sum().backward()
        assert x.grad.shape == (3,)


def test_matmul_operator_on_either_side():
    a, b = np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(3, 4)
    for left, right in ((Variable(a), b), (a, Variable(b)), (Variable(a), Variable(b))):
        y = left @ right
        assert isinstance(y, Variable)
        np.testing.assert_array_equal(y.data, a @ b)


def test_shape_error_names_op_names_shapes_and_dtypes():
    x, y = Variable(np.ones(3), name="x"), Variable(np.ones((2, 2), np.float32), name="bias")
    with pytest.raises(ShapeError, match=r"add: x is \(3,\) float64, bias is \(2, 2\) float32: "):
        x + y
    with pytest.raises(ValueError, match="mul"):
        x * np.ones(4)


def test_error_of_a_users_function_keeps_its_type_and_gains_a_note():
    class Own(Exception):
        pass

    class Failing(dezero.Function):
        def forward(self, x):
            raise Own("why")

    with pytest.raises(Own) as caught:
        Failing()(Variable(np.ones(3), name="x"))
    assert caught.value.__notes__ == ["Failing: x is (3,) float64: in forward"]


# ------------------------------------------------------------ dtypes


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize(
    "operation",
    [
        lambda x: x + 1,
        lambda x: 1.5 - x,
        lambda x: 2.0 * x,
        lambda x: x / 3,
        lambda x: x**2,
        lambda x: x**0.5,
        lambda x: -x,
        lambda x: True * x,
        lambda x: F.exp(x) * 2.0,
    ],
)
def test_python_numbers_are_weak(dtype, operation):
    for shape in ((), (3,)):
        x = Variable(np.ones(shape, dtype))
        y = operation(x)
        assert y.dtype == dtype
        y.backward()
        assert x.grad.dtype == dtype


DTYPES = ["bool", "int8", "int32", "int64", "float16", "float32", "float64"]


@pytest.mark.parametrize("right", [*DTYPES, "number 2", "number 2.0"])
@pytest.mark.parametrize("left", DTYPES)
def test_table_of_dtypes(left, right):
    # the same promotion as NumPy's own arrays, for every pair
    a = np.ones(3, left)
    b = {"number 2": 2, "number 2.0": 2.0}.get(right)
    b = np.ones(3, right) if b is None else b
    for operation in (np.add, np.multiply, np.true_divide):
        other = Variable(b) if isinstance(b, np.ndarray) else b
        assert operation(Variable(a), other).dtype == operation(a, b).dtype


# ------------------------------------------------------------ copies


def test_copies_are_leaves_with_their_own_data():
    x = Variable(np.ones(3), name="x")
    y = x * 2
    y.name = "y"
    for twin in (copy.copy(y), copy.deepcopy(y), pickle.loads(pickle.dumps(y))):
        assert twin.creator is None
        assert twin.name == "y"
        np.testing.assert_array_equal(twin.data, 2)
        (twin * 3).backward()
        np.testing.assert_array_equal(twin.grad.data, 3)
    assert copy.copy(y).data is y.data
    assert copy.deepcopy(y).data is not y.data


def test_copies_keep_class_and_gradient():
    p = Parameter(np.ones(2), name="W")
    (p * 2).backward()
    twin = pickle.loads(pickle.dumps(p))
    assert type(twin) is Parameter
    np.testing.assert_array_equal(twin.grad.data, 2)
    constant = (Variable(np.ones(2)) * 3.0).creator.inputs[1]
    assert (Variable(np.ones(2)) * copy.copy(constant)).creator.needs(1) is False


# ------------------------------------------------------------ NumPy's protocols


def test_numpy_functions_are_differentiable():
    x = Variable(np.array([0.5, 1.5]))
    y = np.sum(np.exp(x) * np.where(x.data > 1, x, 0), axis=0)
    assert isinstance(y, Variable)
    y.backward()
    np.testing.assert_allclose(x.grad.data, [0, np.exp(1.5) * (1 + 1.5)], rtol=1e-14)


def test_ndarray_matmul_variable_is_differentiable():
    x = Variable(np.array([1.0, 2.0]))
    y = np.array([[1.0, 2.0], [3.0, 4.0]]) @ x
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.data, [4, 6])


def test_numpy_scalar_times_variable():
    x = Variable(np.ones(2, np.float32))
    assert isinstance(np.float32(2) * x, Variable)
    assert (np.float32(2) * x).dtype == np.float32
    assert (np.float64(2) * x).dtype == np.float64  # NumPy's rule: its scalars are not weak


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.fft.fft(x),
        lambda x: np.linalg.svd(x),
        lambda x: np.floor(x),
        lambda x: np.add.accumulate(x),
        lambda x: np.median(x),
    ],
)
def test_numpy_functions_that_we_lack_are_errors(call):
    with pytest.raises(NotDifferentiableError, match=r"np\..* of a Variable.*x\.data"):
        call(Variable(np.ones(3)))


def test_no_silent_conversion():
    with pytest.raises(DTypeError, match=r"write x\.data"):
        np.asarray(Variable(np.ones(3)))
    a = np.ones(3)
    with pytest.raises(NotDifferentiableError, match="existing array"):
        a += Variable(np.ones(3))
    with pytest.raises(NotDifferentiableError, match="existing array"):
        np.exp(Variable(np.ones(3)), out=a)


def test_shape_queries():
    x = Variable(np.ones((2, 3)))
    assert (np.shape(x), np.ndim(x), np.size(x)) == ((2, 3), 2, 6)


def test_equality_is_identity():
    x, y = Variable(np.ones(3)), Variable(np.ones(3))
    assert x == x
    assert x != y
    assert len({x, y}) == 2
