"""What a trace holds, guards and refuses."""

import warnings

import numpy as np
import pytest

import dezero.functions as F
from dezero import Function, Parameter, Variable
from dezero.compiler import CompileWarning, compile

EXECUTORS = pytest.mark.parametrize("executor", ["numpy", "c"])


def replays(step):
    return sum(path.runs for path in step.all_paths())


@EXECUTORS
def test_a_branch_on_a_value_takes_the_right_way(executor):
    def function(x):
        y = F.sum(x)
        return y * 2 if y.data > 0 else y - 1

    step = compile(function, executor=executor)
    for k in range(20):
        x = np.full(3, (-1.0) ** (k // 2) * k)
        assert step(x).data == function(x).data
    assert len(step.all_paths()) == 2
    assert replays(step) > 10


@EXECUTORS
def test_a_loop_that_depends_on_values(executor):
    def halved(x):
        count = 0
        while (x * x).sum() > 1:
            x = x / 2
            count += 1
        return x, count

    step = compile(halved, executor=executor)
    for k in range(24):
        x = np.full(2, float(2 ** (k % 3)))
        y, count = step(x)
        expected, steps = halved(x)
        np.testing.assert_array_equal(y, expected)
        assert count == steps


@EXECUTORS
def test_a_functions_of_ones_own(executor):
    class Cube(Function):
        def forward(self, x):
            return np.where(x > 0, x, 0) ** 3

        def backward(self, gy):
            return 3 * self.input**2 * gy * (self.input.data > 0)

    def slope(x):
        v = Variable(x)
        F.sum(Cube()(v)).backward()
        return v.grad.data

    step = compile(slope, executor=executor)
    for k in range(6):
        x = np.linspace(-1, 1 + k, 5)
        np.testing.assert_allclose(step(x), 3 * x**2 * (x > 0), rtol=1e-12)
    assert replays(step) == 3


def test_an_index_out_of_range_is_eagers_error():
    table = np.arange(12.0).reshape(4, 3)
    step = compile(lambda x, i: x[i] * 2)
    for _ in range(4):
        step(table, np.array([3, -4]))
    with pytest.raises(IndexError):
        step(table, np.array([0, 4]))


def test_numbers_read_from_values_run_eagerly_and_say_so():
    step = compile(lambda x: float((x * x).sum()), executor="numpy")
    with pytest.warns(CompileWarning, match="return arrays, not numbers"):
        for k in range(40):
            assert step(np.full(2, float(k))) == 2.0 * k * k
    assert "runs eagerly" in step.report()


def test_numpys_own_random_numbers_are_not_baked_in():
    step = compile(lambda x: x + np.random.rand(2), executor="numpy")
    with pytest.warns(CompileWarning, match="draws random numbers"):
        ys = [step(np.zeros(2)) for _ in range(6)]
    assert len({y.tobytes() for y in ys}) == 6


@EXECUTORS
def test_writes_and_views(executor):
    def function(x):
        y = x.copy()
        row = y[1]
        row += 10
        y[:, 0] *= 2
        y.T[2] = row[:2].sum()
        x[0, 0] = -1
        return y, row, y.reshape(-1)[::2]

    step = compile(function, executor=executor)
    for k in range(6):
        a, b = (np.arange(6.0).reshape(2, 3) + k for _ in range(2))
        for e, f in zip(function(a), step(b), strict=True):
            np.testing.assert_array_equal(e, f)
        np.testing.assert_array_equal(a, b)
    assert replays(step) == 3


@EXECUTORS
def test_a_replaced_parameter_is_found(executor):
    class Holder:
        def __init__(self):
            self.w = Parameter(np.ones(3))

    holder = Holder()
    step = compile(lambda x: (holder.w * x).data, executor=executor)
    for k in range(8):
        holder.w.data = np.full(3, float(k))
        np.testing.assert_array_equal(step(np.full(3, 2.0)), np.full(3, 2.0 * k))
    holder.w = Parameter(np.full(3, 5.0))
    for _ in range(5):
        np.testing.assert_array_equal(step(np.full(3, 2.0)), np.full(3, 10.0))


def test_a_list_that_grows_runs_eagerly():
    losses = []

    def step(x):
        losses.append(x.sum())

    step = compile(step, executor="numpy")
    with pytest.warns(CompileWarning, match="a list that grows"):
        for k in range(40):
            step(np.full(2, float(k)))
    assert losses == [2.0 * k for k in range(40)]


def test_sums_of_many_float32_numbers_stay_exact():
    x = np.random.default_rng(0).uniform(0, 1, (20000, 7)).astype(np.float32)
    step = compile(lambda x: (np.sum(x * 1, axis=1), np.sum(x * 1), np.max(x * 1)))
    for _ in range(4):
        rows, total, top = step(x)
    wide = x.astype(np.float64)
    np.testing.assert_allclose(rows, wide.sum(axis=1), rtol=1e-6)
    np.testing.assert_allclose(total, wide.sum(), rtol=1e-7)
    assert top == x.max()


@pytest.mark.parametrize("place", range(3))
def test_not_a_number_wins(place):
    step = compile(lambda x: (np.max(x * 1), np.min(x * 1, axis=0), np.maximum(x, 0)))
    x = np.arange(12.0).reshape(3, 4)
    for _ in range(4):
        step(x)
    x[place, 1] = np.nan
    for found, expected in zip(
        step(x), (np.max(x), np.min(x, axis=0), np.maximum(x, 0)), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


@EXECUTORS
def test_newtons_method_differentiates_twice(executor):
    def made():
        x = Variable(np.array([0.5, 2.0]))

        def step():
            y = 100 * (x[1] - x[0] ** 2) ** 2 + (x[0] - 1) ** 2
            x.cleargrad()
            y.backward(create_graph=True)
            gx = x.grad
            rows = []
            for i in range(2):
                x.cleargrad()
                gx[i].backward()
                rows.append(x.grad.data)
            x.cleargrad()
            (a, b), (_, d) = rows
            inverse = np.stack([np.stack([d, -b]), np.stack([-b, a])]) / (a * d - b * b)
            x.data = x.data - inverse @ gx.data
            return x.data

        return step

    eager, step = made(), compile(made(), executor=executor)
    for _ in range(7):
        expected, found = eager(), step()
        np.testing.assert_allclose(found, expected, rtol=1e-9)
    np.testing.assert_allclose(found, [1.0, 1.0], rtol=1e-9)
    assert replays(step) == 4


@EXECUTORS
def test_results_are_not_overwritten_by_the_next_call(executor):
    step = compile(lambda x: (x * 2, Variable(x + 1)), executor=executor)
    results = [step(np.full(3, float(k))) for k in range(6)]
    for k, (double, more) in enumerate(results):
        np.testing.assert_array_equal(double, np.full(3, 2.0 * k))
        np.testing.assert_array_equal(more.data, np.full(3, k + 1.0))


def test_no_warning_where_eager_gives_none():
    step = compile(lambda x: F.relu(x))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(6):
            step(np.array([-1.0, 1.0]))


@EXECUTORS
def test_one_array_given_twice(executor):
    def function(a, b):
        a += 1
        return a + b

    step = compile(function, executor=executor)
    for _ in range(5):
        np.testing.assert_array_equal(step(np.ones(2), np.ones(2)), [3.0, 3.0])
    for _ in range(5):
        both = np.ones(2)
        np.testing.assert_array_equal(step(both, both), [4.0, 4.0])


def test_a_slice_up_to_an_argument():
    step = compile(lambda x, n: x[:n].sum(), executor="numpy")
    for k in range(18):
        assert step(np.ones(9), k % 3 + 1) == k % 3 + 1
    assert step.refused is None
