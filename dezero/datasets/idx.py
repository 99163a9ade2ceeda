"""IDX files: one array of numbers, big-endian, often compressed with gzip."""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from typing import BinaryIO

import numpy as np

from ..errors import DataError

_DTYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MAX_AXES = 8
_CHUNK_BYTES = 1 << 20


def read_idx(path: str | os.PathLike[str], max_bytes: int = 1 << 30) -> np.ndarray:
    """The array in an IDX file, as MNIST's files are, plain or compressed with gzip.

    The header is two zero bytes, the code of the dtype, the number of axes, and the length of
    each axis as four bytes; the numbers follow. No more is ever read than the header
    announces, whatever the file contains.

    Args:
        path: The file; compression is recognised by its first bytes, not by its name.
        max_bytes: Refuse an array larger than this, in bytes.

    Returns:
        A new array of the shape and dtype of the header, in the machine's byte order.

    Raises:
        DataError: The file is missing, damaged, cut off, longer than announced, too large, or
            not an IDX file.

    Source:
        The description of the format on the page of the MNIST database, Y. LeCun, C. Cortes
        and C. J. C. Burges, http://yann.lecun.com/exdb/mnist/.
    """
    try:
        with open(path, "rb") as file:
            compressed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            if not compressed:
                return _read(file, max_bytes)
            with gzip.open(file) as stream:
                return _read(stream, max_bytes)
    except _Damaged as error:
        raise DataError(f"read_idx: {os.fspath(path)}: {error}") from None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"read_idx: {os.fspath(path)} cannot be read: {error}") from error


class _Damaged(Exception):
    """The content is not that of an IDX file."""


def _read(stream: BinaryIO | gzip.GzipFile, max_bytes: int) -> np.ndarray:
    """The array in an uncompressed stream, which must end with it."""
    shape, dtype = _header(stream)
    size = math.prod(shape) * dtype.itemsize
    if size > max_bytes:
        raise _Damaged(f"the header announces {size} bytes, more than the limit of {max_bytes}")
    content, done = np.empty(size, dtype=np.uint8), 0
    while done < size:
        # The memory is touched only as the bytes come: a lying header costs nothing.
        chunk = stream.read(min(_CHUNK_BYTES, size - done))
        if not chunk:
            raise _Damaged(f"{done} bytes of numbers, the header announces {size}: it is cut off")
        content[done : done + len(chunk)] = np.frombuffer(chunk, dtype=np.uint8)
        done += len(chunk)
    if stream.read(1):
        raise _Damaged(f"there is more than the {size} bytes of numbers that the header announces")
    return content.view(dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def _header(stream: BinaryIO | gzip.GzipFile) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and dtype as the header gives them."""
    start = stream.read(4)
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in _DTYPES:
        raise _Damaged(f"it begins with {start.hex(' ') or 'nothing'}: not an IDX file")
    axes = start[3]
    if not 1 <= axes <= _MAX_AXES:
        raise _Damaged(f"the header announces {axes} axes, expected 1 to {_MAX_AXES}")
    lengths = stream.read(4 * axes)
    if len(lengths) < 4 * axes:
        raise _Damaged("the header is cut off")
    shape = struct.unpack(f">{axes}I", lengths)
    if 0 in shape:
        raise _Damaged(f"the header announces the shape {shape}: no numbers at all")
    return shape, np.dtype(_DTYPES[start[2]])
