"""The libraries that are measured, each in worker processes of its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from .compiled import Watched

C_COMPILERS = [os.environ["CC"]] if os.environ.get("CC") else ["cc", "gcc", "clang"]
ROOT = Path(__file__).resolve().parent.parent


def unwrapped(function: Any, **options: Any) -> Any:
    """The compiler of an eager column: none."""
    return function


def native() -> Callable[..., Any]:
    """Our compiler, which writes C."""
    return Watched("c")


def in_numpy() -> Callable[..., Any]:
    """Our compiler where there is none for C."""
    return Watched("numpy")


def torch_compile() -> Callable[..., Any]:
    """PyTorch's compiler."""
    import torch

    return torch.compile


def jax_jit() -> Callable[..., Any]:
    """JAX's compiler."""
    import jax

    return jax.jit


def tiny_jit() -> Callable[..., Any]:
    """tinygrad's compiler of whole steps."""
    from tinygrad import TinyJit

    return TinyJit


@dataclass(frozen=True)
class Column:
    """A library, in one way of using it."""

    name: str
    title: str
    module: str
    package: str = ""  # on the package index, where that is not the module's name
    read: Callable[[Any], Any] = np.asarray  # what a step returns, as an array
    compiler: Callable[[], Callable[..., Any]] | None = None

    def wrap(self) -> Callable[..., Any]:
        """What the cases of this column put around the function that is to be compiled."""
        return self.compiler() if self.compiler else unwrapped

    def missing(self, original: Path | None) -> str | None:
        """Why this column cannot be measured here, or None."""
        if self.name == "original":
            return None if original else "not fetched (see --original)"
        if find_spec(self.module) is None:
            return "not installed"
        if self.compiler is native and not any(map(shutil.which, C_COMPILERS)):
            return "needs a C compiler"
        if self.module == "tinygrad" and not shutil.which("clang"):
            return "needs the compiler clang for its CPU device"
        return None


def from_dezero(x: Any) -> Any:
    """The array of a Variable, ours and the original's alike."""
    return x.data


def from_torch(x: Any) -> Any:
    """The array of a tensor."""
    return x.detach().numpy()


def from_tinygrad(x: Any) -> Any:
    """The array of a lazy tensor."""
    return x.numpy()


def from_mygrad(x: Any) -> Any:
    """The array of a tensor; gradients are arrays already."""
    return getattr(x, "data", x)


COLUMNS = [
    Column("ours", "DeZero", "dezero", read=from_dezero),
    Column("ours.compile", "DeZero compiled", "dezero", read=from_dezero, compiler=native),
    Column("ours.numpy", "DeZero compiled to NumPy", "dezero", read=from_dezero, compiler=in_numpy),
    Column("torch", "PyTorch", "torch", read=from_torch),
    Column("original", "original DeZero", "dezero", read=from_dezero),
    Column("autograd", "autograd", "autograd"),
    Column("mygrad", "MyGrad", "mygrad", read=from_mygrad),
    Column("jax", "JAX", "jax"),
    Column("jax.jit", "JAX jit", "jax", compiler=jax_jit),
    Column("tinygrad", "tinygrad", "tinygrad", read=from_tinygrad),
    Column("tinygrad.jit", "tinygrad jit", "tinygrad", read=from_tinygrad, compiler=tiny_jit),
    Column("torch.compile", "torch.compile", "torch", read=from_torch, compiler=torch_compile),
    Column("numpy", "NumPy", "numpy"),
]
BY_NAME = {column.name: column for column in COLUMNS}
LIGHT = ("original", "autograd", "mygrad", "numpy")  # peers that start at once


def environment(column: Column, threads: int, original: Path | None) -> dict[str, str]:
    """The environment of a worker: as many threads in every library, no accelerator."""
    env = dict(os.environ)
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed library has its bytecode
    paths = [str(ROOT)]
    if column.name == "original":
        paths.insert(0, str(original))
    env["PYTHONPATH"] = os.pathsep.join(paths)
    for name in (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
        "NPROC",  # XLA
        "CPU_COUNT",  # tinygrad
    ):
        env[name] = str(threads)
    env["XLA_FLAGS"] = f"--xla_cpu_multi_thread_eigen={'true' if threads > 1 else 'false'}"
    env |= {"CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu", "DEV": "CPU"}
    return env
