import io
import os

import numpy as np
import pytest

from dezero.datasets import download, load_cache_npz, save_cache_npz
from dezero.errors import DataError, DTypeError


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setattr(download, "cache_dir", str(folder))
    return folder


def test_what_was_saved_is_loaded():
    data, label = np.arange(6.0).reshape(2, 3), np.array([3, 4], dtype=np.uint8)
    save_cache_npz(data, label, "numbers", train=True)
    loaded_data, loaded_label = load_cache_npz("numbers", train=True)
    assert np.array_equal(loaded_data, data)
    assert np.array_equal(loaded_label, label)
    assert (loaded_data.dtype, loaded_label.dtype) == (data.dtype, label.dtype)


def test_training_and_test_arrays_are_kept_apart():
    save_cache_npz(np.ones(1), np.ones(1), "numbers", train=True)
    assert load_cache_npz("numbers") == (None, None)
    save_cache_npz(np.zeros(1), np.zeros(1), "numbers")
    assert load_cache_npz("numbers")[0] == 0
    assert load_cache_npz("numbers", train=True)[0] == 1


def test_saving_again_replaces():
    save_cache_npz(np.zeros(1), None, "numbers")
    save_cache_npz(np.ones(2), None, "numbers")
    assert load_cache_npz("numbers")[0].tolist() == [1, 1]


def test_labels_may_be_missing():
    save_cache_npz(np.ones(2), None, "numbers")
    assert load_cache_npz("numbers")[1] is None


@pytest.mark.parametrize("name", ["a/b/numbers", "../../numbers", "/numbers", "..\\numbers", ".."])
def test_files_stay_in_the_cache(cache, name):
    path = save_cache_npz(np.ones(1), None, name)
    assert os.path.dirname(os.path.abspath(path)) == str(cache)
    assert load_cache_npz(name)[0] == 1


@pytest.mark.parametrize("name", ["", "a/", "a\0b"])
def test_names_of_nothing_are_refused(name):
    with pytest.raises(DataError, match="expected a file name"):
        save_cache_npz(np.ones(1), None, name)
    with pytest.raises(DataError, match="expected a file name"):
        load_cache_npz(name)


def test_python_objects_are_not_saved(cache):
    with pytest.raises(DTypeError, match="label holds Python objects"):
        save_cache_npz(np.ones(1), np.array([object()]), "numbers")
    assert not cache.exists()


def test_a_failed_save_leaves_nothing(cache, monkeypatch):
    def fail(file, **arrays):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez_compressed", fail)
    with pytest.raises(KeyboardInterrupt):
        save_cache_npz(np.ones(1), None, "numbers")
    assert list(cache.iterdir()) == []


def npy(array):
    """The bytes of a file that holds one array."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


class Hostile:
    def __reduce__(self):
        return os.mkdir, ("unpickled",)


def test_pickles_are_never_opened(cache, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cache.mkdir()
    hostile = np.empty(1, dtype=object)
    hostile[0] = Hostile()
    np.savez(cache / "numbers.test.npz", data=hostile)
    with pytest.raises(DataError, match="delete it to compute it again"):
        load_cache_npz("numbers")
    assert not (tmp_path / "unpickled").exists()


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"PK\3\4" + bytes(40), npy(np.ones(1))], ids=range(4)
)
def test_damaged_files_are_told(cache, content):
    cache.mkdir()
    (cache / "numbers.test.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"numbers\.test\.npz cannot be read"):
        load_cache_npz("numbers")
