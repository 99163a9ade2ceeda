"""Samples of the reductions."""

import numpy as np

from ...errors import ShapeError
from ..catalogue import Op, Refusal, Sample, drawn

X = drawn(2, 3, 4)
SAMPLES = (
    Sample((X,)),
    Sample((X, 1)),
    Sample((X, -1), {"keepdims": True}),
    Sample((X, (0, -2))),
    Sample((X, [2, 0]), {"keepdims": True}),
    Sample((X,), {"keepdims": True}),
    Sample((drawn(5),)),
    Sample((np.array(0.7),)),
    Sample((drawn(1, 3), 0)),
)
# NumPy averages no 0-d array along axis 0, and no array along no axis
MORE = (
    Sample((X, ())),
    Sample((np.array(0.7), 0)),
    Sample((np.array(0.7), -1), {"keepdims": True}),
)


def reduction(name, reduce, samples=SAMPLES, op=None, refusals=(), **attributes):
    """An op that reduces axes, with the ways in which they can be named."""
    op = op or name

    def reference(x, axis=None, keepdims=False):
        axis = tuple(axis) if isinstance(axis, list) else axis
        return reduce(x, axis=axis, keepdims=keepdims)

    wrong = (
        Refusal((X, 3), ShapeError, (op, "x is (2, 3, 4) float64", "axis 3")),
        Refusal((X, (0, -4)), ShapeError, (op, "axis -4", "dimension 3")),
        Refusal((X, (1, -2)), ShapeError, (op, "duplicate")),
    )
    return Op(name, reference, samples, (*wrong, *refusals), **attributes)


def extreme(name, reduce):
    """An op that nothing cannot be reduced by."""
    nothing = Refusal((np.ones((0, 3)), 0), ShapeError, (name, "(0, 3)", "zero-size"))
    beside = (Sample((np.ones((0, 3)), 1)), (0,))
    samples = (*SAMPLES, *MORE)
    return reduction(name, reduce, samples, refusals=(nothing,), integers="same", empty=beside)


EMPTY = Sample((np.ones((0, 4)), 1)), (0,)

OPS = (
    reduction(
        "sum",
        np.sum,
        (*SAMPLES, *MORE),
        integers="same",
        empty=(Sample((np.ones((0, 4)), 0)), (4,)),
    ),
    reduction("mean", np.mean, empty=EMPTY),
    reduction("average", np.mean, op="mean", empty=EMPTY),
    reduction("var", np.var, empty=EMPTY),
    extreme("max", np.max),
    extreme("min", np.min),
)
