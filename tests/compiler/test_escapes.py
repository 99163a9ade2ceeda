"""What a trace cannot hold is never taken for a constant: it is seen, or the step runs eagerly."""

import io
import itertools
import random
from collections import defaultdict, deque

import numpy as np
import pytest

import dezero.layers as L
from dezero import Parameter
from dezero.compiler import CompileWarning, compile

X = np.array([1.0, 2.0])
FACTOR = [2.0]


def replays(step):
    return sum(path.runs for path in step.all_paths())


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng: np.random.rand(),
        lambda rng: np.random.randint(2),
        lambda rng: random.random(),
        lambda rng: rng.integers(2),
        lambda rng: np.random.permutation(3)[0],
    ],
)
def test_other_random_numbers_are_drawn_in_each_call(draw):
    rng = np.random.default_rng(0)
    step = compile(lambda x: x + 0 if draw(rng) < 0.5 else x + 1, executor="numpy")
    with pytest.warns(CompileWarning, match="draws random numbers"):
        found = [step(X)[0] for _ in range(60)]
    assert {1.0, 2.0} == set(found)


def test_weights_that_are_drawn_in_a_later_call_are_no_reason():
    np.random.seed(0)
    rnn = L.RNN(4)

    def function(x):
        h = rnn(x)
        h.unchain()
        return h.data * 2

    step = compile(function, executor="numpy")
    for _ in range(8):
        step(np.ones((2, 3), np.float32))
    assert step.refused is None
    assert replays(step) >= 3


@pytest.mark.parametrize("kind", [set, deque, bytearray])
def test_contents_that_are_no_places(kind):
    held = kind([1])
    add = {set: "add", deque: "append", bytearray: "append"}[kind]
    step = compile(lambda x: x * len(held) + (2 in held), executor="numpy")
    for _ in range(4):
        np.testing.assert_array_equal(step(X), X)
    getattr(held, add)(2)
    for _ in range(4):
        np.testing.assert_array_equal(step(X), X * 2 + 1)
    assert replays(step) == 3
    assert held == kind([1, 2])


@pytest.mark.parametrize("kind", [set, deque, bytearray])
def test_contents_that_the_step_changes(kind):
    held = kind()
    add = {set: "add", deque: "append", bytearray: "append"}[kind]

    def function(x):
        getattr(held, add)(len(held))
        return x * 2

    step = compile(function, executor="numpy")
    with pytest.warns(CompileWarning, match="held"):
        for _ in range(7):
            np.testing.assert_array_equal(step(X), X * 2)
    assert held == kind(range(7))


def test_dicts_that_make_what_is_missing():
    held = defaultdict(lambda: 5.0, a=1.0)
    step = compile(lambda x: x * sum(held.values()), executor="numpy")
    for _ in range(5):
        np.testing.assert_array_equal(step(X), X)
    del held["a"]
    held["b"] = 3.0
    for _ in range(5):
        np.testing.assert_array_equal(step(X), X * 3)
    assert dict(held) == {"b": 3.0}


def test_arrays_of_other_kinds():
    x = np.ma.masked_array([1.0, 2.0, 3.0], mask=[0, 1, 0])
    step = compile(lambda x: x.sum() * 2, executor="numpy")
    with pytest.warns(CompileWarning, match="MaskedArray"):
        assert [float(step(x)) for _ in range(5)] == [8.0] * 5


def test_an_array_that_cannot_be_written():
    w = Parameter(np.ones(2))

    def function(x):
        w.data += x
        return w.data * 2

    step = compile(function, executor="numpy")
    step(X)
    w.data.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        step(X)
    np.testing.assert_array_equal(w.data, [2.0, 3.0])


def test_generators_are_made_anew():
    def function(x):
        y = x * 2
        return (e for e in (y[0] * 1, y[1] * 1))

    step = compile(function, executor="numpy")
    with pytest.warns(CompileWarning):
        for k in range(5):
            assert list(step(X * k)) == [2.0 * k, 4.0 * k]


def test_a_new_set_is_a_set_of_its_own():
    step = compile(lambda x: (x * 2, {1, 2}), executor="numpy")
    with pytest.warns(CompileWarning, match="set"):
        for _ in range(5):
            _, found = step(X)
            found.add(3)
            assert found == {1, 2, 3}


@pytest.mark.parametrize("traceable", [True, False])
def test_what_an_iterator_gives_is_given_once(traceable):
    source = itertools.count()

    def function(x):
        y = x + next(source) + next(source)
        return y if traceable else np.asarray(y)

    step = compile(function, executor="numpy")
    with pytest.warns(CompileWarning, match="it takes from source" if traceable else "np.asarray"):
        for k in range(6):
            np.testing.assert_array_equal(step(X), X + 4 * k + 1)
    assert next(source) == 12


def test_an_iterator_that_gives_the_same_for_a_while():
    source = itertools.chain([1] * 5, itertools.repeat(2))
    step = compile(lambda x: x * next(source), executor="numpy")
    with pytest.warns(CompileWarning, match="it takes from source"):
        found = [step(X)[0] for _ in range(8)]
    assert found == [1, 1, 1, 1, 1, 2, 2, 2]


def test_files_that_a_step_writes():
    file = io.StringIO()

    def function(x):
        print("a", file=file)
        return x * 2

    step = compile(function, executor="numpy")
    with pytest.warns(CompileWarning, match="reads from or writes to file"):
        for _ in range(6):
            step(X)
    assert file.getvalue() == "a\n" * 6


def typed(x):
    if type(FACTOR[0]) is float and type(x) is np.ndarray and isinstance(float, type):
        return x * FACTOR[0]
    return type("None", (), {"x": x}).x


def test_types_of_traced_values():
    step = compile(typed, executor="numpy")
    for k in range(8):
        FACTOR[0] = 2.0 + k
        np.testing.assert_array_equal(step(X), X * (2 + k))
    FACTOR[0] = 3
    np.testing.assert_array_equal(step(X), X)
    assert replays(step) > 3
    assert "type" not in globals()


def test_errors_of_numpy_that_raise():
    def function(x):
        with np.errstate(divide="raise"):
            return 1 / x

    step = compile(function, executor="numpy")
    with pytest.warns(CompileWarning, match="np.errstate"):
        for _ in range(4):
            np.testing.assert_array_equal(step(X), 1 / X)
    with pytest.raises(FloatingPointError):
        step(X * 0)
