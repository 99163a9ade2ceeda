"""Trained weights: downloaded once, verified, and all of them taken, or a clear error."""

import contextlib
import hashlib
import http.server
import io
import os
import threading

import numpy as np
import pytest

import dezero.functions as F
from dezero.datasets import download
from dezero.errors import DataError, DownloadError
from dezero.layers import BatchNorm, Conv2d, Linear
from dezero.models import VGG16, Model, ResNet50, weights

NAME = "tiny.npz"


class Tiny(Model):
    """A convolution, its normalisation, and a Linear layer, of sizes that are open at first."""

    def __init__(self):
        super().__init__()
        self.conv1 = Conv2d(4, 3, stride=2, nobias=True)
        self.bn1 = BatchNorm()
        self.fc6 = Linear(5)

    def forward(self, x):
        return self.fc6(F.global_average_pooling(self.bn1(self.conv1(x))))


def state():
    """Arrays by the names that weight files of the original have."""
    rng = np.random.default_rng(0)
    shapes = {"conv1/W": (4, 3, 3, 3), "fc6/W": (4, 5), "fc6/b": (5,)}
    shapes |= {f"bn1/{name}": (4,) for name in ("gamma", "beta", "avg_mean", "avg_var")}
    return {name: rng.random(shape, np.float32) for name, shape in shapes.items()}


def packed(arrays):
    """The bytes of a file as the original writes it."""
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves what the server holds, cut to the number of bytes that it says."""

    def do_GET(self):
        content = self.server.content
        self.server.requests.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self.wfile.write(content[: self.server.cut])
        self.close_connection = True

    def log_message(self, *args):
        pass


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(download, "cache_dir", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def server(monkeypatch):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.requests, server.content, server.cut = [], packed(state()), None
        monkeypatch.setattr(
            weights, "RELEASE", f"http://127.0.0.1:{server.server_address[1]}/v0.1/"
        )
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def no_network(monkeypatch):
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as closed:
        monkeypatch.setattr(weights, "RELEASE", f"http://127.0.0.1:{closed.server_address[1]}/")


def names(folder):
    return sorted(os.listdir(folder))


@pytest.mark.parametrize("checksum_is_known", [False, True])
def test_weights_are_downloaded_once(server, cache, monkeypatch, checksum_is_known):
    if checksum_is_known:
        checksum = hashlib.sha256(server.content).hexdigest()
        monkeypatch.setitem(weights.SHA256, NAME, checksum)
    for _ in range(2):
        model = Tiny()
        weights.load_pretrained(model, NAME)
        loaded = model.state_dict()
        assert loaded.keys() == state().keys()
        for name, array in state().items():
            np.testing.assert_array_equal(loaded[name], array)
    assert server.requests == [f"/v0.1/{NAME}"]
    assert names(cache) == [NAME]


def test_another_checksum(server, cache, monkeypatch):
    monkeypatch.setitem(weights.SHA256, NAME, "0" * 64)
    with pytest.raises(DownloadError, match=r"it has SHA-256 [0-9a-f]{64}, expected 0{64}"):
        weights.load_pretrained(Tiny(), NAME)
    assert names(cache) == []


def test_a_file_in_the_cache_with_another_checksum(cache, monkeypatch):
    monkeypatch.setitem(weights.SHA256, NAME, "0" * 64)
    cache.mkdir()
    (cache / NAME).write_bytes(packed(state()))
    with pytest.raises(DownloadError, match="damaged or another file; delete it"):
        weights.load_pretrained(Tiny(), NAME)


def test_a_download_that_is_cut_off(server, cache):
    server.cut = 100
    with pytest.raises(DownloadError, match=r"ended after 100 of \d+ bytes"):
        weights.load_pretrained(Tiny(), NAME)
    assert names(cache) == []
    server.cut = None
    weights.load_pretrained(Tiny(), NAME)


@pytest.mark.parametrize(("model", "name"), [(VGG16, "vgg16.npz"), (ResNet50, "resnet50.npz")])
def test_without_a_network(no_network, cache, model, name):
    with pytest.raises(DownloadError) as info:
        model(pretrained=True)
    message = str(info.value)
    assert "\n" not in message
    assert "cannot download http://127.0.0.1:" in message and f"/{name}: " in message
    assert f"or put the file at {cache / name} by hand" in message


def test_a_file_put_there_by_hand_needs_no_network(no_network, cache):
    cache.mkdir()
    (cache / NAME).write_bytes(packed(state()))
    model = Tiny()
    weights.load_pretrained(model, NAME)
    np.testing.assert_array_equal(model.fc6.b.data, state()["fc6/b"])


class Trap:
    """Unpickling it would create a file."""

    def __reduce__(self):
        return open, ("trapped", "w")


def changed(**arrays):
    return packed(state() | {name.replace("_", "/", 1): array for name, array in arrays.items()})


BAD = {
    "nothing": (b"", "is no .npz file that can be read"),
    "truncated": (packed(state())[:-30], "is no .npz file that can be read"),
    "text": (b"<html>Not found</html>", "is no .npz file that can be read"),
    "pickled": (changed(fc6_b=np.array([Trap()] * 5, object)), "dtype object, not of numbers"),
    "missing": (packed({"fc6/b": state()["fc6/b"]}), "conv1/W is missing"),
    "more": (changed(fc7_b=np.ones(3)), "fc7/b is not expected"),
    "shape": (changed(fc6_W=np.ones((4, 6), np.float32)), r"fc6/W is \(4, 6\) float32"),
    "kind": (changed(fc6_b=np.arange(5)), r"fc6/b is \(5,\) int64, but must be \(5,\) float32"),
    "channels": (changed(conv1_W=np.ones((4, 2, 3, 3), np.float32)), r"Tiny.conv1 \(Conv2d\)"),
    "norm": (changed(bn1_gamma=np.ones(3, np.float32)), r"Tiny.bn1 \(BatchNorm\)"),
    "inputs": (changed(fc6_W=np.ones((7, 5), np.float32)), r"Tiny.fc6 \(Linear\)"),
}


@pytest.mark.parametrize(("content", "problem"), BAD.values(), ids=BAD)
def test_files_that_do_not_fit(cache, tmp_path, monkeypatch, content, problem):
    monkeypatch.chdir(tmp_path)
    cache.mkdir()
    (cache / NAME).write_bytes(content)
    with pytest.raises(DataError, match=problem) as info:
        weights.load_pretrained(Tiny(), NAME)
    assert str(info.value).startswith(f"Tiny: {cache / NAME} does not hold the weights of this")
    assert str(info.value).endswith("delete the file to download it again")
    assert names(tmp_path) == ["cache"]


def test_where_the_released_files_are():
    assert weights.RELEASE.startswith("https://")
    assert all(len(bytes.fromhex(checksum)) == 32 for checksum in weights.SHA256.values())
