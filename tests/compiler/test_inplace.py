"""Results that are computed where the program writes them: what is read stays what it was."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dezero import layers
from dezero.compiler import compile
from dezero.functions import mean_squared_error

EXECUTORS = pytest.mark.parametrize("executor", ["numpy", "c"])
ROWS, COLUMNS = 4, 6
PARTS = (
    np.s_[:],
    np.s_[0],
    np.s_[1:3],
    np.s_[2:],
    np.s_[:, 1],
    np.s_[:, 2:5],
    np.s_[1:3, ::2],
    np.s_[::-1, 1:4],
)
VALUES = (
    lambda x: x * 2 + 1,
    lambda x: np.tanh(x),
    lambda x: x - x.sum(axis=-1, keepdims=True),
    lambda x: np.where(x > 0, x, x * x),
)


def both(function, *arrays, executor):
    """The compiled function's place of results, after it has been compared with the function."""
    step = compile(function, executor=executor)
    for seed in range(5):
        inputs = [a * (1 + seed) for a in arrays]
        for e, f in zip(function(*inputs), step(*inputs), strict=True):
            np.testing.assert_allclose(f, e, rtol=1e-12, atol=1e-12)
        step.wait()
    assert step.refused is None
    return step.all_paths()[0].executor.layout.places


@EXECUTORS
def test_parts_of_an_array_are_computed_in_their_places(executor):
    def run(a, b):
        y = np.empty_like(a, shape=(3, 5, 4))
        y[0] = a + b
        y[1] = a * b
        y[2, :, :2] = np.tanh(a[:, :2])
        y[2, :, 2:] = a[:, 2:] - b[:, 2:]
        return [y + 0.0]

    a, b = np.random.default_rng(0).standard_normal((2, 5, 4))
    assert len(both(run, a, b, executor=executor)) == 4


@EXECUTORS
def test_products_go_into_columns(executor):
    def run(a, b):
        y = np.empty_like(a, shape=(40, 90))
        y[:, :50] = a @ b
        y[:, 50:] = np.tanh(a)
        return [y * 1.0, y[:, :50] @ b.T]

    draw = np.random.default_rng(0).standard_normal
    assert len(both(run, draw((40, 40)), draw((40, 50)), executor=executor)) == 2


@EXECUTORS
def test_what_is_read_before_it_is_written_over_has_its_old_value(executor):
    def run(a):
        y = np.empty_like(a)
        y[:] = a * 2
        before = y[1] + 0.0
        y[1] = a[0] - 1  # known before `before` is needed
        late = before * y[1]
        y[1] = a[1] * 3
        return [y + 0.0, late, before]

    both(run, np.random.default_rng(0).standard_normal((4, 6)), executor=executor)


@EXECUTORS
def test_a_part_that_is_read_after_its_place_was_written_over(executor):
    def run(a):
        y = np.empty_like(a)
        value = a * 2
        y[:] = value
        y[1] = a[0] - 1
        return [y + 0.0, value * 3]

    both(run, np.random.default_rng(0).standard_normal((4, 6)), executor=executor)


@EXECUTORS
def test_an_array_of_which_a_version_is_returned(executor):
    def run(a):
        y = np.empty_like(a)
        y[:] = np.tanh(a)
        first = y.copy()
        y[2] = a[0] * a[1]
        return [first, y]

    both(run, np.random.default_rng(0).standard_normal((4, 6)), executor=executor)


def interpreted(steps):
    """A function that fills two arrays with parts, and reads parts in between."""

    def run(a):
        arrays = [np.empty_like(a), np.empty_like(a)]
        arrays[0][...] = a + 1
        arrays[1][...] = a - 1
        seen, values = [], []
        for which, part, value, source, keep in steps:
            x = arrays[source % 2] if source < 4 else a
            new = VALUES[value](x[PARTS[part]])
            if keep:
                seen.append(arrays[which][PARTS[keep]] * 2)
            arrays[which][PARTS[part]] = new
            values.append(new)
            if source == 5:
                seen.append(values[part % len(values)] + 1)
        return [*[s + 0.5 for s in seen], arrays[0] + arrays[1]]

    return run


@EXECUTORS
def test_random_programs_that_fill_arrays(executor):
    count = st.integers
    steps = st.lists(
        st.tuples(count(0, 1), count(0, 7), count(0, 3), count(0, 5), count(0, 7)), max_size=8
    )

    @settings(max_examples=40, deadline=None, derandomize=True, database=None)
    @given(steps)
    def check(steps):
        a = np.random.default_rng(0).uniform(-1, 1, (ROWS, COLUMNS))
        both(interpreted(steps), a, executor=executor)

    check()


@EXECUTORS
def test_recurrent_layers_copy_no_state(executor):
    """Every state, gate and gradient of a step is computed where the layer keeps it."""
    layer = layers.LSTM(8)
    x = np.random.default_rng(0).standard_normal((5, 3, 4))

    def run(x):
        layer.cleargrads()
        layer.reset_state()
        loss = mean_squared_error(layer.sequence(x), np.zeros((5, 3, 8)))
        loss.backward()
        return loss

    step = compile(run, executor=executor)
    for _ in range(4):
        step(x)
        step.wait()
    path = step.all_paths()[0]
    nodes, layout = path.executor.nodes, path.executor.layout
    written = {nodes[i].ins[1] for i in layout.order if nodes[i].kind == "set"}
    computed = {i for i in written if nodes[i].kind == "ufunc"}
    assert len(computed) > 5 * 4
    assert computed <= layout.places.keys()
