"""Compiling: what the first steps of a fresh process cost, with and without a cache."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from ..row import Build, Row, Setup, Step
from . import attention, mlp, recurrent

COMPILERS = ("ours.compile", "torch.compile", "jax.jit")
STEPS = (mlp.SMALL, recurrent.RNN, attention.GPT4)

COLD = [
    Row(
        f"cold-{row.key}",
        f"cold compile: {row.title}",
        "The first five calls of this step in a fresh process with no cache, less five later "
        "ones; ours end when C replays the step.",
        compiled_goals={"torch.compile": 0.1, "jax.jit": 0.8},
        size=row.size,
        quick_size=row.quick_size,
        measure="told",
    )
    for row in STEPS
]

WARM = [
    Row(
        f"warm-{row.key}",
        f"warm start: {row.title}",
        "The same in a fresh process that finds what another one has compiled.",
        at_most=0.1,
        size=row.size,
        quick_size=row.quick_size,
        measure="told",
    )
    for row in STEPS
]

ROWS = [*COLD, *WARM]


def told(row: Row, column: str, size: int, caches: str, keep: bool) -> float:
    """The seconds that a fresh process with these caches tells."""
    env = os.environ | {
        "XDG_CACHE_HOME": caches,
        "TORCHINDUCTOR_CACHE_DIR": str(Path(caches) / "torch"),
    }
    if keep:  # JAX keeps nothing on disk unless it is asked to
        env |= {
            "JAX_COMPILATION_CACHE_DIR": str(Path(caches) / "jax"),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        }
    command = [sys.executable, "-P", "-m", "benchmarks.startup", row.key, column, str(size)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError((done.stderr.strip() or "no message").splitlines()[-1])
    return float(done.stdout.splitlines()[-1])


def cold(row: Row, column: str) -> Build:
    """A case that compiles the step of a row with nothing to begin with."""

    def build(setup: Setup) -> Step:
        size = setup.size

        def step() -> float:
            with tempfile.TemporaryDirectory() as caches:
                return told(row, column, size, caches, keep=False)

        return step

    return build


def warm(row: Row, column: str) -> Build:
    """A case that compiles it with what a first process has left."""

    def build(setup: Setup) -> Step:
        size = setup.size
        caches = tempfile.TemporaryDirectory()
        told(row, column, size, caches.name, keep=True)
        return lambda: told(row, column, size, caches.name, keep=True)

    return build


for row, cold_row, warm_row in zip(STEPS, COLD, WARM, strict=True):
    for column in COMPILERS:
        cold_row.on(column)(cold(row, column))
        warm_row.on(column)(warm(row, column))
