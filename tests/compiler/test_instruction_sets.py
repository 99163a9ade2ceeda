"""The same results with every instruction set that this processor has."""

import platform

import numpy as np
import pytest

from dezero.compiler.executors.c.toolchain import NoCompiler, compiler, cpu
from dezero.testing.catalogue import catalogue
from tests.compiler.test_catalogue import check

NEEDED = {
    "x86-64": set(),
    "x86-64-v3": {"avx2", "bmi1", "bmi2", "f16c", "fma", "movbe"},
    "x86-64-v4": {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"},
}
NAMES = ("exp", "tanh", "softmax_cross_entropy", "layer_norm", "batch_norm", "linear", "max", "sum")
NAMES += ("conv2d", "max_pooling", "get_item", "gelu", "scaled_dot_product_attention", "transpose")
OPS = [catalogue()[name] for name in NAMES]


def supported(march):
    if platform.machine() not in ("x86_64", "AMD64"):
        return False
    try:
        compiler()
    except NoCompiler:
        return False
    return NEEDED[march] <= set(cpu().split())


@pytest.mark.parametrize("march", NEEDED)
@pytest.mark.parametrize("op", OPS, ids=[op.name for op in OPS])
def test_samples(op, march, monkeypatch):
    if not supported(march):
        pytest.skip(f"this processor has no {march}, or there is no C compiler")
    monkeypatch.setenv("DEZERO_MARCH", march)
    check(op, op.samples, "c", np.float32, 2e-4)
