import numpy as np
import pytest

import dezero.functions as F
from dezero import Variable
from dezero.testing.catalogue import Fixed, catalogue
from dezero.testing.compositions import COMPOSITIONS
from dezero.testing.weights import weights_like

CATALOGUE = catalogue()
CASES = [(name, i) for name in COMPOSITIONS for i in range(len(CATALOGUE[name].samples))]


def value_and_derivatives(function, sample):
    """The value, the gradients, and the gradients of a weighted sum of the gradients."""
    args = []
    for x in sample.args:
        if isinstance(x, Fixed):
            args.append(x.data)
        else:
            args.append(Variable(x.copy()) if isinstance(x, np.ndarray) else x)
    xs = [x for x in args if isinstance(x, Variable)]
    y = function(*args, **sample.kwargs)
    F.sum(y * weights_like(y)).backward(create_graph=True)
    gxs = [x.grad for x in xs]
    total = 0.0 * F.sum(y)
    for i, gx in enumerate(gxs):
        total = total + F.sum(gx * weights_like(gx, i))
    for x in xs:
        x.cleargrad()
    total.backward()
    return [y.data, *[g.data for g in gxs], *[x.grad.data for x in xs]]


@pytest.mark.parametrize(("name", "index"), CASES, ids=[f"{n}-{i}" for n, i in CASES])
def test_fused_op_equals_its_composition(name, index):
    sample = CATALOGUE[name].samples[index]
    fused = value_and_derivatives(getattr(F, name), sample)
    composed = value_and_derivatives(COMPOSITIONS[name], sample)
    for a, b in zip(fused, composed, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)
