"""Whole processes: what it takes to import a library."""

from __future__ import annotations

import subprocess
import sys

from ..row import Build, Row, Setup, Step

IMPORT = Row(
    "import",
    "import",
    "A Python process that imports the library and ends; bytecode and files are cached.",
    goals={"torch": 0.12, "numpy": 1.4},
    absent={
        "jax.jit": "the same module as JAX",
        "tinygrad.jit": "the same module as tinygrad",
        "torch.compile": "the same module as PyTorch",
    },
)

ROWS = [IMPORT]

PROGRAMS = {
    "ours": "import dezero",
    "original": "import numpy; numpy.int = int; import dezero",
    "torch": "import torch",
    "autograd": "import autograd",
    "mygrad": "import mygrad",
    "jax": "import jax",
    "tinygrad": "import tinygrad",
    "numpy": "import numpy",
}


def process(program: str) -> Build:
    """A case that runs this program."""

    def build(setup: Setup) -> Step:
        def step() -> None:
            subprocess.run([sys.executable, "-P", "-c", program], check=True)

        return step

    return build


for column, program in PROGRAMS.items():
    IMPORT.on(column)(process(program))
