"""Ctrl-C at any moment leaves the state of a step before or after it, never one in between."""

import _thread
import threading
import time
from contextlib import suppress

import numpy as np
import pytest

import dezero
import dezero.functions as F
import dezero.layers as L
from dezero import Parameter
from dezero.compiler import compile
from dezero.optimizers import Adam

EXECUTORS = pytest.mark.parametrize("executor", ["numpy", "c"])


class Counter:
    """Counts in a number, an array that is written into, one that is replaced, and random bits."""

    def __init__(self):
        self.number = 0
        self.written = np.zeros(300)
        self.replaced = np.zeros(300)
        self.before = dezero.random.get_state()[1]

    def step(self, x):
        self.number += 1
        self.written += x
        self.replaced = self.replaced + x
        return F.dropout(self.written * 2, 0.5)

    def check(self):
        drawn = dezero.random.get_state()[1] - self.before
        assert self.number * 150 == drawn  # two of 32 bits in each word
        np.testing.assert_array_equal(self.written, np.full(300, self.number))
        np.testing.assert_array_equal(self.replaced, np.full(300, self.number))


class Interrupted:
    """An executor that Ctrl-C stops before or after its work."""

    def __init__(self, executor, late):
        self.executor = executor
        self.late = late

    def __getattr__(self, name):
        return getattr(self.executor, name)

    def run(self, values):
        if self.late:
            assert self.executor.run(values) == -1
        raise KeyboardInterrupt


@EXECUTORS
def test_a_replay_that_is_stopped_has_happened_or_has_not(executor):
    counter = Counter()
    step = compile(counter.step, executor=executor)
    x = np.ones(300)
    for _ in range(5):
        step(x)
    (path,) = step.all_paths()
    real = path.executor
    for late, expected in [(False, 5), (True, 6)]:
        path.executor = Interrupted(real, late)
        with pytest.raises(KeyboardInterrupt):
            step(x)
        path.executor = real
        assert counter.number == expected
        counter.check()
    step(x)
    assert counter.number == 7
    counter.check()


@EXECUTORS
def test_ctrl_c_at_any_moment(executor):
    counter = Counter()
    step = compile(counter.step, executor=executor)
    x = np.ones(300)
    for _ in range(5):  # what is stopped while it is planned would be planned again
        step(x)
    delays = np.random.default_rng(0).uniform(0, 1e-3, 60)
    for delay in delays:
        thread = threading.Thread(target=lambda d=delay: (time.sleep(d), _thread.interrupt_main()))
        with pytest.raises(KeyboardInterrupt):
            thread.start()
            while True:
                step(x)
        thread.join()
        counter.check()


def training():
    np.random.seed(0)
    layer = L.Linear(3, in_size=4)
    rule = Adam().setup(layer)
    x, t = np.ones((2, 4), np.float32), np.array([0, 2])

    def train():
        loss = F.softmax_cross_entropy(layer(x), t)
        layer.cleargrads()
        loss.backward()
        rule.update()
        return loss

    return layer, train


@EXECUTORS
def test_training_goes_on_after_ctrl_c(executor):
    layer, train = training()
    step = compile(train, executor=executor)
    for _ in range(5):
        step()
    (path,) = step.all_paths()
    real, path.executor = path.executor, Interrupted(path.executor, late=True)
    with pytest.raises(KeyboardInterrupt):
        step()
    path.executor = real
    step()
    expected, train = training()
    for _ in range(7):
        train()
    for p, q in zip(layer.params(), expected.params(), strict=True):
        np.testing.assert_allclose(p.data, q.data, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(p.grad.data, q.grad.data, rtol=1e-5, atol=1e-7)


@EXECUTORS
def test_warnings_that_are_errors_leave_nothing_half_done(executor):
    a, b = (Parameter(np.full(3, k, np.float32)) for k in (1.0, 2.0))

    def function(x, y):
        a.data += x
        b.data *= y
        return a.data * 1

    step = compile(function, executor=executor)
    for k in range(5):
        step(np.ones(3, np.float32), np.ones(3, np.float32))
        np.testing.assert_array_equal(a.data, np.full(3, k + 2.0))
    with suppress(RuntimeWarning):  # an overflow
        step(np.ones(3, np.float32), np.full(3, 3e38, np.float32))
    changed = [not np.array_equal(x, y) for x, y in [(a.data, [6.0] * 3), (b.data, [2.0] * 3)]]
    assert changed[0] == changed[1]
