"""Nests with short rows, which are worked on many at a time: each against NumPy itself."""

import numpy as np
import pytest

from dezero.compiler import compile
from dezero.compiler.executors.c.toolchain import NoCompiler, compiler
from tests.compiler.test_threads import three  # noqa: F401 (a fixture)

SHAPES = [(16, 2), (37, 3), (64, 10), (33, 15), (17, 63), (3, 20, 5), (2, 16, 4)]


def softmax(x):
    y = np.exp(x - x.max(axis=-1, keepdims=True))
    return y / y.sum(axis=-1, keepdims=True)


def log_sum_exp(x):
    """One number for each row, their sum, and one for each column."""
    top = x.max(axis=-1, keepdims=True)
    rows = np.log(np.exp(x - top).sum(axis=-1, keepdims=True)) + top
    return rows, rows.sum(), (rows * x).sum(axis=tuple(range(x.ndim - 1)))


def softmax_gradient(x):
    y = softmax(x)
    gx = y * (x - (y * x).sum(axis=-1, keepdims=True))
    return gx, gx.sum(axis=tuple(range(x.ndim - 1))), (gx * gx).sum()


def layer_norm(x):
    centred = x - x.mean(axis=-1, keepdims=True)
    spread = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + 1e-5)
    return centred / spread * x[(0,) * (x.ndim - 1)] + x[(1,) * (x.ndim - 1)], spread


def sums_of_many_kinds(x):
    """Over the rows' own axis, over others, and over those that lie between."""
    y = x - x.min(axis=-1, keepdims=True)
    return y.sum(axis=0), y.max(axis=-1), np.tanh(y).sum(axis=(0, -1)), y.min(), y.max(axis=0)


def written_in_place(x):
    x = x.copy()
    x /= np.abs(x).sum(axis=-1, keepdims=True)
    x[...] = x * x.max(axis=-1, keepdims=True)
    return x


def turned_array(x):
    """Rows that lie side by side already."""
    return softmax(np.moveaxis(x, -1, 0).copy().reshape(x.shape[-1], -1).T)


def of_integers(x):
    whole = np.rint(x * 100).astype(np.int64)
    return whole - whole.max(axis=-1, keepdims=True), (whole > 0).astype(np.int64).sum(axis=-1)


FUNCTIONS = [softmax, log_sum_exp, softmax_gradient, layer_norm, sums_of_many_kinds]
FUNCTIONS += [written_in_place, turned_array, of_integers]


def drawn(shape, dtype=np.float64):
    return np.random.default_rng(0).normal(size=shape).astype(dtype)


def replayed(function, x):
    """What the compiled function gives when it is replayed in C, and its source."""
    step = compile(function)
    for _ in range(4):
        found = step(x)
    return (found if isinstance(found, tuple) else (found,)), step.source()


def check(function, x, tolerance):
    expected = function(x.astype(np.float64) if x.dtype.kind == "f" else x)
    found, source = replayed(function, x)
    for y, wanted in zip(
        found, expected if isinstance(expected, tuple) else (expected,), strict=True
    ):
        size = np.abs(wanted[np.isfinite(wanted)]).max(initial=1)
        np.testing.assert_allclose(y, wanted, rtol=0, atol=tolerance * size)
    return source


@pytest.fixture(autouse=True, scope="module")
def in_c():
    try:
        compiler()
    except NoCompiler as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_float64(function, shape):
    check(function, drawn(shape), 1e-13)


@pytest.mark.parametrize("function", FUNCTIONS[:6], ids=lambda f: f.__name__)
def test_float32(function):
    check(function, drawn((37, 10), np.float32), 1e-5)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_divided_among_threads(function, three):  # noqa: F811
    check(function, drawn((37, 10)), 1e-13)


@pytest.mark.filterwarnings("ignore:invalid value")
def test_what_is_no_number_stays_in_its_row():
    x = drawn((40, 10))
    x[3, 4], x[17, 0], x[39, 9], x[20] = np.nan, np.inf, -np.inf, -np.inf
    for function in (softmax, log_sum_exp, sums_of_many_kinds):
        check(function, x, 1e-13)


def test_blocks_are_for_short_rows_of_which_there_are_enough():
    block = "at += 16"
    assert block in check(softmax, drawn((16, 2)), 1e-13)
    assert block not in check(softmax, drawn((15, 2)), 1e-13)
    assert block not in check(softmax, drawn((16, 64)), 1e-13)
    assert block not in check(lambda x: x.sum(axis=-1), drawn((16, 2)), 1e-13)
