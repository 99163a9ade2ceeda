import hashlib

import numpy as np
import pytest

from dezero.datasets import Shakespear, SinCurve, download, sequences
from dezero.errors import DataError, DownloadError


def test_the_training_curve_is_a_sine_with_small_uniform_noise():
    np.random.seed(0)
    curve = SinCurve()
    np.random.seed(0)
    noise = np.random.uniform(-0.05, 0.05, 1000)
    expected = np.sin(np.linspace(0, 2 * np.pi, 1000)) + noise
    assert curve.data.dtype == np.float64
    assert np.array_equal(curve.data, expected[:-1, None])
    assert np.array_equal(curve.label, expected[1:, None])


def test_the_test_curve_is_a_cosine_without_noise():
    curve = SinCurve(train=False)
    assert curve.data.shape == curve.label.shape == (999, 1)
    assert np.array_equal(curve.data[:, 0], np.cos(np.linspace(0, 2 * np.pi, 1000))[:-1])
    assert np.array_equal(curve.label[:-1], curve.data[1:])


@pytest.fixture
def put(tmp_path, monkeypatch):
    """Puts a text into an empty cache and lets its checksum be the right one."""
    monkeypatch.setattr(download, "cache_dir", str(tmp_path))

    def put_text(content):
        (tmp_path / "shakespear.txt").write_bytes(content)
        checksum = hashlib.sha256(content).hexdigest()
        monkeypatch.setattr(sequences, "_SHAKESPEARE_SHA256", checksum)

    return put_text


def test_characters_are_numbered_as_they_first_occur(put):
    put(b"to be\nto")
    text = Shakespear()
    assert text.char_to_id == {"t": 0, "o": 1, " ": 2, "b": 3, "e": 4, "\n": 5}
    assert "".join(text.id_to_char[int(number)] for number in text.data) == "to be\nt"
    assert text.label.tolist() == [1, 2, 3, 4, 5, 0, 1]
    assert text[0] == (0, 1)
    assert text.data.dtype == np.int64


def test_a_file_that_is_not_text_is_refused(put):
    put(b"\xff\xfe\xfa")
    with pytest.raises(DataError, match=r"shakespear\.txt is not a text"):
        Shakespear()


def test_another_text_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(download, "cache_dir", str(tmp_path))
    (tmp_path / "shakespear.txt").write_bytes(b"Faust")
    with pytest.raises(DownloadError, match="is damaged or another file"):
        Shakespear()
