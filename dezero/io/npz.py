"""NumPy's `.npz`: a zip of arrays. Read without unpickling, and without trusting its headers."""

from __future__ import annotations

import os
import zlib
from collections.abc import Mapping
from math import prod
from typing import IO, Any
from zipfile import BadZipFile, ZipFile, ZipInfo

import numpy as np
from numpy.lib import format as npy

from ..errors import DataError

SPARE = 2**28  # bytes that a small file may unpack to
HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def write_npz(path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
    """Write arrays by name, not compressed; the same arrays make the same bytes."""
    with ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            member = ZipInfo(f"{name}.npy")  # with a fixed date
            with archive.open(member, "w", force_zip64=True) as file:
                npy.write_array(file, array, allow_pickle=False)


def read_npz(path: str | os.PathLike[str]) -> dict[str, np.ndarray[Any, Any]]:
    """The arrays by name.

    Raises:
        DataError: The file is damaged, holds anything but arrays of numbers, or would unpack to
            more than 256 MiB and 20 times its own size.
    """
    try:
        with ZipFile(path) as archive:
            check_members(archive, os.path.getsize(path))
            return {
                member.filename.removesuffix(".npy"): read_member(archive, member)
                for member in archive.infolist()
            }
    except (BadZipFile, EOFError, ValueError, NotImplementedError, RuntimeError, zlib.error) as e:
        raise DataError(f"{os.fspath(path)} is no .npz file that can be read: {e}") from e


def check_members(archive: ZipFile, size: int) -> None:
    """Raise ValueError unless the members are arrays, each once, of a bounded total size."""
    names = [member.filename for member in archive.infolist()]
    if len(set(names)) != len(names):
        raise ValueError("two of its arrays have the same name")
    strange = [name for name in names if not name.endswith(".npy")]
    if strange:
        raise ValueError(f"{strange[0]!r} in it is no .npy array")
    unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > 20 * size + SPARE:
        raise ValueError(f"it has {size} bytes and would unpack to {unpacked}")


def read_member(archive: ZipFile, member: ZipInfo) -> np.ndarray[Any, Any]:
    """One array, once its header has been found to be true."""
    with archive.open(member) as file:
        check_header(file, member)
    with archive.open(member) as file:
        return npy.read_array(file, allow_pickle=False)


def check_header(file: IO[bytes], member: ZipInfo) -> None:
    """Raise ValueError unless an array's header promises numbers, as many as there are."""
    version = npy.read_magic(file)
    if version not in HEADERS:
        raise ValueError(f"{member.filename} has the unknown format version {version}")
    shape, _, dtype = HEADERS[version](file)
    if dtype.kind not in "biufc":
        raise ValueError(f"{member.filename} is of dtype {dtype}, not of numbers")
    if prod(shape) * dtype.itemsize != member.file_size - file.tell():
        raise ValueError(f"{member.filename} has not the size that its header promises")
