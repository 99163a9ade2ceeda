"""The protocol of a compiled step: the same values and effects as eager, whatever happens."""

import os
import stat
import warnings

import numpy as np
import pytest

import dezero
import dezero.functions as F
import dezero.layers as L
from dezero import Function, Parameter, Variable
from dezero.compiler import CompileWarning, compile
from dezero.compiler.toolchain import NoCompiler, cache_directory, compiler
from dezero.optimizers import SGD, Adam, ClipGrad, MomentumSGD, WeightDecay

EXECUTORS = pytest.mark.parametrize("executor", ["numpy", "c"])


def has_compiler():
    try:
        return bool(compiler())
    except NoCompiler:
        return False


NEEDS_C = pytest.mark.skipif(not has_compiler(), reason="there is no C compiler")


class MLP(L.Layer):
    def __init__(self, ratio=0.0):
        self.l0 = L.Linear(16, in_size=8)
        self.l1 = L.Linear(5, in_size=16)
        self.ratio = ratio

    def forward(self, x):
        h = F.relu(self.l0(x))
        if self.ratio:
            h = F.dropout(h, self.ratio)
        return self.l1(h)


def training(optimizer, ratio=0.0):
    np.random.seed(0)
    dezero.random.seed(0)
    model = MLP(ratio)
    rule = optimizer.setup(model)

    def step(x, t):
        loss = F.softmax_cross_entropy(model(x), t)
        model.cleargrads()
        loss.backward()
        rule.update()
        return loss

    return model, rule, step


def batches(count, size=12):
    rng = np.random.default_rng(1)
    return [
        (rng.standard_normal((size, 8)).astype(np.float32), rng.integers(0, 5, size))
        for _ in range(count)
    ]


def paths(step):
    return step.all_paths()


def replays(step):
    return sum(path.runs for path in paths(step))


@EXECUTORS
@pytest.mark.parametrize("make", [SGD, MomentumSGD, Adam])
def test_training_equals_eager(make, executor):
    model, rule, eager = training(make())
    other, other_rule, compiled = training(make())
    compiled = compile(compiled, executor=executor)
    for x, t in batches(20):
        a, b = eager(x, t), compiled(x, t)
        np.testing.assert_allclose(b.data, a.data, rtol=2e-6)
    assert replays(compiled) == 17
    assert rule.updates == other_rule.updates == 20
    for p, q in zip(model.params(), other.params(), strict=True):
        np.testing.assert_allclose(q.data, p.data, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(q.grad.data, p.grad.data, rtol=1e-4, atol=1e-6)


def test_numpy_executor_gives_the_same_bits():
    model, _, eager = training(Adam())
    other, _, compiled = training(Adam())
    compiled = compile(compiled, executor="numpy")
    for x, t in batches(10):
        assert eager(x, t).data == compiled(x, t).data
    for p, q in zip(model.params(), other.params(), strict=True):
        np.testing.assert_array_equal(p.data, q.data)


@EXECUTORS
def test_dropout_draws_what_eager_draws(executor):
    step = compile(lambda x: F.dropout(x, 0.4), executor=executor)
    x = np.ones((4, 5), np.float32)
    dezero.random.seed(3)
    expected = [F.dropout(x, 0.4).data for _ in range(6)]
    dezero.random.seed(3)
    for y in expected:
        np.testing.assert_array_equal(step(x).data, y)
    assert replays(step) == 3


@EXECUTORS
def test_parameters_stay_where_they_are(executor):
    model, _, step = training(SGD())
    arrays = [p.data for p in model.params()]
    step = compile(step, executor=executor)
    for x, t in batches(6):
        step(x, t)
    assert all(p.data is array for p, array in zip(model.params(), arrays, strict=True))


@EXECUTORS
def test_results_are_not_overwritten_by_the_next_call(executor):
    step = compile(lambda x: (x * 2, Variable(x + 1)), executor=executor)
    results = [step(np.full(3, float(k))) for k in range(6)]
    for k, (double, more) in enumerate(results):
        np.testing.assert_array_equal(double, np.full(3, 2.0 * k))
        np.testing.assert_array_equal(more.data, np.full(3, k + 1.0))


@EXECUTORS
def test_each_batch_size_has_its_path(executor):
    _model, _, eager = training(SGD())
    _other, _, compiled = training(SGD())
    compiled = compile(compiled, executor=executor)
    data = [b for pair in zip(batches(8, 12), batches(8, 7), strict=True) for b in pair]
    for x, t in data:
        np.testing.assert_allclose(compiled(x, t).data, eager(x, t).data, rtol=1e-5)
    assert len(paths(compiled)) == 2


@EXECUTORS
def test_a_branch_on_a_value_takes_the_right_way(executor):
    def function(x):
        y = F.sum(x)
        return y * 2 if y.data > 0 else y - 1

    step = compile(function, executor=executor)
    for k in range(20):
        x = np.full(3, (-1.0) ** (k // 2) * k)
        assert step(x).data == function(x).data
    assert len(paths(step)) == 2
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
def test_a_schedule_needs_no_new_path(executor):
    _model, rule, eager = training(SGD(lr=0.5))
    _other, other_rule, compiled = training(SGD(lr=0.5))
    compiled = compile(compiled, executor=executor)
    for k, (x, t) in enumerate(batches(15)):
        rule.lr = other_rule.lr = 0.5 / (k + 1)
        np.testing.assert_allclose(compiled(x, t).data, eager(x, t).data, rtol=1e-5)
    assert len(paths(compiled)) == 1


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


@EXECUTORS
def test_batch_norm_keeps_its_averages(executor):
    layers = [L.BatchNorm(), L.BatchNorm()]
    steps = [layers[0], compile(layers[1], executor=executor)]
    rng = np.random.default_rng(0)
    with dezero.no_grad():
        for _ in range(8):
            x = rng.standard_normal((6, 3)).astype(np.float32)
            a, b = (step(x) for step in steps)
            np.testing.assert_allclose(b.data, a.data, rtol=1e-4, atol=1e-5)
        with dezero.test_mode():
            for _ in range(5):
                a, b = (step(x) for step in steps)
                np.testing.assert_allclose(b.data, a.data, rtol=1e-4, atol=1e-5)
    assert replays(steps[1]) == 5 + 3


@EXECUTORS
def test_recurrent_state_across_calls(executor):
    def made():
        np.random.seed(0)
        rnn = L.RNN(4, in_size=3)
        head = L.Linear(1, in_size=4)
        rule = SGD(lr=0.1).setup(rnn)

        def step(x, t):
            loss = F.mean_squared_error(head(rnn(x)), t)
            rnn.cleargrads()
            head.cleargrads()
            loss.backward()
            loss.unchain_backward()
            rule.update()
            return loss

        return step

    eager, compiled = made(), compile(made(), executor=executor)
    rng = np.random.default_rng(0)
    for _ in range(10):
        x = rng.standard_normal((2, 3)).astype(np.float32)
        t = rng.standard_normal((2, 1)).astype(np.float32)
        np.testing.assert_allclose(compiled(x, t).data, eager(x, t).data, rtol=1e-5)
    assert replays(compiled) > 4


@EXECUTORS
def test_a_failing_step_changes_nothing(executor):
    model, rule, step = training(Adam())
    step = compile(step, executor=executor)
    for k, (x, t) in enumerate(batches(8)):
        before = [p.data.copy() for p in model.params()]
        updates, state = rule.updates, dezero.random.get_state()
        with pytest.raises(dezero.errors.ShapeError, match="labels must be 0 to 4"):
            step(x, t + 100)
        assert rule.updates == updates == k
        assert dezero.random.get_state() == state
        for p, old in zip(model.params(), before, strict=True):
            np.testing.assert_array_equal(p.data, old)
        step(x, t)
    assert replays(step) > 0


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
    with pytest.warns(CompileWarning, match="changes from call to call"):
        ys = [step(np.zeros(2)) for _ in range(6)]
    assert len({y.tobytes() for y in ys}) == 6


def test_a_graph_that_outlives_the_step_is_refused():
    rnn = L.RNN(4, in_size=3)
    step = compile(lambda x: rnn(x), executor="numpy")
    with pytest.warns(CompileWarning, match="unchain_backward"):
        for _ in range(4):
            step(np.ones((1, 3), np.float32))


def test_without_a_compiler_numpy_does_it(monkeypatch):
    monkeypatch.setenv("CC", "there-is-no-such-compiler")
    step = compile(lambda x: x * 2 + 1)
    for k in range(5):
        np.testing.assert_array_equal(step(np.full(2, k)), 2 * np.full(2, k) + 1)
    assert replays(step) == 2
    assert "no C compiler" in step.report()


def test_a_broken_compiler_leaves_numpy(monkeypatch, tmp_path):
    broken = tmp_path / "cc"
    broken.write_text("#!/bin/sh\necho out of order >&2\nexit 1\n")
    broken.chmod(0o700)
    monkeypatch.setenv("CC", str(broken))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    step = compile(lambda x: x * 3 + 1)
    for k in range(5):
        np.testing.assert_array_equal(step(np.full(2, k)), 3 * np.full(2, k) + 1)
    assert "out of order" in step.report()


@NEEDS_C
def test_a_damaged_cache_is_made_anew(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for _ in range(2):
        step = compile(lambda x: np.exp(x) * 5)
        for k in range(5):
            y = step(np.full(2, float(k)))
            np.testing.assert_allclose(y, np.exp(np.full(2, float(k))) * 5, rtol=1e-15 * 4)
        files = list(cache_directory().glob("*.so"))
        assert len(files) == 1
        assert paths(step)[0].executor.name == "C"
        damaged = tmp_path / "damaged"  # a new file: the old one is loaded
        damaged.write_bytes(b"not a library")
        os.replace(damaged, files[0])
    assert stat.S_IMODE(cache_directory().stat().st_mode) == 0o700


@NEEDS_C
def test_a_cache_that_cannot_be_written(monkeypatch, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    step = compile(lambda x: x * 7 + 2)
    for k in range(5):
        np.testing.assert_array_equal(step(np.full(2, k)), 7 * np.full(2, k) + 2)
    assert paths(step)[0].executor.name == "C"


def test_a_cache_that_others_can_write_is_not_used(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    shared = tmp_path / "dezero" / "compiled"
    shared.mkdir(parents=True)
    shared.chmod(0o777)
    assert cache_directory() != shared


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


@EXECUTORS
def test_eval_mode_has_its_own_path(executor):
    step = compile(lambda x: F.dropout(x, 0.5), executor=executor)
    x = np.ones(100)
    for _ in range(5):
        assert (step(x).data == 0).any()
        with dezero.test_mode():
            np.testing.assert_array_equal(step(x).data, x)


def test_a_method_and_nested_steps():
    class Scale:
        factor = 2.0

        @compile
        def apply(self, x):
            return x * self.factor

    one, two = Scale(), Scale()
    two.factor = 3.0
    outer = compile(lambda x: one.apply(x) + two.apply(x))
    for k in range(6):
        np.testing.assert_array_equal(outer(np.full(2, float(k))), np.full(2, 5.0 * k))


@NEEDS_C
def test_report_and_source():
    _, _, step = training(Adam())
    step = compile(step)
    for x, t in batches(4):
        step(x, t)
    assert "1 path" in step.report()
    assert "optimizers" not in step.report()
    assert "test_step.py" in step.source()
    assert "gemm_float" in step.source()


def test_no_warning_where_eager_gives_none():
    step = compile(lambda x: F.relu(x))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(6):
            step(np.array([-1.0, 1.0]))


@EXECUTORS
def test_gradients_that_the_program_keeps_are_not_overwritten(executor):
    model, _, step = training(SGD())
    other, _, eager = training(SGD())
    step = compile(step, executor=executor)
    kept, arrays, expected = [], [], []
    for x, t in batches(12):
        step(x, t)
        eager(x, t)
        kept.append(model.l0.W.grad)
        arrays.append(model.l1.W.grad.data)
        expected.append((other.l0.W.grad.data.copy(), other.l1.W.grad.data.copy()))
    for variable, array, (a, b) in zip(kept, arrays, expected, strict=True):
        np.testing.assert_allclose(variable.data, a, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(array, b, rtol=1e-4, atol=1e-6)


@EXECUTORS
def test_gradient_arrays_are_used_again_where_nothing_holds_them(executor):
    model, _, step = training(SGD())
    step = compile(step, executor=executor)
    data = batches(9)
    for x, t in data[:6]:
        step(x, t)
    place = model.l0.W.grad.data.ctypes.data
    variable = id(model.l0.W.grad)
    for x, t in data[6:]:
        step(x, t)
        assert model.l0.W.grad.data.ctypes.data == place
        assert id(model.l0.W.grad) == variable


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
@pytest.mark.parametrize("kind", [L.LSTM, L.GRU])
def test_unrolled_recurrent_layers(kind, executor):
    def made():
        np.random.seed(0)
        layer = kind(4, in_size=3)
        rule = Adam().setup(layer)

        def step(xs):
            layer.reset_state()
            for x in xs:
                h = layer(x)
            loss = F.mean(h * h)
            layer.cleargrads()
            loss.backward()
            rule.update()
            layer.reset_state()
            return loss

        return step

    eager, step = made(), compile(made(), executor=executor)
    for k in range(6):
        xs = np.random.default_rng(k).standard_normal((3, 2, 3)).astype(np.float32)
        np.testing.assert_allclose(step(xs).data, eager(xs).data, rtol=1e-4)
    assert replays(step) == 3


@EXECUTORS
def test_hooks_and_accumulated_gradients(executor):
    def made():
        model, rule, _ = training(SGD(lr=0.1))
        rule.add_hook(ClipGrad(0.5))
        rule.add_hook(WeightDecay(0.01))

        def step(x, t):
            model.cleargrads()
            for k in range(2):
                loss = F.softmax_cross_entropy(model(x[k::2]), t[k::2])
                loss.backward()
            rule.update()
            return loss

        return model, step

    (model, eager), (other, step) = made(), made()
    step = compile(step, executor=executor)
    for x, t in batches(7):
        np.testing.assert_allclose(step(x, t).data, eager(x, t).data, rtol=1e-5)
    for p, q in zip(model.params(), other.params(), strict=True):
        np.testing.assert_allclose(q.data, p.data, rtol=1e-4, atol=1e-6)
    assert replays(step) == 4
