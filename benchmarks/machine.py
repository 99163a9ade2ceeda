"""The machine that a run was made on, in words."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import numpy as np


def processor() -> str:
    """The CPU's own name for itself."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def cpus() -> int:
    """How many CPUs this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory() -> str:
    """The size of the main memory."""
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB"
    return "unknown"


def blas() -> str:
    """The linear algebra library that NumPy brings."""
    found = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return f"{found.get('name', 'unknown')} {found.get('version', '')}".strip()


def busy() -> str:
    """How much else was running: the load average of the last minute."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def described(busy_at_start: str) -> dict[str, str]:
    """What the report says of the machine."""
    return {
        "CPU": f"{processor()}, {cpus()} usable",
        "memory": memory(),
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "NumPy": f"{np.__version__} with {blas()}",
        "load before the run": busy_at_start,
    }
