"""Samples of the comparisons."""

import numpy as np

from ...errors import ShapeError
from ..catalogue import Op, Refusal, Sample, drawn

X = drawn(3, 4).round(1)
Y = drawn(3, 4, seed=1).round(1)
Y[0] = X[0]  # equal elements as well


def comparison(name):
    """A comparison of two operands, with the ways in which they can broadcast."""
    return Op(
        name,
        getattr(np, name),
        samples=(
            Sample((X, Y)),
            Sample((drawn(2, 3, 4), drawn(4, seed=1))),
            Sample((drawn(3, 1), drawn(1, 4, seed=1))),
            Sample((np.array(0.5), np.array([0.25, 0.5, 0.75]))),
            Sample((X, 0.25)),
            Sample((0.25, X)),
        ),
        refusals=(
            Refusal((np.ones(3), np.ones(4)), ShapeError, (name, "(3,)", "(4,)", "float64")),
        ),
        differentiable=False,
        integers="same",
        empty=(Sample((np.ones((0, 4)), np.ones(4))), (0, 4)),
    )


OPS = (
    comparison("equal"),
    comparison("not_equal"),
    comparison("less"),
    comparison("less_equal"),
    comparison("greater"),
    comparison("greater_equal"),
    Op(
        "sign",
        np.sign,
        samples=(Sample((np.array([[-1.5, 0.0], [0.25, 2.0]]),)), Sample((np.array(-0.5),))),
        differentiable=False,
        integers="same",
        empty=(Sample((np.ones((0, 2)),)), (0, 2)),
    ),
)
