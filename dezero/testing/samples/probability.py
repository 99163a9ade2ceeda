"""Samples of softmax and its logarithm."""

import numpy as np
from scipy import special

from ...errors import ShapeError
from ..catalogue import Op, Refusal, Sample, drawn

X = drawn(3, 4, low=-3.0, high=3.0)


def along_axis(name, reference, axes=(1, 0, -1)):
    """An op along one axis, 1 by default."""
    return Op(
        name,
        reference,
        samples=(
            Sample((X,)),
            *(Sample((drawn(2, 3, 4), axis)) for axis in axes),
            Sample((drawn(5),), {"axis": 0}),
        ),
        refusals=(
            Refusal((X, 2), ShapeError, ("(3, 4) float64", "axis 2")),
            Refusal((drawn(3),), ShapeError, ("(3,) float64", "axis 1")),
        ),
        empty=(Sample((np.ones((0, 2)),)), (0, 2)),
    )


OPS = (
    along_axis("softmax", lambda x, axis=1: special.softmax(x, axis), axes=(1, 0, -1, (0, 2))),
    along_axis("softmax_simple", lambda x, axis=1: special.softmax(x, axis)),
    along_axis("log_softmax", lambda x, axis=1: special.log_softmax(x, axis), axes=(1, 0, (1, -1))),
    Op(
        "logsumexp",
        lambda x, axis=None, keepdims=False: special.logsumexp(x, axis, keepdims=keepdims),
        samples=(
            Sample((X,)),
            Sample((X, 1)),
            Sample((drawn(2, 3, 4), (0, -1))),
            Sample((drawn(2, 3, 4),), {"axis": -2, "keepdims": True}),
            Sample((X,), {"keepdims": True}),
            Sample((drawn(),)),
        ),
        refusals=(
            Refusal((X, 2), ShapeError, ("logsumexp", "(3, 4) float64", "axis 2")),
            Refusal((np.ones((0, 2)), 0), ShapeError, ("logsumexp", "(0, 2) float64")),
        ),
        empty=(Sample((np.ones((0, 2)), 1)), (0,)),
    ),
)
