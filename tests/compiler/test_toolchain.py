"""The C compiler: which one, its flags, and that it works beside the program."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import dezero
import dezero.functions as F
from dezero.compiler import compile
from dezero.compiler.executors.c import executor, toolchain
from dezero.compiler.executors.c.toolchain import NoCompiler, compiler, libraries, library, ready
from dezero.layers import Linear
from dezero.optimizers import Adam

SOURCE = "int answer(void) { return %d; }\n"


def found_compiler():
    try:
        return compiler().command
    except NoCompiler:
        return ()


REAL = found_compiler()
NEEDS_C = pytest.mark.skipif(not REAL, reason="there is no C compiler")


@pytest.fixture(autouse=True)
def waits_for_the_compiler():
    """Here it works in the background, as it does for users."""


@pytest.fixture(autouse=True)
def fresh(monkeypatch, tmp_path):
    """A program that has just begun, with an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(toolchain, "loaded", {})


@pytest.fixture
def script(monkeypatch, tmp_path):
    """Makes a shell script the C compiler; in it `$REAL` is the real one."""

    def write(text):
        path = tmp_path / "fake-cc"
        path.write_text(f"#!/bin/sh\nREAL='{' '.join(REAL)}'\n{text}\n")
        path.chmod(0o700)
        monkeypatch.setenv("CC", str(path))
        return path

    return write


def doubled():
    step = compile(lambda x: x * 2 + 1)
    for k in range(5):
        np.testing.assert_array_equal(step(np.full(2, k)), 2 * np.full(2, k) + 1)
        step.wait()
    return step


def test_without_a_compiler_numpy_does_it(monkeypatch):
    monkeypatch.setenv("CC", "there-is-no-such-compiler")
    step = doubled()
    assert sum(path.runs for path in step.all_paths()) == 2
    assert "runs in NumPy: no C compiler is there" in step.report()


def test_a_broken_compiler_leaves_numpy(script):
    script("echo out of order >&2; exit 1")
    step = doubled()
    assert step.all_paths()[0].executor.name == "NumPy"
    assert "out of order" in step.report()


def test_a_compiler_that_makes_nothing_leaves_numpy(script):
    script("exit 0")
    assert "ended with 0" in doubled().report()


@NEEDS_C
def test_a_compiler_that_makes_no_library_leaves_numpy(script):
    script("for last; do :; done; echo nonsense > step.so")
    step = doubled()
    assert step.all_paths()[0].executor.name == "NumPy"
    assert step.all_paths()[0].fallback


def test_a_compiler_that_takes_too_long_is_ended(script, monkeypatch, tmp_path):
    script(f"sleep 1000 & echo $! > {tmp_path}/child; wait")
    monkeypatch.setattr(toolchain, "SECONDS", 0.5)
    step = doubled()
    assert "took more than 0.5 seconds" in step.report()
    assert gone(int((tmp_path / "child").read_text()))


def gone(pid):
    """Whether a process ends, or has ended and waits for its parent to notice."""
    for _ in range(200):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


@NEEDS_C
def test_numpy_carries_on_while_the_compiler_works(script, tmp_path):
    go = tmp_path / "go"
    script(f'while [ ! -e {go} ]; do sleep 0.02; done; exec $REAL "$@"')

    def made():
        np.random.seed(0)
        layer = Linear(3, in_size=4)
        rule = Adam().setup(layer)

        def step(x):
            loss = F.mean(layer(x) ** 2)
            layer.cleargrads()
            loss.backward()
            rule.update()
            return loss

        return layer, step

    (eager_layer, eager), (layer, step) = made(), made()
    step = compile(step)
    arrays = [p.data for p in layer.params()]
    names = []
    for k in range(14):
        if k == 9:
            go.touch()
            step.wait()
        x = np.random.default_rng(k).standard_normal((5, 4)).astype(np.float32)
        np.testing.assert_allclose(step(x).data, eager(x).data, rtol=1e-5)
        names += [path.executor.name for path in step.all_paths()]
        if names[-1:] == ["NumPy"]:
            assert "until the C compiler is done" in step.report()
    assert names == ["NumPy"] * 7 + ["C"] * 5
    assert step.all_paths()[0].runs == 11
    for p, q, array in zip(eager_layer.params(), layer.params(), arrays, strict=True):
        np.testing.assert_allclose(q.data, p.data, rtol=1e-4, atol=1e-6)
        assert q.data is array


def test_the_program_ends_while_the_compiler_works(script, tmp_path):
    script(f"sleep 1000 & echo $! > {tmp_path}/child; mv {tmp_path}/child {tmp_path}/pid; wait")
    (tmp_path / "temporary").mkdir()
    program = f"""
import os, time
import numpy as np
from dezero.compiler import compile
step = compile(lambda x: x * 2 + 1)
for k in range(5):
    step(np.ones(2))
while not os.path.exists("{tmp_path}/pid"):
    time.sleep(0.01)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=Path(dezero.__file__).parents[1],
        env={**os.environ, "TMPDIR": str(tmp_path / "temporary")},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert gone(int((tmp_path / "pid").read_text()))
    assert not list((tmp_path / "temporary").iterdir())


@NEEDS_C
def test_flags_that_a_compiler_does_not_know_are_left_out(script, tmp_path):
    script(
        f'echo "$@" >> {tmp_path}/calls\n'
        'case "$*" in *-march=*) echo "unknown -march" >&2; exit 1;; esac; exec $REAL "$@"'
    )
    assert library(SOURCE % 1).answer() == 1
    last = (tmp_path / "calls").read_text().splitlines()[-1]
    assert "-march" not in last
    assert "-ffp-contract=off" in last


@NEEDS_C
def test_a_compiler_with_arguments(monkeypatch):
    monkeypatch.setenv("CC", f"{' '.join(REAL)} -DNUMBER=12 '-DMORE=1 + 1'")
    assert library("int answer(void) { return NUMBER + (MORE); }\n").answer() == 14


@NEEDS_C
def test_zig_is_a_compiler(monkeypatch, tmp_path):
    package = tmp_path / "ziglang"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text(
        "import os, sys\n"
        f"assert sys.argv[1] == 'cc'\nos.execv({REAL[0]!r}, [{REAL[0]!r}, *sys.argv[2:]])\n"
    )
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(toolchain.shutil, "which", lambda name: None)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert compiler().command == (sys.executable, "-m", "ziglang", "cc")
    assert library(SOURCE % 2).answer() == 2


@NEEDS_C
def test_the_instruction_set_can_be_named(monkeypatch):
    monkeypatch.setattr(toolchain.platform, "machine", lambda: "x86_64")
    keys = set()
    for march in (None, "x86-64", "x86-64-v3", "x86-64-v4"):
        if march is None:
            monkeypatch.delenv("DEZERO_MARCH", raising=False)
        else:
            monkeypatch.setenv("DEZERO_MARCH", march)
        chosen = compiler()
        assert f"-march={march or 'native'}" in chosen.wanted
        if march is not None:
            wide = "-mprefer-vector-width=512" in chosen.wanted
            assert wide == (march == "x86-64-v4")
        keys.add(chosen.key(SOURCE, ()))
    assert len(keys) == 4
    monkeypatch.setattr(toolchain.platform, "machine", lambda: "arm64")
    monkeypatch.delenv("DEZERO_MARCH")
    assert "-mcpu=native" in compiler().wanted


@NEEDS_C
def test_flags_are_part_of_what_is_asked_for():
    source = "#ifndef N\n#define N 0\n#endif\nint answer(void) { return N; }\n"
    assert not ready(source)
    assert library(source).answer() == 0
    assert ready(source)
    assert not ready(source, ["-DN=3"])
    assert library(source, ["-DN=3"]).answer() == 3
    assert library(source).answer() == 0


@NEEDS_C
def test_several_sources_at_once(script, tmp_path):
    log = tmp_path / "log"
    script(f'echo + >> {log}; $REAL "$@"; code=$?; echo - >> {log}; exit $code')
    found = libraries([SOURCE % k for k in (0, 1, 2, 3, 4, 5, 1)])
    assert [x.answer() for x in found] == [0, 1, 2, 3, 4, 5, 1]
    marks = log.read_text().split()
    at_work = np.cumsum([1 if mark == "+" else -1 for mark in marks])
    assert marks.count("+") == 6
    assert 1 <= at_work.max() <= (os.cpu_count() or 1)


@NEEDS_C
def test_one_source_of_several_that_is_wrong():
    with pytest.raises(NoCompiler, match="error"):
        libraries([SOURCE % 1, "this is no C\n"])
    assert library(SOURCE % 1).answer() == 1


@NEEDS_C
def test_products_without_blas_are_numpys(monkeypatch):
    """What native code leaves out because a product absorbs it, is not forgotten there."""
    monkeypatch.setattr(executor, "blas", lambda: None)
    rng = np.random.default_rng(0)
    a, b, c, d = (rng.random((5, 5)) for _ in range(4))
    step = compile(lambda a, c: 2.0 * F.matmul(a, b) + F.matmul(c, d) * 3.0)
    for _ in range(5):
        found = step(a, c)
        step.wait()
    np.testing.assert_allclose(found.data, 2 * (a @ b) + 3 * (c @ d), rtol=1e-14)
    assert "matmul" in step.report()
    assert step.all_paths()[0].executor.name == "C"


@NEEDS_C
def test_products_of_two_dtypes_are_numpys():
    rng = np.random.default_rng(0)
    a, c = rng.random((10, 5)), rng.random((10, 5))
    b, d = (rng.random((5, 5)).astype(np.float32) for _ in range(2))
    step = compile(lambda a, c: F.matmul(a, b) + F.matmul(c, d))
    for _ in range(5):
        found = step(a, c)
        step.wait()
    np.testing.assert_allclose(found.data, a @ b + c @ d, rtol=1e-14)
    assert step.all_paths()[0].runs == 2
