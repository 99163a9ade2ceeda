"""The C text that every compiled file begins with: types, and exp, log, tanh and others.

They are straight code without branches, so that loops of them become vector instructions; libm's
are not vectorised. Errors against the true value, in units in the last place, are at most 1
(exp, log) and 3 (tanh) where the result is a normal number
(tested): exp by Cody and Waite's reduction and Taylor's polynomial, log by the series of atanh,
tanh from exp(2x) - 1, which keeps small arguments exact.
"""

from __future__ import annotations

from math import factorial
from string import Template

HEADER = """#include <stdint.h>
#include <string.h>
#include <math.h>
typedef unsigned char boolean;
/* rounded once where the processor can, for our own polynomials only */
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
#define fma_float(a, b, c) __builtin_fmaf(a, b, c)
#define fma_double(a, b, c) __builtin_fma(a, b, c)
#else
#define fma_float(a, b, c) ((a) * (b) + (c))
#define fma_double(a, b, c) ((a) * (b) + (c))
#endif
"""

FUNCTIONS = Template("""
static inline $I bits_$T($T x) { $I i; memcpy(&i, &x, sizeof i); return i; }
static inline $T real_$T($I i) { $T x; memcpy(&x, &i, sizeof x); return x; }

/* what the maximum of many numbers is collected in: integers in the order of the numbers for
   Clang, whose maxima of reals are not of vectors, and begin with the least finite number */
#ifdef __clang__
typedef $I rank_$T;
static inline $I in_order_$T($I i) { return i ^ (i >> (8 * sizeof i - 1) & $positive); }
static inline $I rank_of_$T($T x) { return in_order_$T(bits_$T(x)); }
static inline $T of_rank_$T($I i) { return real_$T(in_order_$T(i)); }
#else
typedef $T rank_$T;
static inline $T rank_of_$T($T x) { return x; }
static inline $T of_rank_$T($T x) { return x; }
#endif

/* not-a-number wins, as in NumPy; in two steps, or GCC may give up to vectorise the loop */
static inline $T max_$T($T a, $T b) {
    $T y = a < b ? b : a;
    return b != b ? b : y;
}

static inline $T min_$T($T a, $T b) {
    $T y = a > b ? b : a;
    return b != b ? b : y;
}

/* x = k ln 2 + r; the low bits of t hold k */
static inline $T expm1_reduced_$T($T x, $I *k) {
    $T t = x * ($T)1.4426950408889634 + $magic;
    $T n = t - $magic;
    $T r = fma_$T(-n, ($T)$low, x - n * ($T)$high);
    *k = bits_$T(t) - bits_$T($magic);
    return fma_$T(r * r, $poly, r);
}

static inline $T exp_$T($T x) {
    $I k;
    $I some = -($I)!(x < $least); /* the rest is 0: rounding to it would take processors long */
    $T y = real_$T(bits_$T(x) & some);
    y = y > $most ? $most : y;
    $T p = 1 + expm1_reduced_$T(y, &k);
    $I half = k >> 1; /* two factors: 2^k itself may not be a normal number */
    p = p * real_$T((half + $bias) << $mantissa) * real_$T((k - half + $bias) << $mantissa);
    return real_$T(bits_$T(p) & some);
}

static inline $T tanh_$T($T x) {
    $I k;
    $T a = x < 0 ? -x : x;
    a = a > $flat ? $flat : a;
    $T p = expm1_reduced_$T(2 * a, &k);
    $T s = real_$T((k + $bias) << $mantissa);
    $T e = s * p + (s - 1);
    $T y = e / (e + 2);
    return x < 0 ? -y : (x == 0 ? x : y);
}

static inline $T log_$T($T x) {
    $T scaled = x < $tiny ? x * $up : x; /* denormal numbers made normal */
    $I i = bits_$T(scaled);
    $I e = ((i - $root) >> $mantissa);
    $T m = real_$T(i - (e << $mantissa)); /* from sqrt(1/2) to sqrt(2) */
    $T s = (m - 1) / (m + 1);
    $T z = s * s;
    $T n = ($T)e - (x < $tiny ? $upbits : 0);
    $T f = m - 1;
    $T h = f * f * ($T)0.5;
    $T y = n * ($T)$high + (f - (h - (s * (h + z * ($series)) + n * ($T)$low)));
    y = x == 0 ? -INFINITY : y;
    y = x < 0 ? NAN : y;
    return x == INFINITY || x != x ? x : y;
}

/* what 1 + x loses is put back */
static inline $T log1p_$T($T x) {
    $T u = 1 + x;
    $T lost = x - (u - 1);
    $T y = log_$T(u);
    y = u > 0 && u < INFINITY ? y + lost / u : y;
    return x == 0 ? x : y;
}
""")


def horner(coefficients: list[float], variable: str, kind: str) -> str:
    """A polynomial as C, the constant first."""
    text = f"({kind}){coefficients[-1]!r}"
    for c in reversed(coefficients[:-1]):
        text = f"fma_{kind}({variable}, {text}, ({kind}){c!r})"
    return text


def functions(kind: str) -> str:
    """The functions for "float" or "double"."""
    double = kind == "double"
    # (exp(r) - 1 - r) / r^2, and (log((1 + s) / (1 - s)) - 2 s) / s^3, cut where they are exact
    taylor = [1 / factorial(n) for n in range(2, 15 if double else 9)]
    series = [2 / (2 * n + 3) for n in range(11 if double else 5)]
    return FUNCTIONS.substitute(
        T=kind,
        I="int64_t" if double else "int32_t",
        magic="0x1.8p52" if double else "0x1.8p23f",
        high="0x1.62e42fee00000p-1" if double else "0x1.62e400p-1",
        low="0x1.a39ef35793c76p-33" if double else "0x1.7f7d1cp-20",
        poly=horner(taylor, "r", kind),
        series=horner(series, "z", kind),
        least="-746.0" if double else "-104.0f",
        most="710.0" if double else "89.0f",
        bias=1023 if double else 127,
        mantissa=52 if double else 23,
        flat="22.0" if double else "10.0f",
        tiny="0x1p-1022" if double else "0x1p-126f",
        up="0x1p54" if double else "0x1p25f",
        upbits="54" if double else "25",
        positive="INT64_MAX" if double else "INT32_MAX",
        root="0x3fe6a09e667f3bcdLL" if double else "0x3f3504f3",
    )


PREAMBLE = HEADER + functions("float") + functions("double")
