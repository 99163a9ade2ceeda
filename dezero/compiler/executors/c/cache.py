"""The cache of compiled files: private to the user, verified, bounded.

A file is named by what it was made from and by its own content, which is compared before it is
loaded. It comes into its place by being renamed, so that nobody ever sees half of one.
"""

from __future__ import annotations

import atexit
import os
import shutil
import stat
import tempfile
import time
from functools import cache
from hashlib import blake2b
from pathlib import Path

LIMIT = 512 * 2**20  # bytes of all files together
STALE = 3600  # seconds after which a file that was never renamed is nobody's


def digest(*parts: str | bytes) -> str:
    """A name for what the parts hold."""
    state = blake2b(digest_size=12)
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        state.update(len(data).to_bytes(8, "little") + data)
    return state.hexdigest()


def cache_directory() -> Path:
    """The user's own directory of compiled files; a temporary one if that can't be had."""
    try:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        directory = base / "dezero" / "compiled"
        base.mkdir(parents=True, exist_ok=True)
        for path in (directory.parent, directory):  # whoever writes above could exchange it
            path.mkdir(exist_ok=True, mode=0o700)
            if not private(path):
                return temporary_directory()
        if os.access(directory, os.W_OK | os.X_OK):
            return directory
    except (OSError, RuntimeError):  # the latter: there is no home
        pass
    return temporary_directory()


def private(path: Path) -> bool:
    """Whether only this user can write to a file or directory. Never so where nobody can tell."""
    found = path.stat()
    if not hasattr(os, "getuid") or found.st_uid != os.getuid():
        return False
    return not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


@cache
def temporary_directory() -> Path:
    """A directory for this process, removed at its end."""
    directory = Path(tempfile.mkdtemp(prefix="dezero-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return directory


def find(key: str) -> Path | None:
    """The whole and private file of this key; what is damaged is removed."""
    try:
        directory = cache_directory()
        names = [name for name in os.listdir(directory) if name.startswith(key)]
        for path in (directory / name for name in names if name.endswith(".so")):
            if private(path) and digest(path.read_bytes()) == path.stem.rpartition("-")[2]:
                os.utime(path)  # used: it is not the next to go
                return path
            path.unlink(missing_ok=True)
    except OSError:  # another process has removed it, or the directory
        pass
    return None


def store(built: Path, key: str) -> Path:
    """Copy a compiled file into the cache. Where it lies now: there, or where it was."""
    directory = cache_directory()
    partial = None
    try:
        content = built.read_bytes()
        handle, partial = tempfile.mkstemp(dir=directory, prefix="new-")  # for the owner only
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        path = directory / f"{key}-{digest(content)}.so"
        os.replace(partial, path)
    except OSError:  # the disk is full, or the directory is gone
        if partial is not None:
            Path(partial).unlink(missing_ok=True)
        return built
    tidy(directory, path)
    return path


def tidy(directory: Path, new: Path) -> None:
    """Remove what was not used for longest until the rest is within the limit, never `new`."""
    found = []
    now = time.time()
    for path in directory.iterdir():
        try:
            seen = path.stat()
            if path.name.startswith("new-") and now - seen.st_mtime > STALE:
                path.unlink(missing_ok=True)
            elif path.suffix == ".so" and path != new:
                found.append((seen.st_mtime, seen.st_size, path))
        except OSError:  # another process was quicker
            continue
    room = LIMIT - new.stat().st_size
    for _, size, path in sorted(found, reverse=True):
        room -= size
        if room < 0:
            path.unlink(missing_ok=True)
