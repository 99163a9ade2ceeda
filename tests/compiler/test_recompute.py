"""What is computed again is the same bits, takes less memory, and only what is cheap is."""

import numpy as np
import pytest

import dezero.functions as F
from dezero import Variable
from dezero.compiler import compile
from dezero.compiler.executors.c.executor import CExecutor
from dezero.compiler.planning import plan, recompute

DRAW = np.random.default_rng(0).standard_normal
X = DRAW((128, 128)).astype(np.float32)  # 64 KiB
WEIGHTS = [DRAW((128, 128)).astype(np.float32) / 8 for _ in range(6)]


def run(function, *args):
    """The executor of a function's path, and the last of its results."""
    step = compile(function)
    for _ in range(5):
        result = step(*args)
        step.wait()
    (path,) = step.all_paths()
    if not isinstance(path.executor, CExecutor):
        pytest.skip("no C compiler")
    return path.executor, [np.array(x) for x in result]


def trained(activation):
    """The gradients of a network, each layer's result waiting for the backward pass."""

    def gradients(x, *weights):
        given = [Variable(w) for w in weights]
        y = Variable(x)
        for w in given:
            y = activation(F.matmul(y, w))
        F.sum(y * y).backward()
        return [w.grad.data for w in given]

    return gradients


def deep(x):
    """More operations than are computed again."""
    for k in range(recompute.MOST):
        x = F.tanh(x) + k * 1e-3 * x
    return x


def computed(executor, op):
    """How many nests compute an operation on large arrays."""
    schedule, nodes = executor.schedule, executor.nodes
    return sum(
        any(nodes[i].op == op and nodes[i].shape == X.shape for i in nest.members)
        for nest in schedule.nests
    )


@pytest.fixture
def done(monkeypatch):
    """What is computed again: all that can be, however small it is and whatever it costs."""
    monkeypatch.setattr(recompute, "LEAST", 1)
    monkeypatch.setattr(recompute, "WORTH", 1e9)
    monkeypatch.setattr(recompute, "MOST", 100)
    found, attempt = [], recompute.Recomputation.attempt

    def noted(self, i, times):
        succeeds = attempt(self, i, times)
        found.extend([i] * succeeds)
        return succeeds

    monkeypatch.setattr(recompute.Recomputation, "attempt", noted)
    return found


def test_the_bits_are_the_same_in_less_memory(monkeypatch):
    step = trained(lambda x: F.relu(x * 0.9 + x * x * 0.01))
    executor, found = run(step, X, *WEIGHTS)
    monkeypatch.setattr(plan, "recompute", lambda fusion, wanted: None)
    keeping, expected = run(step, X, *WEIGHTS)
    for x, y in zip(found, expected, strict=True):
        np.testing.assert_array_equal(x, y)
    # of each layer that waits, the product is left of product and activation
    saved = (len(WEIGHTS) - 2) * X.nbytes
    assert executor.plan.arena <= keeping.plan.arena - saved


def test_exact_results_stay_exact():
    x = np.random.default_rng(1).integers(-2, 3, X.shape).astype(np.float64)
    weights = [np.eye(128)[np.random.default_rng(k).permutation(128)] * 2 for k in range(4)]
    step = trained(lambda x: F.relu(x + 1))
    _, found = run(step, x, *weights)
    for y, expected in zip(found, step(x, *weights), strict=True):
        np.testing.assert_array_equal(y, expected)  # small integers: no sum is rounded


def test_only_what_is_cheap_is_computed_again():
    executor, _ = run(trained(deep), X, WEIGHTS[0])
    members = [executor.nodes[i].op for nest in executor.schedule.nests for i in nest.members]
    assert members.count("tanh") == recompute.MOST


def test_what_is_read_at_once_is_not_kept_for_it():
    def passes(x):  # the squares could be kept between the passes
        y = x - np.mean(x)
        return [y / np.sqrt(np.mean(y * y))]

    executor, (y,) = run(passes, X)
    np.testing.assert_allclose(y, (X - X.mean()) / X.std(), rtol=1e-4, atol=1e-5)
    assert computed(executor, "subtract") == 2
    assert executor.plan.arena < X.nbytes


ACTIVATIONS = {
    "silu": F.silu,
    "tanh": lambda x: F.tanh(x * 0.5) - 0.1,
    "relu": lambda x: F.relu(x * 0.9 + x * x * 0.01),
    "softmax": lambda x: F.softmax(x, axis=1) * 8 - 1,
    "norm": lambda x: F.layer_norm(x, np.linspace(1, 2, 128), np.linspace(0, 1, 128)),
}


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_everything_can_be_computed_again(activation, done):
    step = trained(ACTIVATIONS[activation])
    x, weights = X.astype(np.float64), [w.astype(np.float64) for w in WEIGHTS]
    _, found = run(step, x, *weights)
    assert done
    for y, expected in zip(found, step(x, *weights), strict=True):
        np.testing.assert_allclose(y, expected, rtol=1e-9, atol=1e-9)


def test_views_are_computed_again(done):
    def step(x, w, wide):
        y = x * 2 + 1  # waits until memory is free again
        z = np.tanh(y @ wide) @ wide.T
        return [z @ y.T, y.T.reshape(64, 256) @ wide.reshape(256, 512), y[::-1] @ w]

    x, w = DRAW((2, 128, 128))
    wide = DRAW((128, 1024)) / 32
    _, found = run(step, x, w, wide)
    assert done
    for y, expected in zip(found, step(x, w, wide), strict=True):
        np.testing.assert_allclose(y, expected, rtol=1e-9, atol=1e-9)
