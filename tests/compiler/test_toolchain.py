"""The C compiler and its cache: missing, broken, damaged, not writable, not private."""

import os
import stat

import numpy as np
import pytest

from dezero.compiler import compile
from dezero.compiler.executors.c.toolchain import NoCompiler, cache_directory, compiler


def has_compiler():
    try:
        return bool(compiler())
    except NoCompiler:
        return False


NEEDS_C = pytest.mark.skipif(not has_compiler(), reason="there is no C compiler")


def replays(step):
    return sum(path.runs for path in step.all_paths())


def test_without_a_compiler_numpy_does_it(monkeypatch):
    monkeypatch.setenv("CC", "there-is-no-such-compiler")
    step = compile(lambda x: x * 2 + 1)
    for k in range(5):
        np.testing.assert_array_equal(step(np.full(2, k)), 2 * np.full(2, k) + 1)
    assert replays(step) == 2
    assert "no C compiler" in step.report()


def test_a_broken_compiler_leaves_numpy(monkeypatch, tmp_path):
    broken = tmp_path / "cc"
    broken.write_text("#!/bin/sh\necho out of order >&2\nexit 1\n")
    broken.chmod(0o700)
    monkeypatch.setenv("CC", str(broken))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    step = compile(lambda x: x * 3 + 1)
    for k in range(5):
        np.testing.assert_array_equal(step(np.full(2, k)), 3 * np.full(2, k) + 1)
    assert "out of order" in step.report()


@NEEDS_C
def test_a_damaged_cache_is_made_anew(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for _ in range(2):
        step = compile(lambda x: np.exp(x) * 5)
        for k in range(5):
            y = step(np.full(2, float(k)))
            np.testing.assert_allclose(y, np.exp(np.full(2, float(k))) * 5, rtol=1e-15 * 4)
        files = list(cache_directory().glob("*.so"))
        assert len(files) == 1
        assert step.all_paths()[0].executor.name == "C"
        damaged = tmp_path / "damaged"  # a new file: the old one is loaded
        damaged.write_bytes(b"not a library")
        os.replace(damaged, files[0])
    assert stat.S_IMODE(cache_directory().stat().st_mode) == 0o700


@NEEDS_C
def test_a_cache_that_cannot_be_written(monkeypatch, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    step = compile(lambda x: x * 7 + 2)
    for k in range(5):
        np.testing.assert_array_equal(step(np.full(2, k)), 7 * np.full(2, k) + 2)
    assert step.all_paths()[0].executor.name == "C"


def test_a_cache_that_others_can_write_is_not_used(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    shared = tmp_path / "dezero" / "compiled"
    shared.mkdir(parents=True)
    shared.chmod(0o777)
    assert cache_directory() != shared
