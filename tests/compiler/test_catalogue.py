"""Every sample of the catalogue, compiled: value, first and second derivative, as eager gives."""

import numpy as np
import pytest

import dezero
import dezero.functions as F
from dezero import Variable
from dezero.compiler import compile
from dezero.testing.catalogue import catalogue, mapped
from dezero.testing.weights import weights_like

OPS = list(catalogue().values())
SAMPLES = [(op, i) for op in OPS for i in range(len(op.samples))]
NAMES = {"c": "C", "numpy": "NumPy"}
CALLS = 5  # one eager, two traced, two replayed


def order(op, sample):
    """How often a sample is differentiated."""
    return 0 if not op.differentiable else 2 if sample.twice else 1


def program(op, samples):
    """A function of the samples' arrays: the outputs, and the gradients up to each one's order."""
    function = op.function
    plans = [(sample.args, sample.kwargs, order(op, sample)) for sample in samples]

    def run(*arrays):
        results = []
        queue = [Variable(x) for x in arrays]
        for operands, options, derivatives in plans:
            given = []

            def pack(_, given=given):
                given.append(queue.pop(0))
                return given[-1]

            ys = function(*mapped(operands, pack), **options)
            ys = ys if isinstance(ys, tuple) else (ys,)
            results += [y.data for y in ys]
            for k in range(derivatives):
                total = sum(F.sum(y * weights_like(y, i)) for i, y in enumerate(ys))
                if total.creator is None:
                    break
                total.backward(create_graph=k + 1 < derivatives)
                ys = [x.grad for x in given if x.grad is not None]
                results += [y.data for y in ys]
                for x in given:
                    x.cleargrad()
        return results

    return run


def equal(a, b, tolerance):
    scale = max(1.0, float(np.max(np.abs(b), initial=0.0, where=np.isfinite(b))))
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * scale)
    assert a.dtype == b.dtype
    assert a.shape == b.shape


def check(op, samples, executor, dtype, tolerance):
    arrays = []
    for sample in samples:
        mapped(sample.args, lambda x: arrays.append(x.astype(dtype)))
    run = program(op, samples)
    step = compile(run, executor=executor)
    for call in range(CALLS):
        dezero.random.seed(call)
        expected = run(*[x.copy() for x in arrays])
        state = dezero.random.get_state()
        dezero.random.seed(call)
        found = step(*[x.copy() for x in arrays])
        assert len(found) == len(expected)
        for a, b in zip(found, expected, strict=True):
            equal(a, b, tolerance)
        assert dezero.random.get_state() == state
        step.wait()
    assert step.refused is None
    assert {path.executor.name for path in step.all_paths()} == {NAMES[executor]}
    assert sum(path.runs for paths in step.paths.values() for path in paths) == CALLS - 3


@pytest.mark.parametrize(("op", "index"), SAMPLES, ids=[f"{op.name}-{i}" for op, i in SAMPLES])
def test_sample_in_numpy(op, index):
    check(op, [op.samples[index]], "numpy", np.float64, 1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("op", OPS, ids=[op.name for op in OPS])
def test_samples_in_c(op, dtype):
    check(op, op.samples, "c", dtype, 1e-11 if dtype == np.float64 else 2e-4)
