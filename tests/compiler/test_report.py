"""The report of a compiled step: what it has become, and what not and why."""

import warnings

import numpy as np
import pytest

import dezero.functions as F
from dezero.compiler import CompileWarning, compile
from dezero.compiler.executors.numpy import Executor


def rows(step):
    """The table of a report, as dicts."""
    lines = step.report().splitlines()
    names = lines[1].split()
    cells = [line.replace(" B", "").split() for line in lines[2 : 2 + len(step.all_paths())]]
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


def test_facts_of_an_executor_are_columns():
    step = called(compile(np.tanh, executor="numpy"), 3)
    step.all_paths()[0].executor.facts = {"GFLOP/s": "12.5"}
    assert rows(step)[0]["GFLOP/s"] == "12.5"


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
