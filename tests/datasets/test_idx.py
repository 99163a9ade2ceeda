import gzip
import struct
import tracemalloc

import numpy as np
import pytest

from dezero.datasets.idx import read_idx
from dezero.errors import DataError


def header(code, *shape):
    return bytes([0, 0, code, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)


@pytest.fixture
def written(tmp_path):
    """Writes bytes into a file and gives its path."""

    def write(content, compressed=False):
        path = tmp_path / "file"
        path.write_bytes(gzip.compress(content, 1) if compressed else content)
        return path

    return write


@pytest.mark.parametrize("compressed", [False, True])
def test_bytes_in_two_axes(written, compressed):
    array = read_idx(written(header(0x08, 2, 3) + bytes([0, 1, 2, 253, 254, 255]), compressed))
    assert array.tolist() == [[0, 1, 2], [253, 254, 255]]
    assert array.dtype == np.uint8


@pytest.mark.parametrize(
    ("code", "letter", "dtype", "numbers"),
    [
        (0x09, "b", np.int8, [-128, 127]),
        (0x0B, "h", np.int16, [-32768, 258]),
        (0x0C, "i", np.int32, [-(2**31), 16909060]),
        (0x0D, "f", np.float32, [1.5, -0.25]),
        (0x0E, "d", np.float64, [1e300, -0.1]),
    ],
)
def test_other_dtypes_are_big_endian(written, code, letter, dtype, numbers):
    array = read_idx(written(header(code, 2) + struct.pack(f">2{letter}", *numbers)))
    assert array.dtype == dtype
    assert array.dtype.isnative
    assert array.tolist() == numbers


def test_an_array_of_several_chunks_is_whole(written):
    numbers = np.random.default_rng(0).integers(0, 256, (3, 1 << 19), dtype=np.uint8)
    array = read_idx(written(header(0x08, *numbers.shape) + numbers.tobytes(), True))
    assert np.array_equal(array, numbers)


def test_the_array_can_be_written_to(written):
    array = read_idx(written(header(0x08, 1) + b"x"))
    array[0] = 1
    assert array.tolist() == [1]


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "begins with nothing: not an IDX file"),
        (b"\0\0\x08", "not an IDX file"),
        (b"PK\3\4" + bytes(20), "begins with 50 4b 03 04: not an IDX file"),
        (b"\0\1\x08\1" + bytes(20), "not an IDX file"),
        (b"\0\0\x0a\1" + bytes(20), "not an IDX file"),
        (header(0x08), "announces 0 axes, expected 1 to 8"),
        (b"\0\0\x08\x09" + bytes(100), "announces 9 axes"),
        (header(0x08, 2, 2)[:-1], "header is cut off"),
        (header(0x08, 0, 3), r"shape \(0, 3\): no numbers at all"),
        (header(0x08, 2, 3) + bytes(5), "5 bytes of numbers, the header announces 6"),
        (header(0x0C, 2) + bytes(7), "7 bytes of numbers, the header announces 8"),
        (header(0x08, 2, 3) + bytes(7), "more than the 6 bytes"),
        (header(0x08, 2**32 - 1, 2**32 - 1), "more than the limit of 1073741824"),
    ],
)
def test_what_is_not_an_idx_file_is_refused(written, content, message, compressed):
    with pytest.raises(DataError, match=message):
        read_idx(written(content, compressed))


def test_the_limit_can_be_chosen(written):
    path = written(header(0x08, 4) + bytes(4))
    assert len(read_idx(path, max_bytes=4)) == 4
    with pytest.raises(DataError, match="4 bytes, more than the limit of 3"):
        read_idx(path, max_bytes=3)


def test_damaged_compression_is_refused(tmp_path):
    good = gzip.compress(header(0x08, 1000) + bytes(range(250)) * 4)
    for name, content in {
        "cut": good[:-20],
        "header": b"\x1f\x8b" + bytes(20),
        "checksum": good[:-8] + bytes(4) + good[-4:],
        "middle": good[:30] + b"\xff" * 40 + good[70:],
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=f"{name} cannot be read"):
            read_idx(tmp_path / name)


def test_a_missing_file_is_a_data_error(tmp_path):
    with pytest.raises(DataError, match=r"nowhere cannot be read: .*No such file"):
        read_idx(tmp_path / "nowhere")


def peak_of(function):
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_file_that_expands_without_end_costs_no_memory(written):
    path = written(header(0x08, 10) + bytes(64 << 20), compressed=True)

    def read():
        with pytest.raises(DataError, match="more than the 10 bytes"):
            read_idx(path)

    assert path.stat().st_size < 1 << 20
    assert peak_of(read) < 8 << 20
