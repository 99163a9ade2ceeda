"""The user's C compiler: found, asked what it understands, and run beside the program.

Every source is compiled in a thread of its own, which waits for the compiler. `library` waits as
well, unless it is called where `deferred` holds: then it raises NotReady, and is called again
when the compiler is done.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import platform
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import BoundedSemaphore, Event, Lock, Thread
from typing import IO

from .cache import digest, find, store, temporary_directory

FLAGS: tuple[str, ...] = ("-O2", "-shared", "-fPIC", "-w", "-std=gnu11")
# what a compiler may lack: without these the code is slower, or as right
WANTED: tuple[str, ...] = ("-fopenmp-simd", "-fno-math-errno", "-fno-trapping-math")
WANTED += ("-ffp-contract=off", "-fwrapv")
# GCC 12 gives wrong sums and maxima in vectors whose length it does not know, SVE's
FIXED_VECTORS = ("--param=aarch64-autovec-preference=1", "-mautovec-preference=asimd-only")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
SECONDS = 120  # after which a compiler is given up
LEAVING = 5  # seconds at most that the end of the program waits for what began a compiler

__all__ = ["Compiler", "NoCompiler", "NotReady", "compiler", "deferring", "digest", "libraries"]
__all__ += ["library", "ready"]

Unit = tuple[str, Sequence[str]]  # a source, and flags that it needs
deferred: ContextVar[bool] = ContextVar("deferred", default=False)
processors = BoundedSemaphore(os.cpu_count() or 1)
ending = Event()  # the program is about to end
lock = Lock()  # guards the next three
loaded: dict[str, ctypes.CDLL] = {}
jobs: dict[str, Job] = {}
running: set[subprocess.Popen[bytes]] = set()


class NoCompiler(Exception):
    """There is no C compiler that works; the message says what was tried."""


class NotReady(Exception):
    """The sources are being compiled; `jobs` can be waited for."""

    def __init__(self, waiting: list[Job]) -> None:
        super().__init__("the C compiler is at work")
        self.jobs = waiting


@dataclass(frozen=True)
class Compiler:
    """A C compiler with everything that its results depend on.

    Attributes:
        command: How it is called.
        wanted: Flags that it gets if it understands them.
        identity: What distinguishes it from others, and this processor from others.
    """

    command: tuple[str, ...]
    wanted: tuple[str, ...]
    identity: str

    def key(self, source: str, flags: Sequence[str]) -> str:
        """The name of what it makes of a source; comments, lines of programs, do not count."""
        code = COMMENT.sub(" ", source)
        return digest(code, *self.command, self.identity, *FLAGS, *self.wanted, "", *flags)


@cache
def cpu() -> str:
    """What distinguishes this processor from others for which code may have been compiled."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        found = {line for line in lines if line.startswith(("flags", "model name", "Features"))}
        return "\n".join(sorted(found))
    except OSError:
        return platform.processor() + platform.machine()


def compiler() -> Compiler:
    """The C compiler: of the variable CC, else cc, gcc, clang or the package ziglang's.

    The variable DEZERO_MARCH names another instruction set than this processor's own, such as
    `x86-64-v3`.

    Raises:
        NoCompiler: None is there.
    """
    asked = shlex.split(os.environ.get("CC", ""))
    candidates = [asked] if asked else [["cc"], ["gcc"], ["clang"]]
    for first, *rest in candidates:
        found = shutil.which(first)
        if found:
            return described((found, *rest), found)
    if not asked and (zig := find_spec("ziglang")) is not None and zig.origin:
        return described((sys.executable, "-m", "ziglang", "cc"), zig.origin)
    names = ", ".join(candidate[0] for candidate in candidates)
    raise NoCompiler(f"no C compiler is there: looked for {names}")


def described(command: tuple[str, ...], program: str) -> Compiler:
    """The compiler of a command, whose file is `program`."""
    seen = Path(program).resolve().stat()
    identity = f"{seen.st_mtime_ns} {seen.st_size} {cpu()}"
    return Compiler(command, (*WANTED, *machine_flags(os.environ.get("DEZERO_MARCH"))), identity)


def machine_flags(march: str | None) -> tuple[str, ...]:
    """The flags for an instruction set; for that of this processor if there is no name."""
    if platform.machine() in ("arm64", "aarch64"):
        return (f"-march={march}" if march else "-mcpu=native", *FIXED_VECTORS)
    flags = (f"-march={march or 'native'}",)
    wide = march == "x86-64-v4" or (march is None and "avx512f" in cpu().split())
    return (*flags, "-mprefer-vector-width=512") if wide else flags


def ready(source: str, flags: Sequence[str] = ()) -> bool:
    """Whether `library` would return at once: the source has been compiled before.

    Raises:
        NoCompiler: There is none.
    """
    key = compiler().key(source, flags)
    return key in loaded or find(key) is not None


def library(source: str, flags: Sequence[str] = ()) -> ctypes.CDLL:
    """The compiled and loaded source, from the cache if it is there and whole.

    Raises:
        NoCompiler: It could not be compiled.
        NotReady: It is being compiled, and `deferred` holds.
    """
    return libraries([source], flags)[0]


def libraries(sources: Sequence[str], flags: Sequence[str] = ()) -> list[ctypes.CDLL]:
    """As `library`, of several sources, as many at once as there are processors."""
    return built([(source, flags) for source in sources])


def begin(units: Sequence[Unit]) -> tuple[list[str], list[Job]]:
    """The keys of sources with flags of their own, and the compilations that have begun.

    Raises:
        NoCompiler: There is none.
    """
    program = compiler()
    keys = [program.key(*unit) for unit in units]
    waiting = []
    for key, (source, flags) in zip(keys, units, strict=True):
        if key not in loaded and not from_cache(key):
            waiting.append(started(key, source, program, flags))
    return keys, waiting


def built(units: Sequence[Unit]) -> list[ctypes.CDLL]:
    """As `libraries`, of sources with flags of their own."""
    keys, waiting = begin(units)
    if waiting and deferred.get():
        raise NotReady(waiting)
    for job in waiting:
        job.join()
        if job.error is not None:
            raise NoCompiler(job.error)
    return [loaded[key] for key in keys]


@contextmanager
def deferring() -> Iterator[None]:
    """Inside, `library` raises NotReady rather than wait for the compiler."""
    token = deferred.set(True)
    try:
        yield
    finally:
        deferred.reset(token)


def from_cache(key: str) -> bool:
    """Load a library from the cache, if it is there and can be loaded."""
    path = find(key)
    if path is None:
        return False
    try:
        loaded[key] = ctypes.CDLL(str(path))
    except OSError:  # of another system, or the directory may not hold programs
        path.unlink(missing_ok=True)
        return False
    return True


def started(key: str, source: str, program: Compiler, flags: Sequence[str]) -> Job:
    """The thread that compiles a source: a new one, or the one that is already at it."""
    with lock:
        job = jobs.get(key)
        if job is None:
            job = jobs[key] = Job(key, source, program, tuple(flags))
            job.start()
        return job


class Job(Thread):
    """Compiles and loads one source; `error` says why it could not."""

    def __init__(self, key: str, source: str, program: Compiler, flags: tuple[str, ...]) -> None:
        super().__init__(name="dezero C compiler", daemon=True)
        self.key, self.source, self.program, self.flags = key, source, program, flags
        self.error: str | None = None

    def run(self) -> None:
        try:
            with processors:
                self.compile()
        except Exception as error:  # whatever it is, NumPy carries on, and the report says why
            self.error = str(error) or type(error).__name__
        finally:
            with lock:
                del jobs[self.key]

    def compile(self) -> None:
        """Compile where nobody else writes, then move the result into the cache."""
        working = Path(tempfile.mkdtemp(dir=workplace()))
        (working / "step.c").write_text(self.source)
        built = compiled(self.program, working, self.flags)
        try:
            loaded[self.key] = ctypes.CDLL(str(store(built, self.key)))
        except OSError:  # the cache's directory may not hold programs, the temporary one may
            loaded[self.key] = ctypes.CDLL(str(built))


def compiled(program: Compiler, working: Path, flags: tuple[str, ...]) -> Path:
    """Compile step.c with all flags, or else with those that the compiler understands."""
    options = (*program.wanted, *flags)
    problem = attempt(program.command, options, working)
    if problem:
        fewer = understood(program.command, options)
        problem = attempt(program.command, fewer, working) if fewer != options else problem
    if problem:
        raise NoCompiler(f"{shlex.join(program.command)} failed: {problem}")
    return working / "step.so"


@cache
def understood(command: tuple[str, ...], options: tuple[str, ...]) -> tuple[str, ...]:
    """The options with which the compiler compiles an empty file."""
    with tempfile.TemporaryDirectory(dir=workplace()) as working:
        (Path(working) / "step.c").write_text("int nothing;\n")
        return tuple([x for x in options if not attempt(command, (x,), Path(working))])


def attempt(command: tuple[str, ...], options: tuple[str, ...], working: Path) -> str:
    """Run the compiler on step.c; what is wrong, or nothing."""
    call = [*command, *FLAGS, *options, "step.c", "-o", "step.so", "-lm"]
    with open(working / "errors", "w+b") as errors:
        process = begun(call, working, errors)
        try:
            code = process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            raise NoCompiler(f"{command[0]} took more than {SECONDS} seconds") from None
        finally:
            end(process)
        errors.seek(0)
        said = errors.read(300).decode(errors="replace").strip()
    if code == 0 and (working / "step.so").exists():
        return ""
    return said or f"it ended with {code}"


def begun(call: list[str], working: Path, errors: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a compiler, in a session of its own: it can be ended with all that it starts."""
    with lock:
        if ending.is_set():
            raise NoCompiler("the program ends")
        process = subprocess.Popen(
            call,
            cwd=working,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )
        running.add(process)
        return process


def end(process: subprocess.Popen[bytes]) -> None:
    """Make sure that a compiler runs no more, and nothing that it has started."""
    with lock:
        running.discard(process)
    if process.poll() is None:
        with suppress(OSError, AttributeError):  # it has just ended, or there are no groups
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.wait()


def end_all() -> None:
    """End every compiler when the program ends, before what they work on is removed."""
    with lock:
        ending.set()
        left, waiting = list(running), list(jobs.values())
    for process in left:
        end(process)
    for job in waiting:
        job.join(LEAVING)


@cache
def workplace() -> Path:
    """Where sources are compiled."""
    directory = temporary_directory()
    atexit.register(end_all)  # registered later, so it comes before the directory is removed
    return directory
