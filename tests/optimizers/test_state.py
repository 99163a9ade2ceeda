"""What becomes of the state of an optimizer when gradients stop: exactly 0, never denormal."""

from contextlib import nullcontext

import numpy as np
import pytest

import dezero.functions as F
from dezero import Parameter, Variable, optimizers
from dezero.compiler import compile
from dezero.optimizers.state import settle

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
FORGETFUL = {
    "MomentumSGD": lambda: optimizers.MomentumSGD(0.01, 0.6),
    "AdaDelta": lambda: optimizers.AdaDelta(0.6),
    "Adam": lambda: optimizers.Adam(0.01, 0.6, 0.6),
    "AdamW": lambda: optimizers.AdamW(0.01, 0.6, 0.6),
}
RULES = pytest.mark.parametrize("make", FORGETFUL.values(), ids=FORGETFUL)


class Target:
    """One Parameter."""

    def __init__(self, dtype):
        self.p = Parameter(np.ones(40, dtype))

    def params(self):
        return [self.p]


def denormal(x):
    return (x != 0) & (np.abs(x) < np.finfo(x.dtype).tiny)


@DTYPES
@RULES
def test_averages_of_gradients_that_have_become_zero_become_zero(make, dtype):
    target = Target(dtype)
    optimizer = make().setup(target)
    gradient = np.linspace(-1, 1, 40).astype(dtype)
    for update in range(2000):
        if update == 3:
            gradient[:20] = 0
        target.p.grad = Variable(gradient)
        optimizer.update()
    for x in optimizer.states["0"]:
        assert not denormal(x).any()
        assert not x[:20].any()
        assert x[20:].all()


@pytest.mark.parametrize("executor", ["numpy", "c"])
@RULES
def test_a_compiled_step_settles_in_the_same_updates(make, executor, monkeypatch):
    monkeypatch.setattr("dezero.compiler.path.deferring", nullcontext)  # C from the first replay on

    def after(compiled):
        target = Target(np.float32)
        optimizer = make().setup(target)

        def step(x):
            target.p.cleargrad()
            F.sum(target.p * x).backward()
            optimizer.update()

        step = compile(step, executor) if compiled else step
        for update in range(400):
            step(np.linspace(0, 1e-20 if update < 5 else 0, 40, dtype=np.float32))
            yield [x.copy() for x in (target.p.data, *optimizer.states["0"])]

    for ours, eager in zip(after(True), after(False), strict=True):
        for x, y in zip(ours, eager, strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-35)
    assert not any(x.any() for x in ours[1:])


@DTYPES
def test_settling_changes_nothing_that_counts(dtype):
    limits = np.finfo(dtype)
    sizes = np.geomspace(limits.smallest_subnormal, 1, 4001)
    before = np.concatenate([-sizes, [0, np.inf, -np.inf, np.nan], sizes]).astype(dtype)
    after = before.copy()
    settle(after, 15)
    np.testing.assert_array_equal(after, before)
    settle(after, 16)
    assert not denormal(after).any()
    assert not after[np.abs(before) < limits.tiny].any()
    np.testing.assert_allclose(after, before, rtol=limits.eps, atol=1024 * limits.tiny)
