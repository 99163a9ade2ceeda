"""RNN, LSTM, GRU against their formulas in NumPy, step by step, and PyTorch where it is there."""

import numpy as np
import pytest

import dezero.functions as F
import dezero.layers as L
from dezero import Variable
from dezero.errors import DTypeError, ShapeError

N, I, H, T = 4, 3, 5, 6
LAYERS = [L.RNN, L.LSTM, L.GRU]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def weights_of(layer):
    """{name: array} in float64, which the layer then computes in too."""
    for param in layer.params():
        param.data = np.random.default_rng(param.size).normal(size=param.shape)
    return {name.replace("/", "."): p.data for name, p in layer.named_params()}


def rnn(w, xs):
    h = np.zeros((N, H))
    for x in xs:
        h = np.tanh(x @ w["x2h.W"] + w["x2h.b"] + h @ w["h2h.W"])
        yield h


def lstm(w, xs):
    h, c = np.zeros((2, N, H))
    for x in xs:
        f, i, o, u = (x @ w[f"x2{k}.W"] + w[f"x2{k}.b"] + h @ w[f"h2{k}.W"] for k in "fiou")
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(u)
        h = sigmoid(o) * np.tanh(c)
        yield h


def gru(w, xs):
    h = np.zeros((N, H))
    for x in xs:
        r, z = (sigmoid(x @ w[f"x2{k}.W"] + w[f"x2{k}.b"] + h @ w[f"h2{k}.W"]) for k in "rz")
        n = np.tanh(x @ w["x2n.W"] + w["x2n.b"] + r * (h @ w["h2n.W"] + w["h2n.b"]))
        h = (1 - z) * n + z * h
        yield h


@pytest.mark.parametrize("kind, reference", [(L.RNN, rnn), (L.LSTM, lstm), (L.GRU, gru)])
def test_steps(kind, reference):
    layer = kind(H, in_size=I)
    weights = weights_of(layer)
    xs = np.random.default_rng(1).normal(size=(T, N, I))
    for _ in range(2):  # the second time after reset_state
        for x, expected in zip(xs, reference(weights, xs), strict=True):
            y = layer(x)
            np.testing.assert_allclose(y.data, expected, rtol=1e-12, atol=1e-14)
            assert y is layer.h
        layer.reset_state()
        assert layer.h is None


@pytest.mark.parametrize("kind", LAYERS)
def test_gradients_through_time(kind):
    layer = kind(H, in_size=I)
    weights_of(layer)
    xs = np.random.default_rng(1).normal(size=(T, N, I))

    def total():
        layer.reset_state()
        return sum(F.sum(layer(x)) for x in xs)

    layer.cleargrads()
    total().backward()
    for param in layer.params():
        change = np.random.default_rng(2).normal(size=param.shape)
        old, values = param.data, []
        for step in (1e-5, -1e-5):
            param.data = old + step * change
            values.append(float(total()))
        param.data = old
        slope = (values[0] - values[1]) / 2e-5
        assert np.sum(param.grad.data * change) == pytest.approx(slope, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("kind", LAYERS)
def test_truncated_backpropagation(kind):
    """Cut into two halves, the gradient is that of the second with the first's state fixed."""
    layer = kind(H, in_size=I)
    weights_of(layer)
    xs = np.random.default_rng(1).normal(size=(T, N, I))
    for x in xs[:3]:
        layer(x)
    state = {name: getattr(layer, name).data for name in ("h", "c") if hasattr(layer, name)}
    layer.h.unchain_backward()
    layer.cleargrads()
    F.sum(layer(xs[3])).backward()
    cut = [param.grad.data for param in layer.params()]

    for name, data in state.items():
        setattr(layer, name, Variable(data))
    layer.cleargrads()
    F.sum(layer(xs[3])).backward()
    for a, param in zip(cut, layer.params(), strict=True):
        np.testing.assert_allclose(a, param.grad.data, rtol=1e-12)


@pytest.mark.parametrize("kind", LAYERS)
def test_float32_stays_float32(kind):
    layer = kind(H)
    for x in np.ones((3, N, I), np.float32):
        y = layer(x)
    F.sum(y).backward()
    assert y.dtype == np.float32
    assert {p.dtype for p in layer.params()} == {p.grad.dtype for p in layer.params()}
    assert {p.dtype for p in layer.params()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("kind", LAYERS)
def test_arrays_that_are_not_numpys(kind, gpu):
    layer = kind(H, in_size=I)
    xs = np.random.default_rng(1).normal(size=(2, N, I)).astype(np.float32)
    plain = [layer(x).data for x in xs]
    layer.reset_state()
    layer.to_gpu()
    for x, expected in zip(xs, plain, strict=True):
        y = layer(gpu.asarray(x))
        assert type(y.data) is gpu.ndarray
        np.testing.assert_allclose(y.data.get(), expected, rtol=1e-5)
    F.sum(y).backward()
    assert all(type(param.grad.data) is gpu.ndarray for param in layer.params())


def drawn(seed, *shapes):
    """Weights as the book draws them, one after the other."""
    state = np.random.RandomState(seed)
    return [state.randn(*shape) / np.sqrt(shape[0]) for shape in shapes]


def test_rnn_weights_are_drawn_when_they_are_needed():
    np.random.seed(0)
    layer = L.RNN(H)
    layer(np.ones((N, I), np.float32))
    between = np.random.randn()
    layer(np.ones((N, I), np.float32))
    state = np.random.RandomState(0)
    np.testing.assert_allclose(layer.x2h.W.data, state.randn(I, H) / np.sqrt(I), rtol=1e-6)
    assert between == state.randn()
    np.testing.assert_allclose(layer.h2h.W.data, state.randn(H, H) / np.sqrt(H), rtol=1e-6)


def test_rnn_weights_with_a_known_size():
    np.random.seed(0)
    layer = L.RNN(H, in_size=I)
    x2h, h2h = drawn(0, (I, H), (H, H))
    np.testing.assert_allclose(layer.x2h.W.data, x2h, rtol=1e-6)
    np.testing.assert_allclose(layer.h2h.W.data, h2h, rtol=1e-6)


def test_lstm_weights_are_drawn_in_the_order_of_the_book():
    np.random.seed(0)
    layer = L.LSTM(H)
    layer(np.ones((N, I), np.float32))
    expected = drawn(0, *[(H, H)] * 4, *[(I, H)] * 4)
    got = [getattr(layer, f"{side}2{k}") for side in "hx" for k in "fiou"]
    for linear, W in zip(got, expected, strict=True):
        np.testing.assert_allclose(linear.W.data, W, rtol=1e-6)


def test_names():
    assert [name for name, _ in L.RNN(H).named_params()] == ["x2h/W", "x2h/b", "h2h/W"]
    assert [name for name, _ in L.LSTM(H).named_params()] == [
        *[f"x2{k}/{p}" for k in "fiou" for p in "Wb"],
        *[f"h2{k}/W" for k in "fiou"],
    ]
    assert [name for name, _ in L.GRU(H).named_params()] == [
        *[f"x2{k}/{p}" for k in "rzn" for p in "Wb"],
        *["h2r/W", "h2z/W", "h2n/W", "h2n/b"],
    ]


@pytest.mark.parametrize("kind", LAYERS)
def test_another_batch_size_needs_a_reset(kind):
    layer = kind(H)
    layer(np.ones((N, I), np.float32))
    with pytest.raises(ShapeError, match=kind.__name__):
        layer(np.ones((N + 1, I), np.float32))
    layer.reset_state()
    assert layer(np.ones((N + 1, I), np.float32)).shape == (N + 1, H)


@pytest.mark.parametrize("kind", LAYERS)
def test_bad_sizes(kind):
    with pytest.raises(ShapeError, match=f"{kind.__name__}: hidden_size is 0"):
        kind(0)
    with pytest.raises(DTypeError, match=f"{kind.__name__}: hidden_size is None"):
        kind(None)


def test_gru_is_that_of_pytorch():
    torch = pytest.importorskip("torch")
    layer = L.GRU(H, in_size=I)
    w = weights_of(layer)
    cell = torch.nn.GRUCell(I, H, dtype=torch.float64)
    zeros = np.zeros(H)
    with torch.no_grad():
        for name, array in {
            "weight_ih": np.hstack([w["x2r.W"], w["x2z.W"], w["x2n.W"]]).T,
            "weight_hh": np.hstack([w["h2r.W"], w["h2z.W"], w["h2n.W"]]).T,
            "bias_ih": np.hstack([w["x2r.b"], w["x2z.b"], w["x2n.b"]]),
            "bias_hh": np.hstack([zeros, zeros, w["h2n.b"]]),
        }.items():
            getattr(cell, name).copy_(torch.from_numpy(np.ascontiguousarray(array)))
        h = None
        for x in np.random.default_rng(1).normal(size=(T, N, I)):
            h = cell(torch.from_numpy(x), h)
            np.testing.assert_allclose(layer(x).data, h.numpy(), rtol=1e-10)
