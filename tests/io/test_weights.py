"""Weights and other state in files: whole or not at all, checked before anything is assigned."""

import os

import numpy as np
import pytest

import dezero.functions as F
import dezero.layers as L
from dezero.errors import DataError, MissingDependencyError, StateError
from dezero.io import load_arrays, load_state, save_arrays, save_state
from dezero.models import MLP, Sequential
from dezero.optimizers import Adam

FORMATS = ["npz", "safetensors"]
X = np.linspace(-1, 1, 15).reshape(5, 3).astype(np.float32)


def called(*sizes):
    model = MLP(sizes)
    model(X)
    return model


@pytest.mark.parametrize("ending", FORMATS)
def test_round_trip(tmp_path, ending):
    path = tmp_path / f"weights.{ending}"
    old = called(4, 2)
    kept = old.l0.W.data
    old.save_weights(path)
    assert old.l0.W.data is kept
    assert sorted(load_arrays(path)) == ["l0/W", "l0/b", "l1/W", "l1/b"]
    assert os.listdir(tmp_path) == [path.name]
    for new in (called(4, 2), MLP((4, 2))):  # of the right shapes already, or not called yet
        new.load_weights(str(path))
        np.testing.assert_array_equal(new(X).data, old(X).data)


def test_files_of_the_original_load(tmp_path):
    """It wrote them with savez_compressed, weights as float64 under NumPy 2."""
    path = tmp_path / "weights.npz"
    W0, W1 = np.random.randn(3, 4), np.random.randn(4, 2)
    arrays = {"l0/W": W0, "l0/b": np.zeros(4, np.float32), "l1/W": W1}
    np.savez_compressed(path, **arrays, **{"l1/b": np.ones(2, np.float32)})
    for model in (MLP((4, 2)), Sequential(L.Linear(4), L.Linear(2))):
        model.load_weights(path)
        assert all(param.dtype == np.float32 for param in model.params())
    h = X @ W0
    np.testing.assert_allclose(model(X).data, h @ W1 + 1, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("ending", FORMATS)
def test_nothing_is_half_loaded(tmp_path, ending):
    path = tmp_path / f"weights.{ending}"
    called(4, 3).save_weights(path)
    model = called(4, 2)
    before = [param.data for param in model.params()]
    with pytest.raises(StateError, match=r"l1/W is \(4, 3\) float32, but must be \(4, 2\)"):
        model.load_weights(path)
    with pytest.raises(StateError, match="l2/W is missing; l2/b is missing; l1/W is"):
        MLP((4, 2, 3)).load_weights(path)
    assert all(param.data is data for param, data in zip(model.params(), before, strict=True))


@pytest.mark.parametrize("ending", FORMATS)
def test_a_failed_save_leaves_the_old_file(tmp_path, ending, monkeypatch):
    path = tmp_path / f"weights.{ending}"
    called(4, 2).save_weights(path)
    old = path.read_bytes()
    with pytest.raises(StateError, match="l0/W has no array yet"):
        MLP((4, 2)).save_weights(path)

    def broken(descriptor):
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="no space left"):
        called(4, 2).save_weights(path)
    assert path.read_bytes() == old
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("name", ["weights", "weights.pt", "weights.npz.bak", ".npz"])
def test_other_endings(tmp_path, name):
    model = called(4, 2)
    for use in (model.save_weights, model.load_weights):
        with pytest.raises(StateError, match=r"weights are written as .safetensors or .npz"):
            use(tmp_path / name)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("ending", FORMATS)
def test_a_file_that_is_not_there(tmp_path, ending):
    with pytest.raises(FileNotFoundError):
        called(4, 2).load_weights(tmp_path / f"weights.{ending}")


@pytest.mark.parametrize("content", [b"", b"x" * 100, b"\xff" * 8 + b"{}"])
def test_damaged_safetensors(tmp_path, content):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"is no .safetensors file that can be read"):
        load_arrays(path)


def test_truncated_safetensors(tmp_path):
    path = tmp_path / "weights.safetensors"
    called(4, 2).save_weights(path)
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(DataError, match=r"is no .safetensors file that can be read"):
        load_arrays(path)


def test_safetensors_of_a_dtype_that_numpy_lacks(tmp_path):
    header = b'{"W":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}'
    path = tmp_path / "weights.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"\0\0")
    with pytest.raises(DataError, match=r"BF16|bfloat16"):
        load_arrays(path)


def test_without_safetensors(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "safetensors.numpy", None)
    with pytest.raises(MissingDependencyError, match="pip install safetensors"):
        save_arrays(tmp_path / "a.safetensors", {"W": np.ones(1)})


@pytest.mark.parametrize("ending", FORMATS)
def test_layouts_survive(tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    arrays = {
        "strided": np.arange(12.0).reshape(3, 4)[:, ::2],
        "transposed": np.arange(12).reshape(3, 4).T,
        "number": np.array(1.5),
        "empty": np.zeros((0, 3), np.float16),
    }
    save_arrays(path, arrays)
    read = load_arrays(path)
    assert read.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(read[name], array)
        assert read[name].shape == array.shape and read[name].dtype == array.dtype


def step(model, optimizer):
    loss = F.sum(model(X) ** 2)
    model.cleargrads()
    loss.backward()
    optimizer.update()


@pytest.mark.parametrize("ending", FORMATS)
def test_model_and_optimizer_in_one_file(tmp_path, ending):
    path = tmp_path / f"run.{ending}"
    model = called(4, 2)
    optimizer = Adam(0.1).setup(model)
    for _ in range(3):
        step(model, optimizer)
    save_state(path, model=model, optimizer=optimizer)
    again = MLP((4, 2))  # never called
    again_optimizer = Adam().setup(again)
    load_state(path, model=again, optimizer=again_optimizer)
    for _ in range(3):
        step(model, optimizer)
        step(again, again_optimizer)
    for a, b in zip(model.params(), again.params(), strict=True):
        np.testing.assert_array_equal(a.data, b.data)


def test_parts_that_do_not_fit_change_nothing(tmp_path):
    path = tmp_path / "run.npz"
    model = called(4, 2)
    optimizer = Adam(0.5).setup(model)
    step(model, optimizer)
    save_state(path, model=model, optimizer=optimizer)
    other = called(4, 2)
    before = [param.data for param in other.params()]
    with pytest.raises(StateError, match="also holds optimizer: load it with the parts"):
        load_state(path, model=other)
    with pytest.raises(StateError, match=r"Adam: the state does not fit.*alpha is missing"):
        load_state(path, model=other, optimizer=Adam().setup(other), third=Adam().setup(other))
    assert all(param.data is data for param, data in zip(other.params(), before, strict=True))
