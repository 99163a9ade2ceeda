"""The protocol of a compiled step: the same values and effects as eager, whatever happens."""

import copy
import pickle

import numpy as np
import pytest

import dezero
import dezero.functions as F
import dezero.layers as L
from dezero.compiler import compile
from dezero.errors import DeZeroError
from dezero.optimizers import SGD, Adam, ClipGrad, MomentumSGD, WeightDecay

EXECUTORS = pytest.mark.parametrize("executor", ["numpy", "c"])


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
def test_each_batch_size_has_its_path(executor):
    _model, _, eager = training(SGD())
    _other, _, compiled = training(SGD())
    compiled = compile(compiled, executor=executor)
    data = [b for pair in zip(batches(8, 12), batches(8, 7), strict=True) for b in pair]
    for x, t in data:
        np.testing.assert_allclose(compiled(x, t).data, eager(x, t).data, rtol=1e-5)
    assert len(paths(compiled)) == 2


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


class Scaled:
    def __init__(self, factor):
        self.factor = factor

    @compile
    def apply(self, x):
        self.factor = self.factor + 1.0
        return x * self.factor


@compile
def doubled(x):
    return x * 2


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_copies_of_objects_with_compiled_methods(duplicate):
    one = Scaled(1.0)
    for k in range(5):
        np.testing.assert_array_equal(one.apply(np.ones(2)), np.full(2, k + 2.0))
    two = duplicate(one)
    two.factor = 10.0
    for k in range(5):
        np.testing.assert_array_equal(two.apply(np.ones(2)), np.full(2, k + 11.0))
        np.testing.assert_array_equal(one.apply(np.ones(2)), np.full(2, k + 7.0))
    assert duplicate(doubled)(3.0) == 6.0
    two.apply = doubled
    assert two.apply(4.0) == 8.0


def test_report_and_source():
    _, _, step = training(Adam())
    step = compile(step)
    for x, t in batches(4):
        step(x, t)
    assert "1 path" in step.report()
    assert "optimizers" not in step.report()
    if paths(step)[0].executor.name == "C":
        assert "test_step.py" in step.source()
        assert "gemm_float" in step.source()


@EXECUTORS
def test_a_step_that_fails_leaves_the_gradients_of_the_last(executor):
    model, _, step = training(SGD())
    step = compile(step, executor=executor)
    for x, t in batches(6):
        step(x, t)
        step.wait()
    before = [(p.grad, p.grad.data.copy()) for p in model.params()]
    with pytest.raises(DeZeroError):
        step(x, t + 100)  # no such class
    for p, (grad, numbers) in zip(model.params(), before, strict=True):
        assert p.grad is grad
        np.testing.assert_array_equal(grad.data, numbers)


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


def test_the_way_of_the_last_call_is_tried_first():
    """A way whose guards fail costs a whole run."""
    step = compile(lambda x: x * 2 if x.sum() > 0 else x * 3, executor="numpy")
    up, down = np.ones(3), -np.ones(3)
    for x in (*[up] * 5, *[down] * 5, *[up] * 20):
        np.testing.assert_array_equal(step(x), x * (2 if x is up else 3))
    first, second = step.all_paths()
    assert (first.runs, first.failures) == (22, 2)
    assert second.failures == 1
