"""The cache of compiled files: damaged, not writable, not private, full, shared, bounded."""

import errno
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import dezero
from dezero.compiler import compile
from dezero.compiler.executors.c import cache, toolchain
from dezero.compiler.executors.c.cache import cache_directory, temporary_directory
from dezero.compiler.executors.c.toolchain import NoCompiler, compiler, library

SOURCE = "int answer(void) { return %d; }\n"


def has_compiler():
    try:
        return bool(compiler())
    except NoCompiler:
        return False


pytestmark = pytest.mark.skipif(not has_compiler(), reason="there is no C compiler")


@pytest.fixture(autouse=True)
def waits_for_the_compiler():
    """Here it works in the background, as it does for users."""


@pytest.fixture(autouse=True)
def directory(monkeypatch, tmp_path):
    """The cache of a program that has just begun, in a place of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(toolchain, "loaded", {})
    return tmp_path / "dezero" / "compiled"


def files(directory):
    return sorted(directory.glob("*.so"))


def begin_anew(monkeypatch):
    """As another process would find things: nothing is loaded."""
    monkeypatch.setattr(toolchain, "loaded", {})


def no_compiler(monkeypatch):
    """From now on whatever is not in the cache fails."""

    def forbidden(*args):
        raise NoCompiler("compiled again")

    monkeypatch.setattr(toolchain, "compiled", forbidden)


def check_step():
    step = compile(lambda x: np.exp(x) * 5)
    for k in range(6):
        x = np.full(2, float(k))
        np.testing.assert_allclose(step(x), np.exp(x) * 5, rtol=1e-15 * 4)
        step.wait()
    assert step.all_paths()[0].executor.name == "C"


def test_what_was_compiled_is_found(monkeypatch, directory):
    check_step()
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    for file in files(directory):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert files(directory) == sorted(directory.iterdir())
    begin_anew(monkeypatch)
    no_compiler(monkeypatch)
    step = compile(lambda x: np.exp(x) * 5)  # in another line of the program
    for _ in range(3):
        step(np.ones(2))
    assert step.all_paths()[0].executor.name == "C"  # at once


@pytest.mark.parametrize(
    "damage",
    [lambda b: b[: len(b) // 2], lambda b: b"not a library", lambda b: b"", lambda b: b[:-1]],
)
def test_a_damaged_file_is_made_anew(monkeypatch, directory, damage):
    check_step()
    old = files(directory)
    for file in old:
        new = directory / "damaged"  # a new file: the old one is loaded
        new.write_bytes(damage(file.read_bytes()))
        os.replace(new, file)
    begin_anew(monkeypatch)
    check_step()
    for file in files(directory):
        assert cache.digest(file.read_bytes()) == file.stem.rpartition("-")[2]


def test_a_whole_file_that_is_no_library_is_made_anew(monkeypatch, directory):
    key = compiler().key(SOURCE % 3, ())
    library(SOURCE % 3)
    content = b"whole, but no library"
    for file in files(directory):
        file.unlink()
    (directory / f"{key}-{cache.digest(content)}.so").write_bytes(content)
    begin_anew(monkeypatch)
    assert library(SOURCE % 3).answer() == 3


def test_a_file_that_others_can_write_is_not_loaded(monkeypatch, directory):
    library(SOURCE % 4)
    for file in files(directory):
        file.chmod(0o666)
    begin_anew(monkeypatch)
    no_compiler(monkeypatch)
    with pytest.raises(NoCompiler, match="compiled again"):
        library(SOURCE % 4)


def test_a_cache_that_cannot_be_made(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    check_step()
    assert cache_directory() == temporary_directory()


def test_a_cache_that_cannot_be_written(monkeypatch, directory):
    access = os.access
    monkeypatch.setattr(os, "access", lambda p, mode: p != directory and access(p, mode))
    check_step()
    assert not files(directory)


@pytest.mark.parametrize("name", ["mkstemp", "replace"])
def test_a_full_disk(monkeypatch, directory, name):
    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cache.os if name == "replace" else cache.tempfile, name, full)
    check_step()
    assert not list(directory.iterdir())


def test_a_cache_that_is_removed_meanwhile(monkeypatch, directory):
    check_step()
    for file in files(directory):
        file.unlink()
    directory.rmdir()
    begin_anew(monkeypatch)
    check_step()
    assert files(directory)


@pytest.mark.parametrize("mode", [0o777, 0o770])
@pytest.mark.parametrize("above", [0, 1])
def test_a_cache_that_others_can_write_is_not_used(directory, mode, above):
    directory.mkdir(parents=True)
    [directory, directory.parent][above].chmod(mode)
    assert cache_directory() != directory
    check_step()
    assert not files(directory)


def test_the_cache_is_bounded(monkeypatch, directory):
    for k in range(5):
        library(SOURCE % k)
        for file in files(directory):
            age = file.stat().st_mtime - 100
            os.utime(file, (age, age))
    begin_anew(monkeypatch)
    assert library(SOURCE % 0).answer() == 0  # the oldest file, but the last that was used
    size = files(directory)[0].stat().st_size
    monkeypatch.setattr(cache, "LIMIT", 3 * size + size // 2)
    partial = directory / "new-abandoned"
    partial.write_text("half of a file")
    os.utime(partial, (0, 0))
    library(SOURCE % 5)
    assert len(files(directory)) == 3
    assert not partial.exists()
    begin_anew(monkeypatch)
    no_compiler(monkeypatch)
    assert [library(SOURCE % k).answer() for k in (0, 4, 5)] == [0, 4, 5]
    with pytest.raises(NoCompiler):
        library(SOURCE % 1)


def test_threads_that_want_the_same(directory):
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda k: library(SOURCE % (k % 2)).answer(), range(16)))
    assert found == [0, 1] * 8
    assert len(files(directory)) == 2


def test_processes_that_want_the_same(directory):
    program = (
        "import sys; from dezero.compiler.executors.c.toolchain import library; "
        f"sys.exit(library({SOURCE % 7!r}).answer())"
    )
    root = Path(dezero.__file__).parents[1]
    running = [subprocess.Popen([sys.executable, "-c", program], cwd=root) for _ in range(4)]
    assert [process.wait() for process in running] == [7] * 4
    assert files(directory) == sorted(directory.iterdir())
    assert files(directory)
