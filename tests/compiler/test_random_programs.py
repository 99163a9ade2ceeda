"""Random programs of elementwise functions, reductions, views, writes and branches."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dezero.functions as F
from dezero import Variable
from dezero.compiler import compile

UNARY = (
    lambda x: F.tanh(x),
    lambda x: F.exp(-x * x),
    lambda x: F.relu(x) - 0.5,
    lambda x: F.sum(x, axis=0, keepdims=True) + x,
    lambda x: F.max(x, axis=1, keepdims=True) * x,
    lambda x: F.transpose(F.matmul(x, F.transpose(x)))[:, :1] + x,
    lambda x: F.reshape(F.transpose(x), x.shape),
    lambda x: F.broadcast_to(F.mean(x), x.shape) + x,
    lambda x: x[::-1] * 2,
    lambda x: F.softmax(x, axis=1),
    lambda x: x * x if x.data.sum() > 0 else -x,
)
BINARY = (
    lambda x, y: x + y,
    lambda x, y: x * y,
    lambda x, y: x - 2 * y,
    lambda x, y: x / (1 + y * y),
    lambda x, y: F.maximum(x, y),
)
STEPS = st.lists(
    st.tuples(
        st.integers(0, len(UNARY) + len(BINARY) - 1), st.integers(0, 100), st.integers(0, 100)
    ),
    min_size=1,
    max_size=8,
)


def interpreted(steps):
    """A function that computes the steps, each on earlier results, and two gradients."""

    def run(a, b):
        values = [Variable(a), Variable(b)]
        given = list(values)
        for op, i, j in steps:
            x, y = values[i % len(values)], values[j % len(values)]
            if op < len(UNARY):
                values.append(UNARY[op](x))
            else:
                values.append(BINARY[op - len(UNARY)](x, y))
        total = F.sum(F.tanh(values[-1]))
        total.backward()
        gradients = [x.grad.data if x.grad is not None else np.zeros(1) for x in given]
        written = values[-1].data.copy()
        written[:, 0] += gradients[0].sum()
        return [total.data, written, *gradients]

    return run


@pytest.mark.parametrize("executor", ["numpy", "c"])
def test_random_programs(executor):
    @settings(max_examples=25, deadline=None, derandomize=True, database=None)
    @given(STEPS, st.integers(1, 5) | st.integers(16, 20), st.integers(1, 4))
    def check(steps, rows, columns):
        run = interpreted(steps)
        step = compile(run, executor=executor)
        for seed in range(6):
            a, b = np.random.default_rng(seed).uniform(-1, 1, (2, rows, columns))
            for e, f in zip(run(a, b), step(a, b), strict=True):
                np.testing.assert_allclose(f, e, rtol=1e-9, atol=1e-9)
        assert step.refused is None

    check()
