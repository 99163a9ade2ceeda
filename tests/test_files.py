"""Files appear whole or not at all."""

import os

import pytest

from dezero.files import replacing


def test_replaces_at_the_end(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("old")
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["x.txt"]


def test_an_error_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(path) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["x.txt"]


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_mode_is_that_of_any_new_file(tmp_path):
    plain, path = tmp_path / "plain", tmp_path / "x"
    plain.write_text("")
    with replacing(path) as temporary:
        temporary.unlink()
        temporary.touch(mode=0o600)  # as a library does that writes secrets
    assert path.stat().st_mode == plain.stat().st_mode
