"""Every sample of the catalogue on a GPU (or its double): value, first and second derivative."""

import numpy as np
import pytest

import dezero
import dezero.functions as F
from dezero import Variable, cuda
from dezero.arrays import as_cupy, as_numpy
from dezero.testing.catalogue import catalogue, mapped
from dezero.testing.weights import weights_like

pytestmark = pytest.mark.usefixtures("gpu")
SAMPLES = [(op, i) for op in catalogue().values() for i in range(len(op.samples))]
SEED = 7


def results(op, sample, dtype, moved):
    """The outputs of a sample and its gradients up to its order, as arrays."""
    given = []

    def pack(x):
        given.append(Variable(moved(x.astype(dtype))))
        return given[-1]

    dezero.random.seed(SEED)
    there = lambda x: moved(x) if isinstance(x, np.ndarray) else x  # noqa: E731
    args = map(there, mapped(sample.args, pack))
    ys = op.function(*args, **{name: there(x) for name, x in sample.kwargs.items()})
    ys = ys if isinstance(ys, tuple) else (ys,)
    found = [y.data for y in ys]
    orders = 0 if not op.differentiable else 2 if sample.twice else 1
    for k in range(orders):
        total = sum(F.sum(y * moved(weights_like(y, i))) for i, y in enumerate(ys))
        if total.creator is None:
            break
        total.backward(create_graph=k + 1 < orders)
        ys = [x.grad for x in given if x.grad is not None]
        found += [y.data for y in ys]
        for x in given:
            x.cleargrad()
    return found


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-11), (np.float32, 2e-4)])
@pytest.mark.parametrize(("op", "index"), SAMPLES, ids=[f"{op.name}-{i}" for op, i in SAMPLES])
def test_sample(op, index, dtype, tolerance):
    sample = op.samples[index]
    expected = results(op, sample, dtype, np.asarray)
    found = results(op, sample, dtype, as_cupy)
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert isinstance(a, cuda.cupy.ndarray) or not op.differentiable
        assert a.dtype == b.dtype
        scale = max(1.0, float(np.max(np.abs(b), initial=0.0, where=np.isfinite(b))))
        np.testing.assert_allclose(as_numpy(a), b, rtol=tolerance, atol=tolerance * scale)
