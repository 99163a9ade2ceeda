"""Programs on three threads, with everything divided that can be: the same results."""

import copy
import subprocess
import sys
import threading

import numpy as np
import pytest

from dezero.compiler import compile
from dezero.compiler.executors.c import executor, pieces, program
from dezero.compiler.executors.c.program import LEAST, Piece, Span, Turns
from dezero.compiler.executors.c.runtime import runtime
from dezero.compiler.executors.c.toolchain import NoCompiler
from tests.compiler.test_catalogue import OPS, check

NAMES = "softmax softmax_cross_entropy layer_norm batch_norm conv2d deconv2d pooling matmul "
NAMES += "scaled_dot_product_attention sum max get_item concat dropout embed_id lstm"
TRIED = [op for op in OPS if op.name in NAMES.split()]


@pytest.fixture
def three(monkeypatch):
    try:
        threaded = copy.copy(runtime())
    except NoCompiler as error:
        pytest.skip(str(error))
    threaded.threads = 3
    monkeypatch.setattr(executor, "runtime", lambda: threaded)
    monkeypatch.setattr(executor, "WORTH", 0)
    for module in (pieces, program):
        monkeypatch.setattr(module, "LEAST", 0)


@pytest.mark.parametrize("op", TRIED, ids=[op.name for op in TRIED])
def test_samples_on_three_threads(op, three):
    check(op, op.samples, "c", np.float64, 1e-11)


def test_enough_ops_are_tried():
    assert len(TRIED) == len(NAMES.split())


def test_steps_of_several_python_threads_wait_for_each_other(three):
    x = np.random.default_rng(0).normal(size=(64, 64))
    step = compile(lambda a: np.tanh(a @ a).sum(axis=0))
    for _ in range(3):
        expected = step(x)
    step.wait()
    results = []
    workers = [
        threading.Thread(target=lambda: results.extend(step(x) for _ in range(50)))
        for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(results) == 200
    for found in results:
        np.testing.assert_allclose(found, expected, rtol=1e-12)


FORKED = """
import os
import numpy as np
from dezero.compiler import compile
from dezero.compiler.executors.c import executor
executor.WORTH = 0
step = compile(lambda a: (a @ a).sum(axis=1) + np.exp(a).sum(axis=0))
x = np.random.default_rng(0).normal(size=(300, 300))
for _ in range(4):
    y = step(x)
    step.wait()
child = os.fork()
if child == 0:
    os._exit(0 if np.allclose(step(x), y) else 1)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not fork")
def test_a_child_process_makes_threads_of_its_own(three):
    done = subprocess.run(
        [sys.executable, "-c", FORKED], env={"OMP_NUM_THREADS": "2"}, timeout=120, check=False
    )
    assert done.returncode == 0


def piece(reads, writes, cost=1.0, extent=1):
    spans = [[Span(0, a, b) for a, b in some] for some in (reads, writes)]
    return Piece("x;", *spans, cost=cost, extent=extent)


@pytest.mark.parametrize(
    ("second", "waits"),
    [
        (piece([(0, 8)], [(64, 72)], 2 * LEAST, 100), True),  # reads what was written
        (piece([], [(4, 12)], 2 * LEAST, 100), True),  # writes there as well
        (piece([(8, 16)], [(64, 72)], 2 * LEAST, 100), False),  # next to it
        (piece([(0, 8)], [(64, 72)]), False),  # one thread does both
    ],
)
def test_barriers_stand_where_they_are_needed(second, waits):
    turns = Turns(2)
    turns.line(piece([], [(0, 8)]))
    assert ("barrier" in turns.line(second)) == waits


def test_one_thread_needs_no_barrier():
    turns = Turns(1)
    turns.line(piece([], [(0, 8)]))
    assert "barrier" not in turns.line(piece([(0, 8)], [(0, 8)], 2 * LEAST, 100))
