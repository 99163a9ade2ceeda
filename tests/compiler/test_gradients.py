"""A large gradient has one array: nothing that somebody keeps, or may come back to, is lost."""

import numpy as np
import pytest

import dezero.functions as F
import dezero.layers as L
from dezero import Parameter, Variable
from dezero.compiler import compile
from dezero.compiler.executors.c.executor import CExecutor
from dezero.errors import ShapeError
from dezero.optimizers import SGD, Adam

SIZE = 160  # 160 * 160 * 4 bytes are a large gradient
DRAW = np.random.default_rng(0)
X = DRAW.standard_normal((12, 8, SIZE)).astype(np.float32)
T = DRAW.integers(SIZE, size=(12, 8))


class Training:
    """A classifier, its step, and the same again to compare with, eagerly."""

    def __init__(self, rule=Adam, between=lambda self, loss: None):
        weights = np.random.default_rng(1).standard_normal((SIZE, SIZE)).astype(np.float32) / 10
        self.model = L.Linear(SIZE, in_size=SIZE)
        self.model.W.data[...] = weights
        self.optimizer = rule().setup(self.model)
        self.between = between
        self.kept = None

    def step(self, x, t):
        loss = F.softmax_cross_entropy(self.model(x), t)
        self.model.cleargrads()
        loss.backward()
        result = self.between(self, loss)
        self.optimizer.update()
        return loss if result is None else result

    def gradient(self):
        return self.model.W.grad.data


def compiled(training, calls=4):
    """The compiled step after some calls, and its path, which must be in C."""
    step = compile(training.step)
    for k in range(calls):
        step(X[k], T[k])
    (path,) = step.all_paths()
    if not isinstance(path.executor, CExecutor):
        pytest.skip("no C compiler")
    return step, path


def expected(calls, **options):
    """The gradient after so many eager calls."""
    training = Training(**options)
    for k in range(calls):
        training.step(X[k], T[k])
    return training.gradient()


def near(x, y):
    np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-6)


def test_a_gradient_is_written_over_the_one_that_it_replaces():
    training = Training()
    step, path = compiled(training)
    assert len(path.executor.renewed) == 1  # the bias is small
    first = training.gradient().ctypes.data
    for k in range(4, 8):
        step(X[k], T[k])
        assert training.gradient().ctypes.data == first
    near(training.gradient(), expected(8))


def test_an_index_that_has_been_in_range_cannot_fail_again():
    embed, head = L.EmbedID(SIZE, SIZE), L.Linear(SIZE, in_size=SIZE)
    rule = Adam().setup(embed)

    def step(ids, t):
        loss = F.softmax_cross_entropy(head(embed(ids)), t)
        embed.cleargrads()
        head.cleargrads()
        loss.backward()
        rule.update()
        return loss

    run = compile(step)
    for t in T:
        run(t, t)
    (path,) = run.all_paths()
    if isinstance(path.executor, CExecutor):
        assert len(path.executor.renewed) == 2
    before = embed.W.grad.data.copy()
    with pytest.raises(IndexError):
        run(T[0] + SIZE, T[0])
    np.testing.assert_array_equal(embed.W.grad.data, before)


KEPT = {
    "array": lambda p: p.grad.data,
    "Variable": lambda p: p.grad,
    "view": lambda p: p.grad.data[1:, ::2],
    "view of a view": lambda p: p.grad.data[1:][:, 3:],
    "another Variable": lambda p: Variable(p.grad.data),
    "memory": lambda p: memoryview(p.grad.data),
    "attribute": lambda p: setattr(p, "old", p.grad.data) or p.old,
}


@pytest.mark.parametrize("what", KEPT)
def test_what_is_kept_is_never_written_over(what):
    training = Training()
    step, _ = compiled(training)
    kept = KEPT[what](training.model.W)
    before = np.array(getattr(kept, "data", kept))
    for k in range(4, 8):
        step(X[k], T[k])
        np.testing.assert_array_equal(getattr(kept, "data", kept), before)
    near(training.gradient(), expected(8))


def test_a_gradient_as_an_argument_is_read_first():
    W = Parameter(np.eye(SIZE, dtype=np.float32))

    def step(x):
        y = F.sum(F.matmul(x, W) * x)
        W.cleargrad()
        y.backward()
        return y

    compiled, x = compile(step), X[0]
    for _ in range(5):
        compiled(x)
        x = W.grad.data
        before = x.copy()
        compiled(x)
        np.testing.assert_array_equal(x, before)
        near(W.grad.data / before.max(), before.T @ before / before.max())
        x = X[0]


def store_variable(training, loss):
    training.kept = training.model.W.grad


def store_array(training, loss):
    training.kept = training.model.W.grad.data


@pytest.mark.parametrize("store", [store_variable, store_array])
def test_a_gradient_that_the_step_passes_on_stays(store):
    def step(self, x, t):
        store(self, None)  # that of the step before
        return Training.step(self, x, t)

    class Keeping(Training):
        pass

    Keeping.step = step
    trainings = Keeping(), Keeping()
    for training in trainings:
        Training.step(training, X[0], T[0])
    run = compile(trainings[0].step)
    for k in range(8):
        run(X[k], T[k])
        trainings[1].step(X[k], T[k])
        kept = [np.array(getattr(t.kept, "data", t.kept)) for t in trainings]
        near(*kept)
        near(*[t.gradient() for t in trainings])


def test_gradients_that_add_up_are_read_before():
    results = []
    for wrap in (compile, lambda f: f):
        W = Parameter(np.eye(SIZE, dtype=np.float32))

        def step(x, W=W):
            F.sum(F.matmul(x, W) ** 2).backward()
            return W.grad.data.sum()

        run = wrap(step)
        for x in X:
            run(x)
        results.append(W.grad.data)
    np.testing.assert_allclose(*results, rtol=1e-4, atol=1e-2)


def test_a_label_out_of_range_leaves_the_gradient():
    training = Training()
    step, _ = compiled(training)
    before = training.gradient().copy()
    with pytest.raises(ShapeError):
        step(X[4], np.full(8, SIZE))
    np.testing.assert_array_equal(training.gradient(), before)
    step(X[4], T[4])
    near(training.gradient(), expected(5))


def failed(path, step, x, t):
    """Run a path's executor on a call whose guards do not hold."""
    values = path.fetch((x, t), {})
    path.executor.flags[0] = path.executor.flags[1] = 0
    assert path.executor.run(values) >= 0


def test_a_guard_that_fails_leaves_the_gradient():
    def between(training, loss):
        return loss * 2 if loss.data > 50 else loss

    training = Training(between=between)
    step, path = compiled(training)
    assert path.executor.renewed
    before = training.gradient().copy()
    failed(path, step, X[4] * 1000, T[4])
    np.testing.assert_array_equal(training.gradient(), before)
    step(X[4] * 1000, T[4])
    other = Training(between=between)
    for k in range(4):
        other.step(X[k], T[k])
    other.step(X[4] * 1000, T[4])
    near(training.gradient(), other.gradient())


def test_a_guard_on_the_gradient_itself_is_checked_before_it_is_handed_out():
    def between(training, loss):
        norm = np.sum(training.gradient() ** 2)
        return loss * 2 if norm > 1e6 else loss

    training = Training(rule=SGD, between=between)
    step, path = compiled(training)
    assert not path.executor.renewed
    before = training.gradient().copy()
    failed(path, step, X[4] * 1e6, T[4])
    np.testing.assert_array_equal(training.gradient(), before)


def test_an_index_that_is_used_last_may_fail():
    def between(training, loss):
        return training.table[training.last] * loss.data

    training = Training(between=between)
    training.table, training.last = np.ones((SIZE, 2), np.float32), np.array([1, 2, 3])
    step, path = compiled(training)
    assert not path.executor.renewed
    before = training.gradient().copy()
    training.last[1] = SIZE
    with pytest.raises(IndexError):
        step(X[4], T[4])
    np.testing.assert_array_equal(training.gradient(), before)


def test_what_numpy_computes_last_may_fail():
    def between(training, loss):
        return np.sort(training.gradient()[0] * 2)

    training = Training(between=between)
    _, path = compiled(training)
    assert path.executor.outside
    assert not path.executor.renewed


@pytest.mark.parametrize("late", [False, True])
def test_ctrl_c_leaves_a_gradient_of_before_or_after(late):
    training = Training()
    step, path = compiled(training)
    real = path.executor

    class Stopped:
        def __getattr__(self, name):
            return getattr(real, name)

        def run(self, values):
            assert not late or real.run(values) == -1
            raise KeyboardInterrupt

    before = training.gradient().copy()
    path.executor = Stopped()
    with pytest.raises(KeyboardInterrupt):
        step(X[4], T[4])
    path.executor = real
    if late:
        near(training.gradient(), expected(5))
    else:
        np.testing.assert_array_equal(training.gradient(), before)
    step(X[5 if late else 4], T[5 if late else 4])
    near(training.gradient(), expected(6 if late else 5))
