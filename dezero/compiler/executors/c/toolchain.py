"""The user's C compiler, and the cache of what it has compiled.

A file of the cache is named by what it was made from and by its own content, which is verified
before it is loaded. The directory belongs to the user alone.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import platform
import shutil
import stat
import subprocess
import tempfile
from functools import cache
from hashlib import blake2b
from pathlib import Path

FLAGS: tuple[str, ...] = (
    "-O2",
    "-fopenmp-simd",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-ffp-contract=off",
)
FLAGS += ("-fwrapv", "-shared", "-fPIC", "-w", "-std=gnu11")
SECONDS = 120  # after which a compiler is given up


class NoCompiler(Exception):
    """There is no C compiler that works; the message says what was tried."""


@cache
def cpu() -> str:
    """What distinguishes this processor from others for which code may have been compiled."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        found = {line for line in lines if line.startswith(("flags", "model name", "Features"))}
        return "\n".join(sorted(found))
    except OSError:
        return platform.processor() + platform.machine()


def compiler() -> str:
    """The path of the C compiler: of the variable CC, else cc, gcc or clang.

    Raises:
        NoCompiler: None is there.
    """
    asked = os.environ.get("CC")
    names = [asked] if asked else ["cc", "gcc", "clang"]
    for name in names:
        found = shutil.which(name)
        if found:
            return found
    raise NoCompiler(f"no C compiler is there: looked for {', '.join(names)}")


def cache_directory() -> Path:
    """The user's own directory of compiled files; a temporary one if that can't be had."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    directory = base / "dezero" / "compiled"
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        found = directory.stat()
        private = not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        if private and found.st_uid == os.getuid() and os.access(directory, os.W_OK | os.X_OK):
            return directory
    except (OSError, AttributeError):
        pass
    return temporary_directory()


@cache
def temporary_directory() -> Path:
    """A directory for this process, removed at its end."""
    directory = Path(tempfile.mkdtemp(prefix="dezero-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return directory


def digest(*parts: str | bytes) -> str:
    """A name for what the parts hold."""
    state = blake2b(digest_size=12)
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        state.update(len(data).to_bytes(8, "little") + data)
    return state.hexdigest()


def library(source: str) -> ctypes.CDLL:
    """The compiled and loaded source, from the cache if it is there and whole.

    Raises:
        NoCompiler: It could not be compiled.
    """
    program = compiler()
    version = str(Path(program).resolve().stat().st_mtime_ns)
    key = digest(source, program, version, " ".join(FLAGS), cpu())
    directory = cache_directory()
    for path in directory.glob(f"{key}-*.so"):
        if digest(path.read_bytes()) == path.stem.rpartition("-")[2]:
            return ctypes.CDLL(str(path))
        path.unlink(missing_ok=True)  # damaged
    return ctypes.CDLL(str(compiled(source, program, directory, key)))


def compiled(source: str, program: str, directory: Path, key: str) -> Path:
    """Compile into a file of the cache: under a temporary name first, then renamed."""
    with tempfile.TemporaryDirectory(dir=directory) as working:
        (Path(working) / "step.c").write_text(source)
        built = Path(working) / "step.so"
        problem = ""
        for native in (("-march=native",), ()):  # not every compiler knows the first
            command = [program, *FLAGS, *native, "step.c", "-o", "step.so", "-lm"]
            try:
                done = subprocess.run(
                    command, cwd=working, capture_output=True, timeout=SECONDS, check=False
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                raise NoCompiler(f"{program}: {error}") from None
            if done.returncode == 0 and built.exists():
                path = directory / f"{key}-{digest(built.read_bytes())}.so"
                os.replace(built, path)
                return path
            problem = done.stderr.decode(errors="replace").strip()[:300]
    raise NoCompiler(f"{program} failed: {problem}")
