"""Arrays of a dataset, kept in the cache folder once they have been computed."""

from __future__ import annotations

import os
import zlib

import numpy as np

from ..errors import DataError, DTypeError
from ..files import replacing
from .download import cache_path


def save_cache_npz(
    data: np.ndarray, label: np.ndarray | None, filename: str, train: bool = False
) -> str:
    """Keep a dataset's arrays in the cache folder, compressed, for `load_cache_npz`.

    Args:
        data: The inputs.
        label: The labels, or None.
        filename: What to call them; only the part after the last '/' counts.
        train: Whether these are the training or the test arrays: both have their place.

    Returns:
        The path of the file, which appears only when it is complete.

    Raises:
        DTypeError: An array holds Python objects, which cannot be read back safely.
        DataError: `filename` names no file.
    """
    for name, array in (("data", data), ("label", label)):
        if array is not None and np.asarray(array).dtype.hasobject:
            raise DTypeError(f"save_cache_npz: {name} holds Python objects, expected numbers")
    path = _path(filename, train)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with replacing(path) as temporary, open(temporary, "wb") as file:
        if label is None:
            np.savez_compressed(file, data=data)
        else:
            np.savez_compressed(file, data=data, label=label)
    return path


def load_cache_npz(
    filename: str, train: bool = False
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """The arrays that `save_cache_npz` kept under this name.

    Args:
        filename: The name they were saved under.
        train: Whether to load the training or the test arrays.

    Returns:
        `(data, label)`; `label` is None where there was none, both are None where nothing
        was saved.

    Raises:
        DataError: The file is damaged, or `filename` names no file.
    """
    import zipfile  # here, as NumPy does: it is slow to load

    path = _path(filename, train)
    if not os.path.isfile(path):
        return None, None
    try:
        with open(path, "rb") as file:
            archive = np.load(file, allow_pickle=False)
            if isinstance(archive, np.ndarray):
                raise ValueError("it holds a single array")
            return archive["data"], archive.get("label")
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(
            f"load_cache_npz: {path} cannot be read: {error}: delete it to compute it again"
        ) from error


def _path(filename: str, train: bool) -> str:
    """Where the arrays called `filename` are kept."""
    name = filename.replace("\\", "/").rpartition("/")[2]
    if not name or "\0" in name:
        raise DataError(f"the name of cached arrays is {filename!r}, expected a file name")
    return cache_path(f"{name}.{'train' if train else 'test'}.npz")
