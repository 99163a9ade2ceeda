"""Matrix products: the BLAS library that NumPy has loaded already."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

GEMM = (
    ("scipy_cblas_{}gemm64_", 64),
    ("cblas_{}gemm64_", 64),
    ("cblas_{}gemm64", 64),
    ("scipy_cblas_{}gemm", 32),
    ("cblas_{}gemm", 32),
)
THREADS = (
    "scipy_openblas_{}_num_threads64_",
    "scipy_openblas_{}_num_threads",
    "openblas_{}_num_threads64_",
    "openblas_{}_num_threads",
)


@dataclass(frozen=True)
class Blas:
    """Where a library's functions are.

    Attributes:
        gemm: Of "float" and "double".
        bits: Of the integers that they take.
        threads: Of the functions that set and get how many threads it uses; 0 where it has none.
    """

    gemm: dict[str, int]
    bits: int
    threads: tuple[int, int]


@cache
def blas() -> Blas | None:
    """The library; None where none with a CBLAS interface is found."""
    try:
        lines = Path("/proc/self/maps").read_text().splitlines()
    except OSError:
        return None
    paths = {line.split(maxsplit=5)[5] for line in lines if len(line.split(maxsplit=5)) == 6}
    for path in sorted(paths):
        if "openblas" in Path(path).name or "libcblas" in Path(path).name:
            found = functions(ctypes.CDLL(path))
            if found:
                return found
    return None


def functions(loaded: Any) -> Blas | None:
    """The functions of a library under one of the names in use."""
    for name, bits in GEMM:
        single, double = (address(loaded, name.format(letter)) for letter in "sd")
        if single and double:
            threads = (0, 0)
            for control in THREADS:
                pair = (
                    address(loaded, control.format("set")),
                    address(loaded, control.format("get")),
                )
                threads = pair if all(pair) and not any(threads) else threads
            return Blas({"float": single, "double": double}, bits, threads)
    return None


def address(loaded: Any, name: str) -> int:
    """Where a function of a library is; 0 if it has none of that name."""
    function = getattr(loaded, name, None)
    return ctypes.cast(function, ctypes.c_void_p).value or 0 if function is not None else 0
