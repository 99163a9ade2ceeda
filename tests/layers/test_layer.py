"""Layer: what belongs to it, what it is called, what it says when something fails."""

import copy
import gc
import pickle
import re
import weakref

import numpy as np
import pytest

import dezero.functions as F
import dezero.layers as L
from dezero import Parameter, Variable
from dezero.errors import DeZeroError, ShapeError, StateError


class Net(L.Layer):
    """Members in every place where they can be."""

    def __init__(self):
        super().__init__()
        self.first = L.Linear(3, in_size=2)
        self.scale = Parameter(np.ones(3), name="scale")
        self.blocks = [L.Linear(3, in_size=3), {"deep": (L.Linear(3, nobias=True, in_size=3),)}]
        self.constant = Variable(np.zeros(3))
        self.label = "net"

    def forward(self, x):
        return self.blocks[1]["deep"][0](self.blocks[0](self.first(x)) * self.scale)


NAMES = ["first/W", "first/b", "scale", "blocks/0/W", "blocks/0/b", "blocks/1/deep/0/W"]


def names(layer):
    return [name for name, _ in layer.named_params()]


def test_members_are_found_in_order_of_assignment():
    net = Net()
    assert names(net) == NAMES
    assert list(net.params()) == [param for _, param in net.named_params()]
    assert all(isinstance(param, Parameter) for param in net.params())


def test_order_does_not_depend_on_anything_but_assignment():
    class Wide(L.Layer):
        def __init__(self):
            for i in range(50):
                setattr(self, f"p{i}", Parameter(np.zeros(i)))

    assert [p.size for p in Wide().params()] == list(range(50))


def test_replaced_and_deleted_members_are_gone():
    net = Net()
    old = net.first
    net.first = L.Linear(3, nobias=True, in_size=2)
    del net.scale
    net.blocks.pop()
    assert names(net) == ["first/W", "blocks/0/W", "blocks/0/b"]
    assert old.W not in list(net.params())
    net.first = None
    net.blocks.append(Parameter(np.ones(1)))
    assert names(net) == ["blocks/0/W", "blocks/0/b", "blocks/1"]


def test_shared_members_are_there_once():
    net = Net()
    net.again = net.first
    net.tied = net.first.W
    net.blocks.append(net.first)
    assert names(net) == NAMES


def test_an_attribute_names_what_a_list_holds_too():
    class Book(L.Layer):
        def __init__(self):
            self.layers = []
            for i in range(2):
                layer = L.Linear(2, in_size=2)
                setattr(self, f"l{i}", layer)
                self.layers.append(layer)

    assert names(Book()) == ["l0/W", "l0/b", "l1/W", "l1/b"]


def test_layers_that_hold_each_other():
    net, child = Net(), L.Linear(1, in_size=3)
    net.child, child.parent = child, net
    assert names(net) == [*NAMES, "child/W", "child/b"]
    assert names(child)[:2] == ["W", "b"]


def test_call_needs_a_forward():
    with pytest.raises(NotImplementedError, match="Layer has no forward"):
        L.Layer()(np.ones(1))


def test_inputs_and_outputs_are_weak_links():
    layer = L.Linear(2, in_size=3)
    x = Variable(np.ones((4, 3), np.float32))
    y = layer(x)
    assert layer.inputs[0]() is x
    assert layer.outputs[0]() is y
    link = weakref.ref(y)
    del y
    gc.collect()
    assert link() is None
    assert layer.outputs[0]() is None


def test_several_inputs_outputs_and_options():
    class Both(L.Layer):
        def forward(self, x, n, scale=1.0):
            return x + n, x * scale

    layer = Both()
    x = Variable(np.ones(2))
    y0, y1 = layer(x, 3, scale=2.0)
    assert len(layer.inputs) == 1  # numbers cannot be linked weakly
    assert [link() for link in layer.outputs] == [y0, y1]
    np.testing.assert_array_equal([y0.data, y1.data], [[4, 4], [2, 2]])


def test_cleargrads():
    net = Net()
    F.sum(net(np.ones((1, 2)))).backward()
    assert all(param.grad is not None for param in net.params())
    net.cleargrads()
    assert all(param.grad is None for param in net.params())


def test_errors_say_which_layer_failed():
    net = Net()
    net.blocks[0] = L.Linear(3, in_size=4)
    with pytest.raises(ShapeError) as caught:
        net(np.ones((5, 2), np.float32))
    text = str(caught.value)
    assert text.startswith("Net.blocks/0 (Linear): linear: x is (5, 3) float32, W is (4, 3)")
    assert "\n" not in text

    class Outer(L.Layer):
        def forward(self, x):
            return self.net(x)

    outer = Outer()
    outer.net = net
    with pytest.raises(ShapeError, match=r"^Outer\.net/blocks/0 \(Linear\): linear: "):
        outer(np.ones((5, 2), np.float32))


def test_errors_of_the_layer_itself_and_of_layers_made_on_the_way():
    with pytest.raises(ShapeError, match=r"^Linear: linear: "):
        L.Linear(3, in_size=4)(np.ones((5, 2)))

    class Passing(L.Layer):
        def forward(self, x):
            return L.Linear(3, in_size=4)(x)

    with pytest.raises(ShapeError, match=r"^Passing: Linear: linear: "):
        Passing()(np.ones((5, 2)))


def test_other_errors_pass_as_they_are():
    class Broken(L.Layer):
        def forward(self, x):
            raise KeyError("mine")

    with pytest.raises(KeyError) as caught:
        Broken()(np.ones(1))
    assert caught.value.args == ("mine",)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_are_independent(copied):
    net = L.Linear(2, in_size=3)
    x = np.ones((4, 3), np.float32)
    y = net(x).data
    twin = copied(net)
    np.testing.assert_array_equal(twin(x).data, y)
    twin.W.data += 1
    np.testing.assert_array_equal(net(x).data, y)
    lazy = copied(L.Linear(2))
    assert lazy(x).shape == (4, 2)


def test_repr_is_a_tree():
    net = Net()
    net.lazy = L.Linear(7)
    net.plain = Parameter(None)
    assert repr(net).splitlines() == [
        "Net, ? parameters: scale (3,), plain ?",
        "  first: Linear, 9 parameters: W (2, 3), b (3,)",
        "  blocks/0: Linear, 12 parameters: W (3, 3), b (3,)",
        "  blocks/1/deep/0: Linear, 9 parameters: W (3, 3)",
        "  lazy: Linear, ? parameters: W (?, 7), b (7,)",
    ]


def test_repr_of_many_layers_shows_the_first_level():
    outer = L.Layer()
    outer.parts = [L.Layer() for _ in range(3)]
    for part in outer.parts:
        part.inner = [L.Linear(1, in_size=1000) for _ in range(20)]
    assert repr(outer).splitlines() == [
        "Layer, 60,060 parameters",
        *[f"  parts/{i}: Layer, 20,020 parameters" for i in range(3)],
    ]


def test_state_dict_round_trip():
    old, new = Net(), Net()
    state = old.state_dict()
    assert list(state) == NAMES
    assert state["scale"] is old.scale.data
    new.load_state_dict(state)
    for a, b in zip(old.params(), new.params(), strict=True):
        np.testing.assert_array_equal(a.data, b.data)
        assert not np.shares_memory(a.data, b.data)


def test_state_needs_arrays_and_distinct_names():
    with pytest.raises(StateError, match=r"^Linear: W has no array yet: call the layer"):
        L.Linear(3).state_dict()
    layer = L.Layer()
    layer.parts = {"a/b": Parameter(np.ones(1)), "a": {"b": Parameter(np.ones(1))}}
    with pytest.raises(StateError, match="two Parameters have the path parts/a/b"):
        layer.state_dict()


BAD_STATES = {
    "missing": (lambda s: s.pop("scale"), "scale is missing"),
    "unexpected": (lambda s: s.update(other=np.ones(1)), "other is not expected"),
    "shape": (
        lambda s: s.update(scale=np.ones((3, 1))),
        r"scale is \(3, 1\) float64, but must be \(3,\) float64",
    ),
    "kind": (
        lambda s: s.update(scale=np.ones(3, int)),
        r"scale is \(3,\) int64, but must be \(3,\) float64",
    ),
    "complex": (lambda s: s.update(scale=np.ones(3, complex)), "complex128, but must be"),
    "objects": (lambda s: s.update(scale=np.array([None] * 3)), "scale is"),
    "text": (lambda s: s.update(scale="abc"), "scale is no array of numbers"),
}


@pytest.mark.parametrize("spoil, message", BAD_STATES.values(), ids=BAD_STATES)
def test_a_state_that_does_not_fit_changes_nothing(spoil, message):
    net = Net()
    before = [param.data for param in net.params()]
    state = {name: array + 1 for name, array in net.state_dict().items()}
    spoil(state)
    with pytest.raises(StateError, match=message) as caught:
        net.load_state_dict(state)
    assert str(caught.value).startswith("Net: the state does not fit, nothing was loaded: ")
    assert all(param.data is data for param, data in zip(net.params(), before, strict=True))


def test_many_problems_are_counted():
    with pytest.raises(StateError) as caught:
        Net().load_state_dict({f"x{i}": np.ones(1) for i in range(3)})
    assert re.search(r"; and 4 more$", str(caught.value))
    assert isinstance(caught.value, DeZeroError)


def test_floats_take_the_dtype_of_the_parameter():
    layer = L.Linear(2, in_size=3)
    layer.load_state_dict({"W": np.full((3, 2), 0.1), "b": np.zeros(2, np.float16)})
    assert layer.W.dtype == layer.b.dtype == np.float32
    np.testing.assert_array_equal(layer.W.data, np.full((3, 2), 0.1, np.float32))


def test_layers_that_were_not_called_load_too():
    old, new = L.Linear(2, in_size=3), L.Linear(2)
    new.load_state_dict(old.state_dict())
    x = np.ones((1, 3), np.float32)
    np.testing.assert_array_equal(new(x).data, old(x).data)
    with pytest.raises(StateError, match=r"W is \(3, 2\) float32, but must be \(\?, 5\) float32"):
        L.Linear(5).load_state_dict({"W": old.W.data, "b": np.zeros(5)})
    plain = L.Layer()
    plain.p = Parameter(None)
    plain.load_state_dict({"p": np.arange(3)})
    np.testing.assert_array_equal(plain.p.data, [0, 1, 2])


def test_moving_without_a_gpu(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "cupy", None)
    net = Net()
    net.lazy = L.Linear(3)
    with pytest.raises(ImportError, match="CuPy"):
        net.to_gpu()
    net.to_cpu()
    assert all(type(p.data) is np.ndarray for p in net.params() if p.data is not None)
