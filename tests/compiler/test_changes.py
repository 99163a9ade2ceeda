"""What a program makes of its objects between two calls, the next call sees."""

from collections import deque

import numpy as np
import pytest

import dezero.functions as F
from dezero import Parameter
from dezero.compiler import compile

EXECUTORS = pytest.mark.parametrize("executor", ["numpy", "c"])
X = np.array([1.0, 2.0])


class Counter:
    def __init__(self, n=0):
        self.n = n
        self.w = np.zeros(2)


def replays(step):
    return sum(path.runs for path in step.all_paths())


def add(a, b):
    a.n += 1
    b.n += 10
    a.w += X
    b.w *= 2
    return a.w * a.n + b.w * b.n


@EXECUTORS
@pytest.mark.parametrize("known", [False, True])
def test_arguments_that_are_one_object(known, executor):
    def counts(step, shared):
        seen = []
        for k in range(16):
            a = Counter()
            b = (shared if known else a) if k % 4 > 1 else Counter()
            a = b if known and k % 4 > 1 else a
            seen.append((*step(a, b), a.n, b.n, shared.n))
        return seen

    shared = Counter(), Counter()

    def reading(k):
        return lambda a, b: add(a, b) + shared[k].n if known else add(a, b)

    step = compile(reading(1), executor=executor)
    np.testing.assert_array_equal(counts(step, shared[1]), counts(reading(0), shared[0]))
    assert replays(step) > 8


@EXECUTORS
def test_objects_of_the_state_that_become_one(executor):
    def run(compiled):
        held = {"a": Counter(), "b": Counter()}
        step = compiled(lambda: add(held["a"], held["b"]))
        for k in range(16):
            if k == 6:
                other, held["b"] = held["b"], held["a"]
            if k == 11:
                held["b"] = other
            yield [step(), held["a"].n, held["b"].n]

    steps = []

    def compiled(function):
        steps.append(compile(function, executor=executor))
        return steps[-1]

    for found, expected in zip(run(compiled), run(lambda f: f), strict=True):
        np.testing.assert_equal(found, expected)
    assert replays(steps[0]) > 6


@EXECUTORS
def test_parameters_that_become_one(executor):
    def run(compiled):
        held = {"a": Parameter(np.ones(2)), "b": Parameter(np.full(2, 3.0))}

        def function(x):
            for p in held.values():
                p.cleargrad()
            F.sum(held["a"] * x + held["b"] * 2).backward()
            for p in held.values():
                p.data -= 0.1 * p.grad.data
            return held["a"].data + held["b"].data

        step = compiled(function)
        for k in range(12):
            if k == 6:
                held["b"] = held["a"]
            yield step(X)

    eager = list(run(lambda f: f))
    for found, expected in zip(run(lambda f: compile(f, executor=executor)), eager, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12)


@EXECUTORS
@pytest.mark.parametrize("kind", [dict, Counter])
def test_what_a_step_takes_away_and_puts_back(kind, executor):
    holder = kind()
    names = holder if kind is dict else vars(holder)
    count = len(names)

    def function(x):
        if "extra" in names:
            del names["extra"]
            return x * 2
        names["extra"] = x
        return x

    step = compile(function, executor=executor)
    for k in range(16):
        np.testing.assert_array_equal(step(X), X * (1 + k % 2))
        assert len(names) == count + 1 - k % 2
    assert replays(step) > 6


def test_lists_that_a_step_fills_and_empties():
    held = []

    def function(x):
        if held:
            return held.pop() * 2
        held.append(x * 3)
        return x

    step = compile(function, executor="numpy")
    for k in range(16):
        np.testing.assert_array_equal(step(X), X * (6 if k % 2 else 1))
        assert len(held) == 1 - k % 2
    assert replays(step) > 6


def test_code_that_is_reloaded_in_place():
    def inner(x):
        return x * 2

    def function(x):
        return inner(x) + 1

    step = compile(function, executor="numpy")
    for _ in range(5):
        np.testing.assert_array_equal(step(X), X * 2 + 1)
    inner.__code__ = (lambda x: x * 3).__code__
    for _ in range(5):
        np.testing.assert_array_equal(step(X), X * 3 + 1)
    function.__code__ = (lambda x: inner(x) + 2 * x).__code__
    for _ in range(5):
        np.testing.assert_array_equal(step(X), X * 5)
    assert replays(step) > 4


@pytest.mark.parametrize("kind", [set, deque])
def test_contents_of_another_type(kind):
    held = kind([1])
    step = compile(lambda x: x * 2 if {type(n) for n in held} == {int} else x, executor="numpy")
    for n in (1, True, 1.0, 1):
        held.clear()
        held.extend([n]) if kind is deque else held.add(n)
        for _ in range(5):
            np.testing.assert_array_equal(step(X), X * 2 if type(n) is int else X)
    assert replays(step) > 8


def test_nothing_that_becomes_something():
    factor = None

    def function(x):
        return x if factor is None else x * factor

    step = compile(function, executor="numpy")
    for _ in range(5):
        np.testing.assert_array_equal(step(X), X)
    factor = np.array(3.0)
    for _ in range(5):
        np.testing.assert_array_equal(step(X), X * 3)
