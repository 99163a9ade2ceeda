"""Loops of native code become vector instructions: compilers say which."""

import re
import shutil
import subprocess
from functools import cache

import numpy as np
import pytest

import dezero.functions as F
from dezero import Variable
from dezero.compiler import compile
from dezero.compiler.executors.c.toolchain import FLAGS, compiler

X = np.random.default_rng(0).normal(size=(64, 96)).astype(np.float32)
SHARES = np.random.default_rng(1).random(X.shape, np.float32)
FUNCTIONS = {
    "binary cross-entropy of scores": F.sigmoid_cross_entropy,
    "gelu": lambda x, t: F.sum(F.gelu(x) * t),
    "softmax": lambda x, t: F.sum(F.softmax(x) * t),
    "layer norm": lambda x, t: F.sum(F.tanh(F.layer_norm(x, *X[:2, : x.shape[1]])) * t),
    "clipped": lambda x, t: F.sum(F.log(F.clip(F.leaky_relu(x), 0.1, 0.9)) * t),
}
# what tells that a loop is one of vectors; one that only sets zeros becomes a call of memset
SAID = {
    "Free Software Foundation": (
        "-fopt-info-vec-loop-optimized",
        r"optimized: +(?:loop vectorized|Loop \d+ distributed: split to 0 loops)",
    ),
    "clang": ("-Rpass=loop-vectorize", r"remark: vectorized loop"),
}
CASES = [("Free Software Foundation", 96), ("Free Software Foundation", 10), ("clang", 96)]


@cache
def command(maker):
    """A C compiler whose version says that it is of this kind."""
    for name in ("gcc", "clang", "cc"):
        found = shutil.which(name)
        if found and maker in subprocess.check_output([found, "--version"], text=True):
            return found
    pytest.skip("no such compiler is there")


def scalar_loops(maker, source, folder):
    """How many loops there are that are to be of vectors, and those that are not."""
    (folder / "step.c").write_text(source)
    option, fine = SAID[maker]
    call = [command(maker), *FLAGS, *compiler().wanted, option, "step.c", "-o", "step.so", "-lm"]
    said = subprocess.run(call, cwd=folder, capture_output=True, text=True, check=True).stderr
    done = {int(n) for n in re.findall(rf"step\.c:(\d+):\d+: {fine}", said)}
    lines = [line.strip() for line in source.splitlines()]
    wanted = [k for k, line in enumerate(lines, 1) if line.startswith("#pragma omp simd")]
    # a compiler names the pragma, or a line of the loop
    return len(wanted), [
        lines[k] for k in wanted if not done & {*range(k, lines.index("}", k) + 1)}
    ]


@pytest.mark.parametrize(("maker", "columns"), CASES)
@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_every_loop(function, maker, columns, tmp_path, monkeypatch):
    monkeypatch.setenv("CC", command(maker))
    x = Variable(X[:, :columns])
    shares = np.ascontiguousarray(SHARES[:, :columns])

    @compile
    def step(t):
        y = function(x, t)
        x.cleargrad()
        y.backward()
        return x.grad.data

    for _ in range(4):
        step(shares)
        step.wait()
    loops, scalar = scalar_loops(maker, step.source(), tmp_path)
    assert loops
    assert not scalar
