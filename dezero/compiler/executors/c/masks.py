"""Masks of dropout in C: the same bits as `arrays.random` draws."""

from __future__ import annotations

from ....arrays.random import MIXER, STEP


def mask_function(kind: str) -> tuple[str, str]:
    """Parameters and body of what draws the words lo to hi, and makes two elements of each."""
    parameters = (
        "int64_t lo, int64_t hi, uint64_t first, int64_t n, uint32_t least, "
        f"{kind} scale, {kind} *restrict y"
    )
    mix = "\n".join(
        f"        z = (z ^ (z >> {shift})) * UINT64_C({int(factor)});" for shift, factor in MIXER
    )
    body = f"""    const int64_t even = hi < n / 2 ? hi : n / 2;
    #pragma omp simd
    for (int64_t i = lo; i < hi; i++) {{
        uint64_t z = first + (uint64_t)i * UINT64_C({int(STEP)});
{mix}
        z ^= z >> 31;
        y[2 * i] = (uint32_t)z >= least ? scale : 0;
        if (i < even) y[2 * i + 1] = (uint32_t)(z >> 32) >= least ? scale : 0;
    }}"""
    return parameters, body
