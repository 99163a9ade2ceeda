"""What all optimizers have in common: target, hooks, state, the pieces of large arrays."""

import copy
import gc
import pickle

import numpy as np
import pytest

import dezero.functions as F
import dezero.layers as L
import dezero.optimizers as O
from dezero import Parameter, Variable
from dezero.errors import DTypeError, GradientError, GraphError, SetupError, ShapeError, StateError
from dezero.models import MLP
from dezero.optimizers.blocks import BLOCK, blocks

KINDS = [O.SGD, O.MomentumSGD, O.AdaGrad, O.AdaDelta, O.Adam, O.AdamW]


class Two(L.Layer):
    """Two Parameters with gradients of ones."""

    def __init__(self, *shapes):
        for i, shape in enumerate(shapes or [(3,), (2, 2)]):
            setattr(self, f"p{i}", Parameter(np.zeros(shape)))
        self.ones()

    def ones(self):
        for param in self.params():
            param.grad = Variable(np.ones(param.shape))


def data(target):
    return [param.data.copy() for param in target.params()]


def trained(steps, model=None, optimizer=None, kind=O.Adam):
    """A small network after some steps on fixed data, and its optimizer."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(16, 5)).astype(np.float32)
    t = generator.integers(0, 3, 16)
    if model is None:
        np.random.seed(0)
        model = MLP((8, 3))
        model(x)
        optimizer = kind().setup(model)
    for _ in range(steps):
        loss = F.softmax_cross_entropy(model(x), t)
        model.cleargrads()
        loss.backward()
        optimizer.update()
    return model, optimizer


def test_setup_returns_the_optimizer():
    optimizer = O.SGD()
    assert optimizer.setup(Two()) is optimizer
    with pytest.raises(DTypeError, match=r"SGD.setup: target is a list, but must have a method"):
        optimizer.setup([Parameter(np.ones(1))])


def test_update_needs_a_target():
    with pytest.raises(SetupError, match=r"Adam: it has no Parameters yet: call setup"):
        O.Adam().update()
    with pytest.raises(SetupError, match=r"MomentumSGD: W \(1,\) float64 is no Parameter"):
        W = Parameter(np.ones(1), name="W")
        W.grad = Variable(np.ones(1))
        O.MomentumSGD().setup(Two()).update_one(W)


def test_only_parameters_with_a_gradient_change():
    target = Two()
    target.p1.grad = None
    seen = []
    optimizer = O.SGD(0.5).setup(target)
    optimizer.add_hook(lambda params: seen.append(params))
    optimizer.update()
    np.testing.assert_array_equal(target.p0.data, [-0.5] * 3)
    np.testing.assert_array_equal(target.p1.data, np.zeros((2, 2)))
    assert seen == [[target.p0]]


def test_each_parameter_changes_once():
    class Careless:
        """Gives a Parameter twice."""

        def __init__(self):
            self.p = Parameter(np.zeros(2))
            self.p.grad = Variable(np.ones(2))

        def params(self):
            return [self.p, self.p]

    target = Careless()
    optimizer = O.SGD(0.5).setup(target)
    optimizer.add_hook(O.WeightDecay(1.0))
    optimizer.update()
    np.testing.assert_array_equal(target.p.data, [-0.5, -0.5])


def test_hooks_run_in_order_and_see_what_the_last_one_left():
    target = Two((1,), (1,))
    seen = []

    def drop_second(params):
        params[1].grad = None

    optimizer = O.SGD(1.0).setup(target)
    for hook in (drop_second, lambda params: seen.extend(params), O.WeightDecay(0.1)):
        optimizer.add_hook(hook)
    optimizer.update()
    assert seen == [target.p0]
    np.testing.assert_array_equal([target.p0.data, target.p1.data], [[-1], [0]])


def test_a_subclass_with_update_one_only():
    class Book(O.Optimizer):
        def __init__(self, lr=0.5):
            super().__init__()
            self.lr = lr
            self.t = 0

        def update(self):
            self.t += 1
            super().update()

        def update_one(self, param):
            param.data -= self.lr * param.grad.data

    target = Two()
    optimizer = Book().setup(target)
    optimizer.update()
    np.testing.assert_array_equal(target.p0.data, [-0.5] * 3)
    assert optimizer.t == 1
    with pytest.raises(NotImplementedError, match="Optimizer has no step"):
        O.Optimizer().setup(target).update()


def test_gradient_must_fit():
    target = Two()
    target.p1.grad = Variable(np.ones(2))
    with pytest.raises(
        GradientError, match=r"SGD: the gradient of p1 is \(2,\) float64, but the parameter is "
    ):
        O.SGD().setup(target).update()


@pytest.mark.parametrize("kind", KINDS)
def test_shapes_layouts_and_zero_size(kind):
    """0-d, empty, transposed and large Parameters all take the same steps as small ones."""
    target = Two((), (0, 3), (4, 3), (300, 250))
    target.p2.data = np.zeros((3, 4)).T
    optimizer = kind().setup(target)
    for _ in range(3):
        target.ones()
        optimizer.update()
    expected = float(target.p0.data)
    assert expected != 0
    for param in target.params():
        assert type(param.data) is np.ndarray
        np.testing.assert_allclose(param.data, np.full(param.shape, expected), rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_arrays_that_are_not_numpys(kind, gpu):
    shapes = [(3,), (300, 200)]
    target, plain = Two(*shapes), Two(*shapes)
    for param in target.params():
        param.data = gpu.asarray(param.data)
    for t in (target, plain):
        optimizer = kind().setup(t)
        for hook in (O.WeightDecay(0.1), O.ClipGrad(0.5)):
            optimizer.add_hook(hook)
        for _ in range(2):
            for param in t.params():
                ones = np.ones(param.shape)
                param.grad = Variable(gpu.asarray(ones) if t is target else ones)
            optimizer.update()
    for a, b in zip(target.params(), plain.params(), strict=True):
        assert type(a.data) is gpu.ndarray
        np.testing.assert_allclose(a.data.get(), b.data, rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_updates_happen_in_place_and_are_seen(kind):
    """The array stays; a backward pass that still needs the old one is refused."""
    W = Parameter(np.ones((2, 2)))
    target = Two((1,))
    target.W = W
    array = W.data
    y = F.sum(F.matmul(W, W))
    W.grad = Variable(np.ones((2, 2)))
    kind().setup(target).update()
    assert W.data is array
    with pytest.raises(GraphError, match="was changed"):
        y.backward()


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_left_as_they_are(kind):
    target = Two()
    kind().setup(target).update()
    for param in target.params():
        np.testing.assert_array_equal(param.grad.data, np.ones(param.shape))


@pytest.mark.parametrize("size", [1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_blocks_cover_everything_once(size):
    x = np.zeros(size)
    for (piece,) in blocks([x]):
        assert piece.size <= BLOCK
        piece += 1
    np.testing.assert_array_equal(x, np.ones(size))


def test_state_is_by_path_not_by_identity():
    """A new Parameter at the place, and perhaps the address, of an old one is not the old one's."""
    target = Two((2,), (3,))
    optimizer = O.MomentumSGD(lr=1.0, momentum=0.5).setup(target)
    optimizer.update()
    target.ones()
    optimizer.update()
    assert {path: array.tolist() for path, (array,) in optimizer.states.items()} == {
        "p0": [-1.5] * 2,
        "p1": [-1.5] * 3,
    }


def test_another_target_starts_from_nothing():
    first, second = Two(), Two()
    optimizer = O.Adam().setup(first)
    optimizer.update()
    assert optimizer.setup(first).updates == 1
    assert optimizer.setup(second).updates == 0
    optimizer.update()
    for a, b in zip(data(first), data(second), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("kind", KINDS)
def test_resuming_equals_never_stopping(kind):
    whole, _ = trained(20, kind=kind)
    model, optimizer = trained(10, kind=kind)
    state = {name: array.copy() for name, array in optimizer.state_dict().items()}
    weights = {name: array.copy() for name, array in model.state_dict().items()}
    trained(3, model, optimizer)  # what was saved must not move along
    fresh = MLP((8, 3))
    fresh.load_state_dict(weights)
    again = kind().setup(fresh)
    for name in ("lr", "alpha", "rho"):
        if name in vars(again):
            setattr(again, name, 0.5)  # what was saved counts
    again.load_state_dict(state)
    trained(10, fresh, again)
    for a, b in zip(data(whole), data(fresh), strict=True):
        np.testing.assert_array_equal(a, b)


def test_state_dict_holds_numbers_and_arrays():
    _, optimizer = trained(2)
    state = optimizer.state_dict()
    assert list(state)[:5] == ["updates", "alpha", "beta1", "beta2", "eps"]
    assert list(state)[5:] == [f"l{i}/{p}/{s}" for i in (0, 1) for p in "Wb" for s in "mv"]
    assert all(type(x) is np.ndarray and x.dtype.kind in "if" for x in state.values())
    assert state["updates"] == 2 and state["beta2"] == 0.999
    assert not np.shares_memory(state["l0/W/m"], optimizer.states["l0/W"][0])


def test_loaded_numbers_are_python_numbers():
    model, optimizer = trained(2)
    again = O.Adam().setup(model)
    again.load_state_dict(optimizer.state_dict())
    assert type(again.updates) is int and type(again.alpha) is float
    assert vars(again).keys() == vars(optimizer).keys()


BAD_STATES = {
    "missing": (lambda s: s.pop("alpha"), "alpha is missing"),
    "unknown": (lambda s: s.update(lr=np.array(1.0)), "lr is not expected"),
    "method": (lambda s: s.update(update=np.array(1.0)), "update is not expected"),
    "array": (lambda s: s.update(alpha=np.ones(2)), r"alpha is \(2,\) float64, but must be one"),
    "half": (lambda s: s.pop("l0/W/m"), "l0/W has v, but must have m, v"),
    "path": (lambda s: s.update({"l7/W/m": np.ones(1)}), "l7/W is no Parameter of the target"),
    "shape": (
        lambda s: s.update({"l0/W/m": np.ones((5, 1), np.float32)}),
        r"l0/W/m is \(5, 1\) float32, but must fit W \(5, 8\) float32",
    ),
    "kind": (lambda s: s.update({"l0/b/v": np.ones(8, int)}), r"l0/b/v is \(8,\) int64, but must"),
}


@pytest.mark.parametrize("spoil, message", BAD_STATES.values(), ids=BAD_STATES)
def test_a_state_that_does_not_fit_changes_nothing(spoil, message):
    _, optimizer = trained(3)
    state = optimizer.state_dict()
    spoil(state)
    again = trained(2)[1]
    before = again.state_dict()
    with pytest.raises(StateError, match=message) as caught:
        again.load_state_dict(state)
    assert str(caught.value).startswith("Adam: the state does not fit, nothing was loaded: ")
    after = again.state_dict()
    assert before.keys() == after.keys()
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_loading_needs_a_target():
    with pytest.raises(SetupError, match="call setup"):
        O.SGD().load_state_dict(O.SGD().state_dict())


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_go_on_alone(copied):
    model, optimizer = trained(3)
    twin, twin_optimizer = copied((model, optimizer))
    assert twin_optimizer.target is twin
    trained(4, model, optimizer)
    trained(4, twin, twin_optimizer)
    for a, b in zip(data(model), data(twin), strict=True):
        np.testing.assert_array_equal(a, b)


def test_training_leaves_no_cycles():
    model, optimizer = trained(2)
    gc.collect()
    gc.disable()
    try:
        trained(5, model, optimizer)
        assert gc.collect() == 0
    finally:
        gc.enable()


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: O.SGD(-0.1), "SGD: lr is -0.1, but must be 0 or more"),
        (lambda: O.SGD(float("nan")), "SGD: lr is nan"),
        (lambda: O.MomentumSGD(momentum=1.0), r"MomentumSGD: momentum is 1.0, but must be in"),
        (lambda: O.AdaGrad(eps=-1), "AdaGrad: eps is -1"),
        (lambda: O.AdaDelta(rho=1.5), "AdaDelta: rho is 1.5"),
        (lambda: O.Adam(beta1=-0.1), "Adam: beta1 is -0.1"),
        (lambda: O.Adam(beta2=1), "Adam: beta2 is 1"),
        (lambda: O.AdamW(weight_decay=float("inf")), "AdamW: weight_decay is inf"),
        (lambda: O.WeightDecay(-1), "WeightDecay: rate is -1"),
        (lambda: O.ClipGrad(-1), "ClipGrad: max_norm is -1"),
    ],
)
def test_bad_settings(make, message):
    with pytest.raises(ShapeError, match=message):
        make()


def test_adam_lr_is_the_corrected_step():
    optimizer = O.Adam(alpha=0.1, beta1=0.9, beta2=0.99).setup(Two())
    first = 0.1 * np.sqrt(1 - 0.99) / (1 - 0.9)
    assert optimizer.lr == pytest.approx(first, rel=1e-12)  # the one that will come
    for t in (1, 2, 3):
        optimizer.update()
        assert optimizer.lr == pytest.approx(0.1 * np.sqrt(1 - 0.99**t) / (1 - 0.9**t), rel=1e-12)


def test_learning_rates_may_be_set_at_any_time():
    target = Two((1,))
    optimizer = O.SGD(1.0).setup(target)
    for lr in (1.0, 0.25):
        optimizer.lr = lr
        optimizer.update()
    assert target.p0.data.tolist() == [-1.25]
