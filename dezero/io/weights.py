"""Arrays by name in one file: weights, and whatever else has a state."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np

from ..arrays import Array, as_numpy
from ..errors import DataError, MissingDependencyError, StateError, listed
from ..files import replacing

PathLike: TypeAlias = "str | os.PathLike[str]"


class Stateful(Protocol):
    """What has a state that can be saved: Layers, Optimizers."""

    def state_dict(self) -> dict[str, Any]:
        """The state as arrays by name."""

    def prepared(self, state: Mapping[str, Array]) -> Callable[[], None]:
        """Check a state; return the function that assigns it."""


def save_arrays(path: PathLike, arrays: Mapping[str, Array]) -> None:
    """Write arrays by name into one file, which replaces an old one only when complete.

    Args:
        path: Ends in `.safetensors` or `.npz`.
        arrays: NumPy's, or CuPy's, which are copied to the CPU.

    Raises:
        StateError: The path ends in anything else.
        MissingDependencyError: The path ends in `.safetensors`, which is not installed.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_arrays(f"{folder}/a.npz", {"l0/W": np.arange(3)})
    ...     load_arrays(f"{folder}/a.npz")
    {'l0/W': array([0, 1, 2])}
    """
    write, _ = file_format(path)
    on_cpu = {name: np.asarray(as_numpy(array), order="C") for name, array in arrays.items()}
    with replacing(path) as temporary:
        write(temporary, on_cpu)


def load_arrays(path: PathLike) -> dict[str, np.ndarray[Any, Any]]:
    """The arrays of a file by name. The file is data: nothing in it is unpickled or executed.

    Args:
        path: Ends in `.safetensors` or `.npz`.

    Raises:
        StateError: The path ends in anything else.
        DataError: The file is damaged, or not what its name says.
        FileNotFoundError: There is no such file.
        MissingDependencyError: The path ends in `.safetensors`, which is not installed.
    """
    _, read = file_format(path)
    return read(path)


def save_state(path: PathLike, **parts: Stateful) -> None:
    """Write the states of several objects into one file, names as "part/name".

    Args:
        path: Ends in `.safetensors` or `.npz`.
        parts: Layers, Optimizers, or anything else with `state_dict()`, by a name of your choice.

    Raises:
        StateError: The path ends in anything else, or a state is not complete yet.

    >>> import tempfile
    >>> from dezero.layers import Linear
    >>> from dezero.optimizers import Adam
    >>> layer = Linear(2, in_size=3)
    >>> optimizer = Adam().setup(layer)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_state(f"{folder}/run.safetensors", model=layer, optimizer=optimizer)
    ...     load_state(f"{folder}/run.safetensors", model=layer, optimizer=optimizer)
    """
    arrays = {
        f"{part}/{name}": array
        for part, stateful in parts.items()
        for name, array in stateful.state_dict().items()
    }
    save_arrays(path, arrays)


def load_state(path: PathLike, **parts: Stateful) -> None:
    """Read what `save_state` wrote into the same parts: all of them or, on an error, none.

    Args:
        path: Of the file.
        parts: What to load into, by the names that they were saved by.

    Raises:
        StateError: The file has other parts, or a state does not fit its part.
        DataError: The file is damaged.
        FileNotFoundError: There is no such file.
    """
    states: dict[str, dict[str, Array]] = {part: {} for part in parts}
    others: dict[str, None] = {}
    for key, array in load_arrays(path).items():
        part, _, name = key.partition("/")
        if part in states:
            states[part][name] = array
        else:
            others[part] = None
    if others:
        raise StateError(
            f"load_state: {os.fspath(path)} also holds {listed(list(others))}: load it with the "
            "parts that it was saved with"
        )
    for assign in [stateful.prepared(states[part]) for part, stateful in parts.items()]:
        assign()


def file_format(path: PathLike) -> tuple[Callable[..., None], Callable[[PathLike], dict[str, Any]]]:
    """The functions that write and read the format that a path's ending names."""
    suffix = Path(path).suffix
    if suffix == ".npz":
        from .npz import read_npz, write_npz  # here: zipfile is slow to load

        return write_npz, read_npz
    if suffix == ".safetensors":
        return write_safetensors, read_safetensors
    raise StateError(
        f"{os.fspath(path)}: weights are written as .safetensors or .npz: let the path end so"
    )


def write_safetensors(path: PathLike, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
    """Write arrays by name."""
    safetensors().numpy.save_file(dict(arrays), path)


def read_safetensors(path: PathLike) -> dict[str, np.ndarray[Any, Any]]:
    """The arrays by name."""
    library = safetensors()
    try:
        return library.numpy.load_file(path)
    except (library.SafetensorError, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{os.fspath(path)} is no .safetensors file that can be read: {error}"
        ) from error


def safetensors() -> Any:
    """The library, or an error that says how to install it."""
    try:
        import safetensors.numpy
    except ImportError as error:
        raise MissingDependencyError(
            "safetensors is needed for .safetensors files and is not installed: "
            "pip install safetensors, or let the path end in .npz"
        ) from error
    return safetensors
