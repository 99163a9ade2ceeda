"""Samples of dropout: only those whose result is not random; `test_noise.py` has the others."""

import numpy as np

from ...errors import ShapeError
from ..catalogue import Op, Refusal, Sample, drawn

X = drawn(3, 4)

OPS = (
    Op(
        "dropout",
        lambda x, dropout_ratio: np.multiply(x, 1.0),
        samples=(
            Sample((X, 0.0)),
            Sample((drawn(2, 1, 3),), {"dropout_ratio": 0}),
            Sample((drawn(), 0.0)),
        ),
        refusals=(
            Refusal((X, 1.0), ShapeError, ("dropout", "(3, 4) float64", "below 1", "1.0")),
            Refusal((X, -0.1), ShapeError, ("dropout", "(3, 4) float64", "at least 0", "-0.1")),
        ),
        empty=(Sample((np.ones((0, 2)),)), (0, 2)),
    ),
)
