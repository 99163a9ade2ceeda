import gzip
import hashlib
import os
import struct

import numpy as np
import pytest

from dezero.datasets import MNIST, FashionMNIST, download, mnist
from dezero.errors import DataError, DownloadError

DEBIAN_FOLDER = FashionMNIST._debian_folder


def idx(array, code=0x08):
    shape = struct.pack(f">{array.ndim}I", *array.shape)
    return gzip.compress(bytes([0, 0, code, array.ndim]) + shape + array.tobytes())


def small_files(seed):
    """Four files as MNIST's, with 6 training and 3 test images."""
    generator = np.random.default_rng(seed)
    files = {}
    for part, count in (("train", 6), ("t10k", 3)):
        images = generator.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        labels = generator.integers(0, 10, count, dtype=np.uint8)
        files[f"{part}-images-idx3-ubyte.gz"] = images
        files[f"{part}-labels-idx1-ubyte.gz"] = labels
    return files


@pytest.fixture
def put(tmp_path, monkeypatch):
    """Puts files for a dataset into an empty cache and lets their checksums be the right ones."""
    cache = tmp_path / "cache"
    cache.mkdir()
    monkeypatch.setattr(download, "cache_dir", str(cache))
    monkeypatch.setattr(FashionMNIST, "_debian_folder", str(tmp_path / "debian"))
    monkeypatch.setattr(MNIST, "_url", "http://127.0.0.1:9/")  # where nobody answers
    monkeypatch.setattr(FashionMNIST, "_url", "http://127.0.0.1:9/")
    monkeypatch.setenv("no_proxy", "*")

    def put_files(dataset, files, folder="cache", prefix=""):
        (tmp_path / folder).mkdir(exist_ok=True)
        checksums = {}
        for name, content in files.items():
            content = idx(content) if isinstance(content, np.ndarray) else content
            (tmp_path / folder / (prefix + name)).write_bytes(content)
            checksums[name] = hashlib.sha256(content).hexdigest()
        monkeypatch.setattr(dataset, "_sha256", checksums)

    return put_files


@pytest.mark.parametrize(("train", "part", "count"), [(True, "train", 6), (False, "t10k", 3)])
def test_mnist_reads_the_files_of_its_part(put, train, part, count):
    files = small_files(0)
    put(MNIST, files)
    digits = MNIST(train=train)
    images = files[f"{part}-images-idx3-ubyte.gz"]
    assert digits.data.shape == (count, 1, 28, 28)
    assert np.array_equal(digits.data[:, 0], images)
    assert digits.label.dtype == np.int64
    assert np.array_equal(digits.label, files[f"{part}-labels-idx1-ubyte.gz"])


def test_default_transform_is_a_row_in_the_unit_range(put):
    files = small_files(1)
    put(MNIST, files)
    x, t = MNIST()[2]
    assert x.shape == (784,)
    assert x.dtype == np.float32
    expected = files["train-images-idx3-ubyte.gz"][2].ravel() / 255
    assert np.allclose(x, expected, rtol=1e-6, atol=0)
    assert t == files["train-labels-idx1-ubyte.gz"][2]


def test_without_transform_the_bytes_come_through(put):
    put(MNIST, small_files(1))
    x, t = MNIST(transform=None, target_transform=lambda t: -t)[0]
    assert x.shape == (1, 28, 28)
    assert x.dtype == np.uint8
    assert t <= 0


def test_the_two_datasets_do_not_share_files(put):
    digits, clothes = small_files(0), small_files(1)
    put(MNIST, digits)
    put(FashionMNIST, clothes, prefix="fashion-mnist-")
    name = "train-images-idx3-ubyte.gz"
    assert np.array_equal(MNIST().data[:, 0], digits[name])
    assert np.array_equal(FashionMNIST().data[:, 0], clothes[name])


def test_clothes_come_from_debian_only_if_the_cache_has_none(put):
    debian, cached = small_files(2), small_files(3)
    name = "t10k-images-idx3-ubyte.gz"
    put(FashionMNIST, debian, folder="debian")
    assert np.array_equal(FashionMNIST(train=False).data[:, 0], debian[name])
    put(FashionMNIST, cached, prefix="fashion-mnist-")
    assert np.array_equal(FashionMNIST(train=False).data[:, 0], cached[name])


@pytest.mark.parametrize("dataset", [MNIST, FashionMNIST])
def test_without_files_and_network_the_error_says_what_to_do(put, dataset):
    with pytest.raises(DownloadError, match=r"put the file at .*train-images-idx3-ubyte\.gz by"):
        dataset()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("images", np.zeros((6, 28, 27), np.uint8), r"images are \(6, 28, 27\) uint8"),
        ("images", np.zeros((6, 784), np.uint8), r"images are \(6, 784\) uint8"),
        ("images", idx(np.zeros((6, 28, 28), np.int8), 0x09), "int8, expected"),
        ("labels", np.zeros(5, np.uint8), r"labels are \(5,\) uint8, expected \(6,\)"),
        ("labels", np.zeros((6, 1), np.uint8), r"labels are \(6, 1\)"),
        ("labels", np.full(6, 10, np.uint8), "a label is 10, expected 0 to 9"),
        ("labels", b"<html>", "not an IDX file"),
    ],
)
def test_files_that_are_something_else_are_refused(put, name, content, message):
    files = small_files(0)
    files[f"train-{name}-idx{3 if name == 'images' else 1}-ubyte.gz"] = content
    put(MNIST, files)
    with pytest.raises(DataError, match=message):
        MNIST()


def test_show_hands_over_the_images(put, monkeypatch):
    put(MNIST, small_files(0))
    calls = []
    monkeypatch.setattr(mnist, "show_images", lambda *arguments: calls.append(arguments))
    digits = MNIST()
    digits.show()
    digits.show(row=1, col=2)
    assert [(row, col) for _, row, col in calls] == [(10, 10), (1, 2)]
    assert calls[0][0] is digits.data


def test_labels_name_ten_classes():
    assert MNIST.labels() == {i: str(i) for i in range(10)}
    assert sorted(FashionMNIST.labels()) == list(range(10))
    assert (FashionMNIST.labels()[0], FashionMNIST.labels()[9]) == ("T-shirt/top", "Ankle boot")


@pytest.mark.skipif(not os.path.isdir(DEBIAN_FOLDER), reason="dataset-fashion-mnist not installed")
def test_the_real_clothes_are_as_published(tmp_path, monkeypatch):
    monkeypatch.setattr(download, "cache_dir", str(tmp_path))
    train, test = FashionMNIST(), FashionMNIST(train=False)
    assert np.bincount(train.label).tolist() == [6000] * 10
    assert np.bincount(test.label).tolist() == [1000] * 10
    # Mean and deviation of the training pixels, as they are widely quoted for this set.
    assert round(train.data.mean() / 255, 4) == 0.2860
    assert round(train.data.std() / 255, 4) == 0.3530
