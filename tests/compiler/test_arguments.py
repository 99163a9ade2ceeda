"""Arguments of every kind, that change from call to call: a compiled step does what eager does."""

import math

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided

from dezero.compiler import CompileWarning, compile

EXECUTORS = pytest.mark.parametrize("executor", ["numpy", "c"])


def table(k):
    return np.arange(6.0).reshape(2, 3) + k


def dense_or_not(k):
    return [table(k), np.asfortranarray(table(k)), np.arange(12.0).reshape(2, 6)[:, ::2]][k // 4]


def write(a, b):
    a += b
    return b * 1


def write_reshaped(x):
    x.reshape(-1)[0] = 9.0
    return x * 1


def write_raveled(x):
    x.ravel()[0] = 9.0
    return x * 1


def write_behind_a_reshaped_view(x):
    flat = x.reshape(6)
    x[0, 0] = 9.0
    return flat * 1


def write_computed(x):
    y = x * 2
    y.reshape(-1)[1] = 7.0
    return y


def apart_then_overlapping(k):
    x = np.arange(9.0) + k
    return (x[:4], x[2:6]) if k > 5 else (x[:4], x[4:8])


def apart_then_one_buffer(k):
    buffer = bytearray(np.arange(2.0) + k)
    return tuple(np.frombuffer(buffer if k > 5 else bytearray(buffer)) for _ in range(2))


def apart_then_strided(k):
    x = table(k)
    return x, as_strided(x, (2, 3), (24, 8)) if k > 5 else x.copy()


def ordered(k):
    pairs = [("a", np.ones(2) * k), ("b", np.ones(2))]
    return (dict(pairs if k < 6 else pairs[::-1]),)


CASES = {
    "the order of memory": (lambda x: x if x.flags.c_contiguous else x * 2, dense_or_not),
    "strides": (lambda x: x * x.strides[0], dense_or_not),
    "a write into a reshaped array": (write_reshaped, dense_or_not),
    "a write into a raveled array": (write_raveled, dense_or_not),
    "a write behind a reshaped view": (write_behind_a_reshaped_view, dense_or_not),
    "a write into a reshaped result": (write_computed, dense_or_not),
    "reshape in Fortran's order": (lambda x: x.reshape(3, 2, order="F") * 1, dense_or_not),
    "flatten in Fortran's order": (lambda x: x.flatten("F") * 1, dense_or_not),
    "the sign of a zero": (np.copysign, lambda k: (np.ones(2), -0.0 if k % 2 else 0.0)),
    "the sign of a zero that is seen": (
        lambda x: x + math.copysign(1, float(x[0])),
        lambda k: np.array([-0.0 if k % 2 else 0.0, 1.0]),
    ),
    "the order of a dict": (lambda d: sum([i * x for i, x in enumerate(d.values())]), ordered),
    "bytes in another order": (lambda x: x * 2, lambda k: np.full(2, k, ">f8" if k > 5 else "<f8")),
}


REFUSED = {
    "views that begin to overlap": (write, apart_then_overlapping),
    "buffers that become one": (write, apart_then_one_buffer),
    "another array's memory": (write, apart_then_strided),
    "memory's own order": (lambda x: x.ravel(order="K") * 1, dense_or_not),
}


def compare(function, arguments, executor):
    """The step, after calls that gave what eager gives and changed what eager changes."""
    step = compile(function, executor=executor)
    for k in range(12):
        given, expected = (arguments(k) for _ in range(2))
        given, expected = ((x if isinstance(x, tuple) else (x,)) for x in (given, expected))
        np.testing.assert_array_equal(step(*given), function(*expected))
        for a, b in zip(given, expected, strict=True):
            if isinstance(a, np.ndarray):
                np.testing.assert_array_equal(a, b)
    return step


@EXECUTORS
@pytest.mark.parametrize("case", CASES)
def test_arguments_that_change(case, executor):
    step = compare(*CASES[case], executor)
    assert step.refused is None
    assert sum(path.runs for path in step.all_paths()) > 2


@EXECUTORS
@pytest.mark.parametrize("case", REFUSED)
def test_arguments_that_are_refused(case, executor):
    with pytest.warns(CompileWarning, match="shares memory|in memory"):
        compare(*REFUSED[case], executor)
