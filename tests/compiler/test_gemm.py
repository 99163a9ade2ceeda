"""The product of matrices in C, against sums of products in exact order and in higher precision."""

import ctypes
from itertools import pairwise, product

import numpy as np
import pytest

import dezero.functions as F
from dezero.compiler import compile
from dezero.compiler.executors.c import gemm
from dezero.compiler.executors.c.toolchain import NoCompiler, compiler, library
from dezero.compiler.executors.c.vectors import FLAGS
from tests.compiler.test_instruction_sets import supported

try:
    REAL = compiler()
except NoCompiler:
    REAL = None

pytestmark = pytest.mark.skipif(REAL is None, reason="there is no C compiler")
SIZES = ((1, 1, 1), (5, 3, 2), (14, 32, 16), (15, 33, 17), (29, 31, 300), (64, 100, 257))
SIZES += ((97, 70, 530), (800, 17, 20), (20, 800, 20), (33, 64, 0))
KINDS = {"float": np.float32, "double": np.float64}


@pytest.fixture(scope="module", params=["", "x86-64-v3", "x86-64"])
def functions(request):
    """The functions for an instruction set that this processor has."""
    march = request.param
    if march and not supported(march):
        pytest.skip(f"this processor has no {march}")
    with pytest.MonkeyPatch.context() as patch:
        if march:
            patch.setenv("DEZERO_MARCH", march)
        found = {}
        for kind in KINDS:
            f = getattr(library(gemm.source(kind), FLAGS), f"multiply_{kind}")
            pointers = [ctypes.c_void_p] * 3
            f.argtypes = [ctypes.c_int64] * 2 + [ctypes.c_void_p, ctypes.c_double, *pointers]
            f.restype = None
            found[kind] = f
        return found


def matrices(m, n, k, dtype, transposed, gap):
    """A and B in memory, rows `gap` numbers longer than they need be."""
    rng = np.random.default_rng(m + n + k)
    found = []
    for shape, turned in zip(((m, k), (k, n)), transposed, strict=True):
        stored = shape[::-1] if turned else shape
        x = rng.uniform(-1, 1, (stored[0], stored[1] + gap)).astype(dtype)[:, : stored[1]]
        found.append(x.T if turned else x)
    return found


def multiply(function, a, b, c, alpha=1.0, adds=False, by_rows=False, parts=1):
    """Call the function for one part after another."""
    steps = [s // a.itemsize for s in (*a.strides, *b.strides, c.strides[0])]
    m, n, k = *c.shape, a.shape[1]
    sizes = np.array([m, n, k, *steps, adds, by_rows], np.int64)
    extent = m if by_rows else n
    ends = [extent * part // parts for part in range(parts + 1)]
    for lo, hi in pairwise(ends):
        pointers = [ctypes.c_void_p(x.ctypes.data) for x in (a, b, c)]
        function(lo, hi, ctypes.c_void_p(sizes.ctypes.data), alpha, *pointers)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", SIZES)
def test_products(functions, kind, size):
    m, n, k = size
    unit = np.finfo(KINDS[kind]).eps
    for transposed, by_rows, adds in product(
        product((False, True), repeat=2), (False, True), (False, True)
    ):
        a, b = matrices(m, n, k, KINDS[kind], transposed, gap=3)
        c = np.full((m, n + 5), 7, KINDS[kind])
        multiply(functions[kind], a, b, c[:, :n], -0.5, adds, by_rows, parts=3)
        exact = a.astype(np.longdouble) @ b.astype(np.longdouble) * -0.5 + 7 * adds
        if k or adds:
            # a sum of k products has an error of at most k units of the sum of magnitudes
            bound = (k + 2) * unit * (np.abs(a) @ np.abs(b) + 7)
            assert np.all(np.abs(c[:, :n] - exact) <= bound)
        assert np.all(c[:, n:] == 7)  # nothing is written beside the matrix


def test_numbers_that_are_none_stay_in_their_row_and_column(functions):
    a, b = matrices(40, 70, 300, np.float32, (False, True), gap=0)
    a[3, 7], b[9, 5] = np.nan, np.inf
    c = np.zeros((40, 70), np.float32)
    multiply(functions["float"], a, b, c)
    assert np.isnan(c[3]).all()
    assert not np.isfinite(c[:, 5]).any()
    c[3], c[:, 5] = 0, 0
    assert np.isfinite(c).all()


def test_parts_have_the_bits_of_the_whole(functions):
    a, b = matrices(100, 200, 600, np.float32, (True, False), gap=0)
    whole, parts = np.zeros((2, 100, 200), np.float32)
    multiply(functions["float"], a, b, whole)
    multiply(functions["float"], a, b, parts, parts=6)
    assert np.array_equal(whole, parts)


@pytest.mark.parametrize("shapes", [((64, 96), (96, 64)), ((3, 5, 64, 48), (3, 5, 48, 96))])
def test_a_program_calls_it(shapes):
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal(shape) for shape in shapes)
    step = compile(lambda a, b: F.matmul(a, b) * 2 + F.matmul(a, b + 1))
    for _ in range(4):
        found = step(a, b)
        step.wait()
    assert "multiply_double(" in step.source().partition("body0")[2]
    np.testing.assert_allclose(found.data, 2 * (a @ b) + a @ (b + 1), rtol=1e-12, atol=1e-12)
