"""Model, Sequential and MLP."""

import numpy as np
import pytest

import dezero.functions as F
import dezero.layers as L
from dezero import Parameter
from dezero.errors import DTypeError, ShapeError
from dezero.models import MLP, Model, Sequential

X = np.linspace(-1, 1, 15).reshape(5, 3).astype(np.float32)


def names(model):
    return [name for name, _ in model.named_params()]


def test_mlp_value():
    model = MLP((4, 4, 2))
    y = model(X)
    h = X.astype(np.float64)
    for layer in model.layers:
        a = h @ layer.W.data + layer.b.data
        h = 1 / (1 + np.exp(-a))
    np.testing.assert_allclose(y.data, a, rtol=1e-5)
    assert names(model) == [f"l{i}/{p}" for i in range(3) for p in "Wb"]


def test_mlp_activation():
    model = MLP([4, 2], activation=F.relu)
    y = model(X)
    l0, l1 = model.layers
    expected = np.maximum(X @ l0.W.data + l0.b.data, 0) @ l1.W.data + l1.b.data
    np.testing.assert_allclose(y.data, expected, rtol=1e-6)


def test_mlp_weights_are_those_of_the_seed():
    np.random.seed(0)
    model = MLP((10, 1))
    model(X)
    state = np.random.RandomState(0)
    np.testing.assert_allclose(model.l0.W.data, state.randn(3, 10) / np.sqrt(3), rtol=1e-6)
    np.testing.assert_allclose(model.l1.W.data, state.randn(10, 1) / np.sqrt(10), rtol=1e-6)


def test_a_replaced_layer_of_an_mlp_is_used():
    model = MLP((4, 2))
    model.l1 = L.Linear(7)
    assert model(X).shape == (5, 7)


@pytest.mark.parametrize("sizes", [(), 10, None, [[1, 2]]])
def test_mlp_needs_sizes(sizes):
    with pytest.raises(ShapeError, match=r"MLP: fc_output_sizes is .*write MLP\(\(100, 10\)\)"):
        MLP(sizes)


def test_mlp_sizes_are_positive():
    with pytest.raises(ShapeError, match="Linear: out_size is 0"):
        MLP((4, 0))


def test_sequential_value_and_names():
    model = Sequential(L.Linear(4), F.tanh, Sequential(L.Linear(2), F.relu))
    y = model(X)
    l0, _, inner = model.layers
    expected = np.tanh(X @ l0.W.data + l0.b.data) @ inner[0].W.data + inner[0].b.data
    np.testing.assert_allclose(y.data, np.maximum(expected, 0), rtol=1e-5, atol=1e-6)
    assert names(model) == ["l0/W", "l0/b", "l2/l0/W", "l2/l0/b"]


def test_sequential_is_a_sequence():
    parts = [L.Linear(4), F.tanh, L.Linear(2)]
    model = Sequential(*parts)
    assert len(model) == 3
    assert list(model) == model.layers == parts
    assert model[0] is parts[0] and model[-1] is parts[2]
    with pytest.raises(IndexError):
        model[3]


def test_sequential_may_be_changed():
    shared = L.Linear(3)
    model = Sequential(shared, F.relu, shared)
    assert names(model) == ["l0/W", "l0/b"]
    model.layers.append(L.Linear(2, nobias=True))
    model.extra = Parameter(np.ones(1))
    assert names(model) == ["l0/W", "l0/b", "l3/W", "extra"]
    assert model(X).shape == (5, 2)
    del model.layers[1:]
    assert names(model) == ["l0/W", "l0/b", "extra"]


def test_sequential_takes_callables_only():
    with pytest.raises(DTypeError, match=r"Sequential: .* is a list.*write Sequential\(a, b\)"):
        Sequential([L.Linear(1)])


def test_errors_name_the_layer():
    model = MLP((4, 2))
    model(X)
    with pytest.raises(ShapeError, match=r"^MLP\.l0 \(Linear\): linear: x is \(5, 7\) float64"):
        model(np.ones((5, 7)))
    model = Sequential(L.Linear(4), L.Linear(3, in_size=5))
    with pytest.raises(ShapeError, match=r"^Sequential\.l1 \(Linear\): linear: "):
        model(X)


def test_plot_draws_the_graph_with_the_names_of_parameters(tmp_path):
    class Net(Model):
        def __init__(self):
            super().__init__()
            self.hidden = L.Linear(4)

        def forward(self, x):
            return F.relu(self.hidden(x))

    path = tmp_path / "net.dot"
    Net().plot(X, to_file=path)
    text = path.read_text(encoding="utf-8")
    assert text.startswith("digraph")
    assert "W" in text
    assert "relu" in text.lower()
