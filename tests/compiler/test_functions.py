"""exp, log and tanh in C: units in the last place against mpmath, and the special values."""

import ctypes

import mpmath
import numpy as np
import pytest

from dezero.compiler.executors.c.functions import PREAMBLE
from dezero.compiler.executors.c.toolchain import NoCompiler, library

BOUNDS = {"exp": 1.0, "log": 1.0, "tanh": 3.0}
TYPES = {"float": np.float32, "double": np.float64}
LOOP = """void run_{name}_{kind}({kind} *x, {kind} *y, int64_t n) {{
    #pragma omp simd
    for (int64_t i = 0; i < n; i++) y[i] = {name}_{kind}(x[i]);
}}
"""


@pytest.fixture(scope="module")
def compiled():
    loops = [LOOP.format(name=name, kind=kind) for name in BOUNDS for kind in TYPES]
    try:
        return library(PREAMBLE + "".join(loops))
    except NoCompiler as error:
        pytest.skip(str(error))


def called(compiled, name, kind, x):
    y = np.empty_like(x)
    pointers = [ctypes.c_void_p(a.ctypes.data) for a in (x, y)]
    getattr(compiled, f"run_{name}_{kind}")(*pointers, ctypes.c_int64(len(x)))
    return y


def points(name, dtype):
    rng = np.random.default_rng(0)
    single = dtype == np.float32
    if name == "exp":
        x = rng.uniform(-87 if single else -708, 88 if single else 709, 3000)
    elif name == "log":
        x = np.exp(rng.uniform(-87 if single else -708, 88 if single else 709, 3000))
        x[:1000] = 1 + rng.uniform(-0.5, 0.5, 1000) * 10.0 ** rng.uniform(-6, 0, 1000)
    else:
        x = rng.uniform(-12, 12, 3000) * 10.0 ** rng.uniform(-8, 0, 3000)
    return x.astype(dtype)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("name", BOUNDS)
def test_error_in_units_of_the_last_place(compiled, name, kind):
    x = points(name, TYPES[kind])
    y = called(compiled, name, kind, x)
    with mpmath.workdps(40):
        exact = [getattr(mpmath, name)(mpmath.mpf(float(v))) for v in x]
        units = [float(abs(mpmath.mpf(float(a)) - e)) for a, e in zip(y, exact, strict=True)]
        spacing = np.spacing(np.abs(np.array([float(e) for e in exact])).astype(TYPES[kind]))
    assert np.max(np.array(units) / spacing.astype(np.float64)) <= BOUNDS[name]


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("name", BOUNDS)
def test_special_values(compiled, name, kind):
    dtype = TYPES[kind]
    tiny = np.finfo(dtype).smallest_subnormal
    x = np.array([0, -0.0, np.inf, -np.inf, np.nan, -1, 1, tiny, -1000, 1000], dtype)
    with np.errstate(all="ignore"):
        expected = getattr(np, name)(x)
    np.testing.assert_allclose(called(compiled, name, kind, x), expected, rtol=1e-6)
