"""Memory of this process, as Linux reports it; elsewhere None."""

from __future__ import annotations

import contextlib
from pathlib import Path

STATUS = Path("/proc/self/status")
CLEAR = Path("/proc/self/clear_refs")


def _status(name: str) -> int | None:
    """A line of the status file, in bytes."""
    if not STATUS.exists():
        return None
    for line in STATUS.read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    return None


def resident() -> int | None:
    """Bytes of memory that the process holds now."""
    return _status("VmRSS:")


def peak() -> int | None:
    """The most that `resident` has been since `forget_peak`."""
    return _status("VmHWM:")


def forget_peak() -> None:
    """Start the peak anew; where that is not allowed it counts from the process's start."""
    with contextlib.suppress(OSError):
        CLEAR.write_text("5")
