"""The same results from Clang."""

import numpy as np
import pytest

import dezero
import dezero.functions as F
from tests.compiler.test_catalogue import check
from tests.compiler.test_instruction_sets import OPS
from tests.compiler.test_vectors import command

SAMPLES = pytest.mark.parametrize("op", OPS, ids=[op.name for op in OPS])


@pytest.fixture
def clang(monkeypatch):
    """Has Clang compile what runs here."""
    monkeypatch.setenv("CC", command("clang"))


@SAMPLES
def test_samples_of_clang(op, clang):
    check(op, op.samples, "c", np.float32, 2e-4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_maxima_of_infinities(dtype, clang):
    """Clang begins those of reals with the largest finite number."""
    x = np.random.default_rng(0).standard_normal((5, 80)).astype(dtype)
    x[1], x[2] = -np.inf, np.inf
    x[3, 7] = np.nan
    step = dezero.compile(lambda x: (F.max(x, axis=1), F.min(x, axis=1), F.max(x, axis=0)))
    for _ in range(4):
        found = step(x)
    expected = x.max(axis=1), x.min(axis=1), x.max(axis=0)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a.data, b)
