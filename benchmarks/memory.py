"""Memory of this process, as Linux tells it; elsewhere nothing does."""

from __future__ import annotations

import contextlib
from pathlib import Path

STATUS = Path("/proc/self/status")
CLEAR = Path("/proc/self/clear_refs")


def _status(name: str) -> int:
    """A line of the status file, in bytes; 0 where there is none."""
    if not STATUS.exists():
        return 0
    for line in STATUS.read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    return 0


def resident() -> int:
    """Bytes of memory that the process holds now."""
    return _status("VmRSS:")


def peak() -> int:
    """The most that `resident` has been since `forget_peak`."""
    return _status("VmHWM:")


def forget_peak() -> None:
    """Start the peak anew; where that is not allowed it counts from the process's start."""
    with contextlib.suppress(OSError):
        CLEAR.write_text("5")
