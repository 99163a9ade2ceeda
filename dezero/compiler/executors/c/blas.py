"""Matrix products: the BLAS library that NumPy has loaded already."""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path
from typing import Any

SYMBOLS = (
    ("scipy_cblas_{}gemm64_", 64),
    ("cblas_{}gemm64_", 64),
    ("cblas_{}gemm64", 64),
    ("scipy_cblas_{}gemm", 32),
    ("cblas_{}gemm", 32),
)


@cache
def gemm() -> tuple[dict[str, int], int] | None:
    """The addresses of sgemm ("float") and dgemm ("double"), and the bits of their integers.

    None where no library with a CBLAS interface is found.
    """
    try:
        lines = Path("/proc/self/maps").read_text().splitlines()
    except OSError:
        return None
    paths = {line.split(maxsplit=5)[5] for line in lines if len(line.split(maxsplit=5)) == 6}
    for path in sorted(paths):
        if "openblas" in Path(path).name or "libcblas" in Path(path).name:
            found = symbols(ctypes.CDLL(path))
            if found:
                return found
    return None


def symbols(loaded: Any) -> tuple[dict[str, int], int] | None:
    """The two functions of a library under one of the names in use."""
    for name, bits in SYMBOLS:
        single = getattr(loaded, name.format("s"), None)
        double = getattr(loaded, name.format("d"), None)
        if single is not None and double is not None:
            addresses = {
                kind: ctypes.cast(function, ctypes.c_void_p).value or 0
                for kind, function in (("float", single), ("double", double))
            }
            return addresses, bits
    return None
