"""Graphs and compiled steps: state that a step leaves with a graph, and gradients through it."""

import copy

import numpy as np
import pytest

import dezero
import dezero.functions as F
import dezero.layers as L
from dezero import Variable
from dezero.compiler import CompileError, CompileWarning, compile
from dezero.optimizers import SGD

EXECUTORS = pytest.mark.parametrize("executor", ["numpy", "c"])
GONE = "whose graph is gone"


def replays(step):
    return sum(path.runs for path in step.all_paths())


def drawn(k, *shape):
    return np.random.default_rng(k).standard_normal(shape).astype(np.float32)


class Net(L.Layer):
    """A recurrent layer and a linear one; `unchained` says where the graph is cut."""

    def __init__(self, kind, whole, reset, unchained="never"):
        np.random.seed(0)
        self.cell = kind(4, in_size=3)
        self.head = L.Linear(1, in_size=4)
        self.whole, self.reset, self.unchained = whole, reset, unchained
        self.rule = SGD(lr=0.1).setup(self)

    def forward(self, xs):
        if self.reset:
            self.cell.reset_state()
        if self.whole:
            return self.head(self.cell.sequence(xs)[-1])
        for x in xs:
            h = self.cell(x)
        return self.head(h)

    def step(self, xs, t):
        if self.unchained == "before" and self.cell.h is not None:
            self.cell.h.unchain()
            if hasattr(self.cell, "c"):
                self.cell.c.unchain()
        loss = F.mean_squared_error(self(xs), t)
        self.cleargrads()
        loss.backward()
        if self.unchained == "after":
            loss.unchain_backward()
        self.rule.update()
        return loss


def same_as_eager(executor, *settings, length=3, calls=8):
    """The compiled step of a Net, after calls that gave what eager gives."""
    eager, other = Net(*settings), Net(*settings)
    step = compile(other.step, executor=executor)
    for k in range(calls):
        xs, t = drawn(k, length, 2, 3), drawn(k + 100, 2, 1)
        np.testing.assert_allclose(step(xs, t).data, eager.step(xs, t).data, rtol=2e-5)
        np.testing.assert_allclose(other.cell.h.data, eager.cell.h.data, rtol=1e-4, atol=1e-6)
    for p, q in zip(eager.params(), other.params(), strict=True):
        np.testing.assert_allclose(q.data, p.data, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(q.grad.data, p.grad.data, rtol=1e-4, atol=1e-6)
    return step, other


@EXECUTORS
@pytest.mark.parametrize("kind", [L.RNN, L.LSTM])
def test_sequences_that_leave_their_state_with_a_graph(kind, executor):
    step, net = same_as_eager(executor, kind, True, True)
    assert replays(step) == 5
    assert net.cell.h.shape == (2, 4)
    assert repr(net.cell.h).startswith("variable([[")
    with pytest.raises(CompileError, match=f"cell.h was computed .*{GONE}"):
        F.sum(net.cell.h).backward()


@EXECUTORS
@pytest.mark.parametrize("kind", [L.RNN, L.LSTM, L.GRU])
def test_thirty_steps(kind, executor):
    step, _ = same_as_eager(executor, kind, False, True, length=30, calls=5)
    assert replays(step) == 2


@EXECUTORS
@pytest.mark.parametrize("kind", [L.RNN, L.LSTM, L.GRU])
@pytest.mark.parametrize("cut", ["before", "after"])
def test_truncated_backpropagation(cut, kind, executor):
    step, net = same_as_eager(executor, kind, False, False, cut, calls=10)
    assert step.refused is None
    assert replays(step) > 4
    assert (net.cell.h.creator is None) == (cut == "after")


def test_backpropagation_into_an_earlier_step_is_eagers():
    eager, net = (Net(L.RNN, False, False) for _ in range(2))

    def step_of(net):
        def step(xs):
            net.cleargrads()
            F.sum(net(xs)).backward()
            return net.cell.x2h.W.grad.data * 1

        return step

    step = compile(step_of(net), executor="numpy")
    with pytest.warns(CompileWarning, match="cell.h belongs to the graph of an earlier step"):
        for k in range(5):
            xs = drawn(k, 3, 2, 3)
            np.testing.assert_array_equal(step(xs), step_of(eager)(xs))
    assert step.refused is not None
    assert net.cell.h.creator.op == "tanh"


@EXECUTORS
def test_a_returned_loss_has_no_way_back(executor):
    w = Variable(np.array([1.0, 2.0]))

    def loss(x):
        return F.sum(w * x)

    step = compile(loss, executor=executor)
    for k in range(5):
        y = step(np.full(2, float(k)))
        assert y.data == 3.0 * k
    with pytest.raises(CompileError, match=GONE):
        y.backward()
    with pytest.raises(CompileError, match=GONE):
        (y * w[0]).backward()
    assert copy.deepcopy(y).creator is None
    y.unchain()
    (y * w[0]).backward()
    np.testing.assert_array_equal(w.grad.data, [12.0, 0.0])


@EXECUTORS
def test_without_recording_results_are_leaves(executor):
    layer = L.RNN(4, in_size=3)
    step = compile(lambda x: layer(x), executor=executor)
    with dezero.no_grad():
        for k in range(6):
            y = step(drawn(k, 2, 3))
            assert y.creator is None
            assert layer.h.creator is None
    assert replays(step) >= 2


@EXECUTORS
def test_state_with_a_graph_may_be_read_where_no_gradient_goes(executor):
    def made():
        holder = L.Layer()
        holder.h = Variable(np.ones(2))
        return holder, lambda x: setattr(holder, "h", holder.h * x) or holder.h.data * 2

    (one, eager), (two, function) = made(), made()
    step = compile(function, executor=executor)
    for k in range(7):
        x = np.array([k + 1.0, 0.5])
        np.testing.assert_array_equal(step(x), eager(x))
        np.testing.assert_array_equal(two.h.data, one.h.data)
    assert replays(step) == 4
    with pytest.raises(CompileError, match=GONE):
        F.sum(two.h).backward()


@EXECUTORS
def test_state_that_is_not_read_may_have_any_shape(executor):
    _, net = same_as_eager(executor, L.LSTM, False, True, calls=1)
    eager = copy.deepcopy(net)
    step = compile(net.step, executor=executor)
    for k in range(24):
        n = 2 + (k * k) % 3  # 2 and 3, each after the other and after itself
        xs, t = drawn(k, 3, n, 3), drawn(k + 100, n, 1)
        np.testing.assert_allclose(step(xs, t).data, eager.step(xs, t).data, rtol=1e-4)
    assert len(step.all_paths()) == 2
    assert replays(step) == 24 - 5


@EXECUTORS
@pytest.mark.parametrize(
    "look",
    [
        lambda h: h.shape[0],
        lambda h: len(h),
        lambda h: h.data.size,
        lambda h: np.shape(h.data)[0],
        lambda h: h.data.nbytes,
        lambda h: h.dtype.itemsize * h.shape[0],
    ],
)
def test_a_shape_that_the_step_looks_at_counts(look, executor):
    holder = L.Layer()
    holder.h = Variable(np.ones(1))

    def function(x):
        n = look(holder.h)
        holder.h = Variable(x * 1)
        return x * n

    step = compile(function, executor=executor)
    seen = look(holder.h)
    for k in range(16):
        x = np.ones(1 + k // 2 % 2)
        np.testing.assert_array_equal(step(x), x * seen)
        seen = look(holder.h)


def test_a_changed_creator_is_followed():
    x = Variable(np.array([2.0]))

    def function(cut):
        if cut:
            x.unchain()
        else:
            x.set_creator((x * 1.0).creator)
        return x.data * 2

    step = compile(function, executor="numpy")
    for k in range(20):
        np.testing.assert_array_equal(step(k % 2 == 0), [4.0])
        assert (x.creator is None) == (k % 2 == 0)
    assert step.refused is None
