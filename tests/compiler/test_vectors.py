"""Loops of native code become vector instructions: GCC says which."""

import re
import subprocess

import numpy as np
import pytest

import dezero.functions as F
from dezero import Variable
from dezero.compiler import compile
from dezero.compiler.executors.c.toolchain import FLAGS, NoCompiler, compiler

X = np.random.default_rng(0).normal(size=(64, 96)).astype(np.float32)
SHARES = np.random.default_rng(1).random(X.shape, np.float32)
FUNCTIONS = {
    "binary cross-entropy of scores": F.sigmoid_cross_entropy,
    "gelu": lambda x, t: F.sum(F.gelu(x) * t),
    "softmax": lambda x, t: F.sum(F.softmax(x) * t),
    "layer norm": lambda x, t: F.sum(F.tanh(F.layer_norm(x, *X[:2, : x.shape[1]])) * t),
    "clipped": lambda x, t: F.sum(F.log(F.clip(F.leaky_relu(x), 0.1, 0.9)) * t),
}


def gcc():
    try:
        found = compiler()
    except NoCompiler as error:
        pytest.skip(str(error))
    about = subprocess.run([*found.command, "--version"], capture_output=True, text=True)
    if "Free Software Foundation" not in about.stdout:
        pytest.skip("the compiler is not GCC")
    return [*found.command, *FLAGS, *found.wanted]


def scalar_loops(source, folder):
    """How many loops there are that are to be of vectors, and those that GCC says are not."""
    (folder / "step.c").write_text(source)
    call = [*gcc(), "-fopt-info-vec-loop-optimized", "step.c", "-o", "step.so", "-lm"]
    said = subprocess.run(call, cwd=folder, capture_output=True, text=True, check=True).stderr
    # a loop that only sets zeros becomes a call of memset
    fine = r"(?:loop vectorized|Loop \d+ distributed: split to 0 loops)"
    done = {int(n) for n in re.findall(rf"step\.c:(\d+):\d+: optimized: +{fine}", said)}
    lines = [line.strip() for line in source.splitlines()]
    wanted = [k for k, line in enumerate(lines, 1) if line.startswith("#pragma omp simd")]
    # GCC names the pragma, or a line of the loop
    return len(wanted), [
        lines[k] for k in wanted if not done & {*range(k, lines.index("}", k) + 1)}
    ]


@pytest.mark.parametrize("columns", [96, 10])
@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_every_loop(function, columns, tmp_path):
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
    loops, scalar = scalar_loops(step.source(), tmp_path)
    assert loops
    assert not scalar
