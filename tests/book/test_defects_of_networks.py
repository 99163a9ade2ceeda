"""What the original DeZero got wrong about networks, data and state: each test fails on it."""

import http.server
import threading

import numpy as np
import pytest

import dezero
import dezero.functions as F
import dezero.layers as L
from dezero import Config, DataLoader, SeqDataLoader, no_grad, optimizers
from dezero.errors import DataError, DownloadError, StateError


def test_freeze_param_freezes():
    model = dezero.models.MLP((4, 2))
    x = np.ones((3, 5), np.float32)
    model(x)
    before = [p.data.copy() for p in model.params()]
    optimizer = optimizers.SGD(0.1).setup(model)
    optimizer.add_hook(optimizers.FreezeParam(model.l0))
    F.sum(model(x)).backward()
    optimizer.update()
    changed = [
        not np.array_equal(p.data, old) for p, old in zip(model.params(), before, strict=True)
    ]
    assert changed == [False, False, True, True]


def test_rnn_hidden_sizes():
    rnn = L.RNN(4)
    rnn(np.ones((2, 3), np.float32))
    rnn(np.ones((2, 3), np.float32))
    assert (rnn.x2h.W.shape, rnn.h2h.W.shape) == ((3, 4), (4, 4))
    L.RNN(4, in_size=3)(np.ones((2, 3), np.float32))


def test_sequence_streams_do_not_overlap():
    class Count(dezero.Dataset):
        def prepare(self):
            self.data, self.label = np.arange(12), np.arange(12)

    loader = SeqDataLoader(Count(), batch_size=3)
    seen = np.concatenate([x for x, _ in loader])
    assert sorted(seen) == list(range(12))


def test_loader_after_break():
    loader = DataLoader(dezero.datasets.Spiral(), 30, shuffle=False)
    for x, _ in loader:
        first = x
        break
    again = [x for x, _ in loader]
    assert len(again) == 10
    np.testing.assert_array_equal(again[0], first)


def test_layers_are_ordered_unique_and_contain():
    class Net(L.Layer):
        def __init__(self):
            self.shared = L.Linear(2, in_size=2)
            self.again = self.shared
            self.many = [L.Linear(2, in_size=2), {"x": L.Linear(2, in_size=2)}]

    names = [name for name, _ in Net().named_params()]
    assert names == ["shared/W", "shared/b", "many/0/W", "many/0/b", "many/1/x/W", "many/1/x/b"]


def test_a_shared_layer_is_updated_once():
    class Net(L.Layer):
        def __init__(self):
            self.a = L.Linear(1, nobias=True, in_size=1)
            self.b = self.a

        def forward(self, x):
            return F.sum(self.a(x))

    model = Net()
    before = model.a.W.data.copy()
    optimizer = optimizers.SGD(0.5).setup(model)
    model(np.ones((1, 1), np.float32)).backward()
    optimizer.update()
    np.testing.assert_allclose(model.a.W.data, before - 0.5, rtol=1e-6)


def test_loading_checks_names_and_shapes(tmp_path):
    small, large = dezero.models.MLP((4, 2)), dezero.models.MLP((5, 2))
    x = np.ones((1, 3), np.float32)
    small(x), large(x)
    path = str(tmp_path / "weights.npz")
    small.save_weights(path)
    before = [p.data.copy() for p in large.params()]
    with pytest.raises(StateError, match=r"l0/W.*\(3, 4\)"):
        large.load_weights(path)
    for p, old in zip(large.params(), before, strict=True):
        np.testing.assert_array_equal(p.data, old)


def test_config_is_local_to_a_thread():
    seen = []
    with no_grad():
        thread = threading.Thread(target=lambda: seen.append(Config.enable_backprop))
        thread.start()
        thread.join()
    assert seen == [True]


def test_optimizer_state_is_saved_and_resumed():
    def train(steps, weights=None, state=None):
        np.random.seed(0)
        model = dezero.models.MLP((4, 2))
        x = np.random.randn(8, 3).astype(np.float32)
        model(x)
        optimizer = optimizers.Adam().setup(model)
        if weights is not None:
            for p, data in zip(model.params(), weights, strict=True):
                p.data = data.copy()
            optimizer.load_state_dict(state)
        for _ in range(steps):
            model.cleargrads()
            F.sum(model(x) ** 2).backward()
            optimizer.update()
        return [p.data.copy() for p in model.params()], optimizer.state_dict()

    whole, _ = train(10)
    resumed, _ = train(5, *train(5))
    for a, b in zip(whole, resumed, strict=True):
        np.testing.assert_array_equal(a, b)


def test_downloads_are_verified(tmp_path, monkeypatch):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"something else")

        def log_message(self, *args):
            pass

    monkeypatch.setattr("dezero.datasets.download.cache_dir", str(tmp_path))
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/weights.npz"
        try:
            with pytest.raises(DownloadError, match="weights"):
                dezero.utils.get_file(url, sha256="0" * 64)
        finally:
            server.shutdown()
            thread.join()
    assert not (tmp_path / "weights.npz").exists()


def test_nothing_that_is_read_is_evaluated(tmp_path):
    hostile = tmp_path / "weights.npz"
    np.savez(hostile, W=np.array([print], dtype=object))  # a pickle inside
    model = dezero.models.MLP((2,))
    with pytest.raises(DataError):
        model.load_weights(str(hostile))
