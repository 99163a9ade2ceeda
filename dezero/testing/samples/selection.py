"""Samples of the ops that select."""

import numpy as np

from ...errors import DTypeError, ShapeError
from ..catalogue import Fixed, Op, Refusal, Sample, drawn

X = drawn(3, 4)
Y = drawn(3, 4, seed=1)
C = Fixed(drawn(3, 4, seed=2) > 0)


def larger_or_smaller(name, reference):
    """maximum or minimum, with the ways in which two operands can broadcast."""
    return Op(
        name,
        reference,
        samples=(
            Sample((X, Y)),
            Sample((drawn(2, 3, 4), drawn(4, seed=1))),
            Sample((drawn(3, 1), drawn(1, 4, seed=1))),
            Sample((drawn(), drawn(2, 2, seed=1))),
            Sample((X, 0.1)),
            Sample((0.1, X)),
        ),
        refusals=(
            Refusal((np.ones(3), np.ones(4)), ShapeError, (name, "(3,)", "(4,)", "float64")),
        ),
        integers="same",
        empty=(Sample((np.ones((0, 4)), np.ones(4))), (0, 4)),
    )


OPS = (
    larger_or_smaller("maximum", np.maximum),
    larger_or_smaller("minimum", np.minimum),
    Op(
        "where",
        np.where,
        samples=(
            Sample((C, X, Y)),
            Sample((C, drawn(2, 3, 4), drawn(4))),
            Sample((Fixed(np.array([True, False])), drawn(3, 1), drawn())),
            Sample((C, X, 0.5)),
            Sample((C, 0.5, X)),
            Sample((True, X, Y)),
        ),
        refusals=(
            Refusal((np.ones(3), X, Y), DTypeError, ("where", "c is (3,) float64", "not_equal")),
            Refusal(
                (Fixed(np.ones(3, bool)), np.ones(4), 1.0),
                ShapeError,
                ("where", "c is (3,) bool", "x is (4,) float64"),
            ),
        ),
        integers="same",
        empty=(Sample((Fixed(np.ones((0, 1), bool)), np.ones(4), 0.0)), (0, 4)),
    ),
    Op(
        "clip",
        lambda x, x_min, x_max: np.clip(x, x_min, x_max),
        samples=(
            Sample((X, -0.5, 0.5)),
            Sample((X, None, 0.25)),
            Sample((X,), {"x_min": -0.25, "x_max": None}),
            Sample((drawn(), 0, 1)),
        ),
        refusals=(
            Refusal((X, 1, 0), ShapeError, ("clip", "x_min (1)", "x_max (0)")),
            Refusal((X,), ShapeError, ("clip", "None")),
            Refusal((X, [0, 1]), DTypeError, ("clip", "[0, 1]", "maximum")),
            Refusal((X, Fixed(X), None), DTypeError, ("clip", "(3, 4) float64", "maximum")),
        ),
        integers=None,
        empty=(Sample((np.ones((0, 2)), 0, 1)), (0, 2)),
    ),
)
