"""Small matrix products in C of their own, against sums of products in higher precision."""

import ctypes
from itertools import product

import numpy as np
import pytest

from dezero.compiler import compile
from dezero.compiler.executors.c.small import Small
from dezero.compiler.executors.c.toolchain import NoCompiler, compiler, library
from dezero.compiler.executors.c.vectors import FLAGS
from tests.compiler.test_gemm import KINDS, matrices
from tests.compiler.test_instruction_sets import supported

try:
    REAL = compiler()
except NoCompiler:
    REAL = None

pytestmark = pytest.mark.skipif(REAL is None, reason="there is no C compiler")
SIZES = ((1, 1, 1), (5, 3, 2), (32, 64, 64), (15, 33, 17), (64, 10, 32), (31, 48, 1), (70, 8, 9))


@pytest.fixture(params=["", "x86-64-v3", "x86-64"])
def march(request, monkeypatch):
    if request.param and not supported(request.param):
        pytest.skip(f"this processor has no {request.param}")
    if request.param:
        monkeypatch.setenv("DEZERO_MARCH", request.param)


@pytest.mark.parametrize("kind", KINDS)
def test_products(march, kind):
    unit = np.finfo(KINDS[kind]).eps
    for (m, n, k), transposed in product(SIZES, product((False, True), repeat=2)):
        a, b = matrices(m, n, k, KINDS[kind], transposed, gap=3)
        steps = [tuple([s // x.itemsize for s in x.strides]) for x in (a, b)]
        small = [Small(kind, (m, n, k), *steps, n + 5, *x) for x in ((1.0, False), (-0.5, True))]
        loaded = library("".join(x.source() for x in small), FLAGS)
        exact = a.astype(np.longdouble) @ b.astype(np.longdouble)
        # a sum of k products has an error of at most k units of the sum of magnitudes
        bound = (k + 2) * unit * (np.abs(a) @ np.abs(b) + 7)
        for x in small:
            c = np.full((m, n + 5), 7, KINDS[kind])
            getattr(loaded, x.name)(*[ctypes.c_void_p(y.ctypes.data) for y in (a, b, c)])
            assert np.all(np.abs(c[:, :n] - (x.alpha * exact + 7 * x.adds)) <= bound)
            assert np.all(c[:, n:] == 7)  # nothing is written beside the matrix


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_program_calls_them(dtype):
    rng = np.random.default_rng(0)
    x, w, v = (rng.standard_normal(s).astype(dtype) for s in ((32, 48), (48, 64), (64, 10)))

    def step(x, w, v):
        h = x @ w
        y = h @ v
        return y, y @ v.T, x.T @ h + w

    compiled = compile(step)
    for _ in range(4):
        found = compiled(x, w, v)
    calls = compiled.source().partition("body0_0")[2]
    assert calls.count("(A, B, C)") == 3
    assert calls.count("gemm_") == 1  # ten columns of numbers that lie together: BLAS
    for y, expected in zip(found, step(*[z.astype(np.longdouble) for z in (x, w, v)]), strict=True):
        scale = np.abs(expected).max()
        np.testing.assert_allclose(y, expected, rtol=0, atol=50 * np.finfo(dtype).eps * scale)
