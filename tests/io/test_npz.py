"""Reading `.npz` files that are not what they seem."""

import io
import pickle
import zipfile

import numpy as np
import pytest

from dezero.errors import DataError
from dezero.io import load_arrays, save_arrays


class Bomb:
    """Would raise while it is unpickled."""

    def __reduce__(self):
        return (exec, ("raise SystemExit('unpickled')",))


def npy(array, **header):
    """The bytes of an array as .npy, with a header that may lie."""
    file = io.BytesIO()
    truth = np.lib.format.header_data_from_array_1_0(array)
    np.lib.format.write_array_header_1_0(file, truth | header)
    return file.getvalue() + array.tobytes()


def archive(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in members:
            file.writestr(name, content)
    return path


def refused(path, message):
    with pytest.raises(DataError, match=message) as caught:
        load_arrays(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.npz"


def test_objects_are_not_unpickled(path):
    np.savez(path, W=np.array([Bomb()], dtype=object))
    refused(path, "of dtype object, not of numbers")
    with open(path, "wb") as file:
        pickle.dump(Bomb(), file)
    refused(path, "is no .npz file that can be read")


@pytest.mark.parametrize("content", [b"", b"not a zip", b"\x93NUMPY\x01\x00"])
def test_no_zip(path, content):
    path.write_bytes(content)
    refused(path, "is no .npz file that can be read")


def test_truncated(path):
    save_arrays(path, {"W": np.random.randn(1000)})
    whole = path.read_bytes()
    path.write_bytes(whole[:4000])
    refused(path, "is no .npz file that can be read")


def test_damaged(path):
    save_arrays(path, {"W": np.zeros(1000)})
    content = bytearray(path.read_bytes())
    content[4000] ^= 1
    path.write_bytes(content)
    refused(path, "CRC")


def test_headers_that_promise_too_much_allocate_nothing(path):
    archive(path, [("W.npy", npy(np.zeros(3), shape=(10**15,)))])
    refused(path, "has not the size that its header promises")
    archive(path, [("W.npy", npy(np.zeros(3), shape=(2,)))])
    refused(path, "has not the size that its header promises")


def test_headers_that_make_no_sense(path):
    archive(path, [("W.npy", npy(np.zeros(3), descr="|S8"))])
    refused(path, "not of numbers")
    archive(path, [("W.npy", npy(np.zeros(3), shape=(-3,)))])
    refused(path, "W.npy|header")
    archive(path, [("W.npy", b"\x93NUMPY\x09\x00" + b"x" * 100)])
    refused(path, "format version")


def test_bombs_are_not_unpacked(path, monkeypatch):
    zeros = np.zeros(2**22, np.uint8)
    archive(path, [("W.npy", npy(zeros))], zipfile.ZIP_DEFLATED)
    assert load_arrays(path)["W"].size == 2**22  # small enough to be harmless
    monkeypatch.setattr("dezero.io.npz.SPARE", 2**20)
    refused(path, "would unpack to 41944")


def test_other_members(path):
    archive(path, [("readme.txt", b"hello")])
    refused(path, "'readme.txt' in it is no .npy array")
    with pytest.warns(UserWarning, match="Duplicate name"):
        archive(path, [("W.npy", npy(np.zeros(3)))] * 2)
    refused(path, "two of its arrays have the same name")


def test_numpy_reads_ours_and_we_read_numpys(path):
    arrays = {
        "l0/W": np.random.randn(3, 4).astype(np.float32),
        "l0/b": np.asfortranarray(np.random.randn(3, 4)),
        "count": np.array(3),
        "empty": np.zeros((0, 2), np.float16),
    }
    save_arrays(path, arrays)
    with np.load(path) as theirs:
        read = dict(theirs)
    np.savez_compressed(path, **arrays)
    for found in (read, load_arrays(path)):
        assert list(found) == list(arrays)
        for name, array in arrays.items():
            np.testing.assert_array_equal(found[name], array)
            assert found[name].dtype == array.dtype and found[name].shape == array.shape


def test_the_same_arrays_make_the_same_bytes(path, tmp_path):
    arrays = {"W": np.arange(5.0)}
    save_arrays(path, arrays)
    save_arrays(tmp_path / "b.npz", arrays)
    assert path.read_bytes() == (tmp_path / "b.npz").read_bytes()
