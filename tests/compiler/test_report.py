"""The report of a compiled step: what it has become, and what not and why."""

import re
import warnings

import numpy as np
import pytest

import dezero.functions as F
from dezero import Variable
from dezero.compiler import CompileWarning, compile
from dezero.compiler.executors.numpy import Executor
from dezero.compiler.planning.flops import total_flops

EXECUTORS = pytest.mark.parametrize("executor", ["numpy", "c"])


def rows(step):
    """The table of a report, as dicts."""
    lines = step.report().splitlines()
    names = lines[1].split()
    count = len(step.all_paths())
    cells = [re.sub(" (B|us)(?= )", "", line).split() for line in lines[2 : 2 + count]]
    return [dict(zip(names, line, strict=True)) for line in cells]


def called(step, *sizes):
    for n in sizes:
        for _ in range(4):
            step(np.ones(n))
    return step


def test_one_row_for_each_path():
    step = called(compile(lambda x: np.exp(x) * 2, executor="numpy"), 3, 4)
    found = rows(step)
    assert [row["path"] for row in found] == ["0", "1"]
    assert [row["executor"] for row in found] == ["NumPy", "NumPy"]
    assert [row["runs"] for row in found] == ["2", "1"]
    assert [row["guards"] for row in found] == ["0", "0"]
    assert [row["threads"] for row in found] == ["1", "1"]
    assert {"kernels", "arena", "failed"} <= set(found[0])


def test_guards_of_one_line_are_one_line():
    step = called(compile(lambda x: x if x[0] > 0 and x[1] > 0 else -x, executor="numpy"), 3)
    guards = [line for line in step.report().splitlines() if "guard at" in line]
    assert len(guards) == 1
    assert guards[0].endswith("truth is True (2 times)")


def test_guards_and_numbers():
    class Settings:
        rate = 1.0

    settings = Settings()

    def function(x):
        settings.rate = settings.rate + 1
        return x * settings.rate if F.sum(x).data > 0 else x

    step = called(compile(function, executor="numpy"), 3)
    step(-np.ones(3))
    text = step.report()
    assert "guard at test_report.py:" in text
    assert "truth is True" in text
    assert "numbers that change: " in text
    assert "settings" in text
    assert rows(step)[0]["failed"] == "1"
    assert "seen once, to be confirmed: 1" in text


def counted(function, *args, executor):
    """The operations that a compiled function's first path counts, and its step."""
    step = compile(function, executor=executor)
    for _ in range(4):
        step(*args)
        step.wait()
    (path,) = step.all_paths()
    return total_flops(path.executor.schedule), step


@EXECUTORS
def test_operations_of_a_network(executor):
    x, W, b, V, g = (np.ones(shape) for shape in [(5, 3), (3, 4), 4, (4, 2), (5, 2)])

    def step(x, W, b, V, g):
        W, b, V = Variable(W), Variable(b), Variable(V)
        y = F.matmul(F.exp(F.matmul(x, W) + b), V)
        y.grad = Variable(g)
        y.backward()
        return y, W.grad, b.grad, V.grad

    forward = 2 * 5 * 3 * 4 + 5 * 4 + 5 * 4 + 2 * 5 * 4 * 2  # product, sum, exp, product
    backward = 2 * 5 * 4 * 2 + 2 * 5 * 4 * 2 + 5 * 4  # of V, of exp(..), through exp
    backward += 4 * (5 - 1) + 2 * 5 * 3 * 4  # of b: 4 sums of 5 numbers; of W
    found, compiled = counted(step, x, W, b, V, g, executor=executor)
    assert found == forward + backward == 556
    assert {"time", "GFLOP/s"} <= set(rows(compiled)[0])


@EXECUTORS
def test_operations_of_a_convolution(executor):
    x, W, g = np.ones((2, 3, 5, 5)), np.ones((4, 3, 3, 3)), np.ones((2, 4, 3, 3))

    def step(x, W, g):
        x, W = Variable(x), Variable(W)
        y = F.conv2d(x, W, stride=2, pad=1)
        y.grad = Variable(g)
        y.backward()
        return y, x.grad, W.grad

    each = 2 * (2 * 4 * 3 * 3) * (3 * 3 * 3)  # for 72 places 27 taps; so for both gradients
    assert counted(step, x, W, g, executor=executor)[0] == 3 * each == 11664


def test_operations_of_integers_and_of_what_only_moves():
    found, _ = counted(
        lambda x, n: (x[:, ::2].T, n + n, x > 2), np.ones((2, 4)), np.arange(3), executor="numpy"
    )
    assert found == 2 * 4  # the comparison


def test_operations_a_second():
    count, step = counted(lambda x: np.exp(x) * 2, np.ones(500), executor="numpy")
    assert count == 1000
    (path,) = step.all_paths()
    path.times.clear()
    assert "GFLOP/s" not in rows(step)[0]
    path.times += [2e-6, 1e-6, 50e-6]  # seconds; the median is 2e-6
    assert (rows(step)[0]["time"], rows(step)[0]["GFLOP/s"]) == ("2.0", "0.5")


def test_what_runs_eagerly_and_why():
    step = compile(lambda x: x + np.random.rand(), executor="numpy")
    with pytest.warns(CompileWarning):
        called(step, 2)
    assert "runs eagerly" in step.report()
    assert "draws random numbers" in step.report()


def test_more_ways_than_are_kept():
    step = compile(lambda x: x * 2, executor="numpy")
    with pytest.warns(CompileWarning, match="more than 32 ways"):
        called(step, *range(1, 36))
    for n in range(1, 36):
        np.testing.assert_array_equal(step(np.ones(n)), np.full(n, 2.0))
    assert len(step.all_paths()) == 32
    assert "calls that went other ways, and ran eagerly: 15" in step.report()


def test_an_executor_that_cannot_be_made_is_replaced_by_numpys(monkeypatch):
    class Broken(Executor):
        def __init__(self, *args):
            raise KeyError("a mistake")

    step = compile(lambda x: x * 2)
    step.kind = Broken
    with pytest.warns(CompileWarning, match="KeyError: 'a mistake'"):
        called(step, 2)
    np.testing.assert_array_equal(step(np.full(2, 5.0)), [10.0, 10.0])
    assert rows(step)[0]["executor"] == "NumPy"
    assert "path 0 runs in NumPy: KeyError: 'a mistake'" in step.report()


def test_a_plan_that_cannot_be_made_leaves_the_step_eager(monkeypatch):
    def broken(*args):
        raise KeyError("a mistake")

    monkeypatch.setattr(Executor, "__init__", broken)
    count = []

    def function(x):
        x += 1
        return x * 2

    step = compile(function, executor="numpy")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for k in range(6):
            x = np.full(2, float(k))
            count.append(step(x)[0])
            np.testing.assert_array_equal(x, [k + 1.0, k + 1.0])
    assert count == [2.0 * (k + 1) for k in range(6)]
    assert len(said) == 1
    assert "KeyError: 'a mistake'" in str(said[0].message)
    assert "can't be planned" in step.report()
