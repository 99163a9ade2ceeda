"""Every sample of the catalogue, compiled: value, first and second derivative, as eager gives."""

import numpy as np
import pytest

import dezero
import dezero.functions as F
from dezero import Variable
from dezero.compiler import compile
from dezero.testing.catalogue import Fixed, catalogue
from dezero.testing.weights import weights_like

OPS = list(catalogue().values())
SAMPLES = [(op, i) for op in OPS for i in range(len(op.samples))]
CALLS = 5  # one eager, two traced, two replayed


def mapped(args, change):
    """The sample's arguments with `change` applied to every array that is differentiated."""
    out = []
    for x in args:
        if isinstance(x, np.ndarray) and x.dtype == np.float64:
            out.append(change(x))
        elif isinstance(x, Fixed):
            out.append(x.data)
        elif isinstance(x, list) and x and isinstance(x[0], np.ndarray):
            out.append([change(e) for e in x])
        else:
            out.append(x)
    return out


def program(op, sample, derivatives):
    """A function of the sample's arrays: the outputs, and the gradients up to an order."""

    function, operands, options = op.function, sample.args, sample.kwargs

    def run(*arrays):
        queue = [Variable(x) for x in arrays]
        given = list(queue)
        ys = function(*mapped(operands, lambda _: queue.pop(0)), **options)
        ys = ys if isinstance(ys, tuple) else (ys,)
        results = [y.data for y in ys]
        for order in range(derivatives):
            total = sum(F.sum(y * weights_like(y, i)) for i, y in enumerate(ys))
            if total.creator is None:
                break
            total.backward(create_graph=order + 1 < derivatives)
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


def check(op, sample, derivatives, executor, dtype=np.float64, tolerance=1e-12):
    arrays = []
    mapped(sample.args, lambda x: arrays.append(x.astype(dtype)))
    run = program(op, sample, derivatives)
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
    assert step.refused is None
    assert sum(path.runs for paths in step.paths.values() for path in paths) == CALLS - 3


@pytest.mark.parametrize("executor", ["numpy", "c"])
@pytest.mark.parametrize("derivatives", [0, 1, 2])
@pytest.mark.parametrize(("op", "index"), SAMPLES, ids=[f"{op.name}-{i}" for op, i in SAMPLES])
def test_sample(op, index, derivatives, executor):
    sample = op.samples[index]
    if derivatives and not op.differentiable or derivatives == 2 and not sample.twice:
        pytest.skip("has no such derivative")
    check(op, sample, derivatives, executor)
