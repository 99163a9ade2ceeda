"""Samples of the arithmetic ops."""

import numpy as np

from ...errors import ShapeError
from ..catalogue import Op, Refusal, Sample, drawn

X = drawn(3, 4)
Y = drawn(3, 4, seed=1, low=0.5, high=2.0)


def binary(name, reference, integers="same", refusals=(), positive=False):
    """An op of two operands, with the ways in which they can broadcast."""
    a = (lambda *s: drawn(*s, low=0.5, high=2.0)) if positive else drawn
    return Op(
        name,
        reference,
        samples=(
            Sample((a(3, 4), Y)),
            Sample((a(2, 3, 4), drawn(4, low=0.5, high=2.0))),
            Sample((a(3, 1), drawn(1, 4, low=0.5, high=2.0))),
            Sample((a(), drawn(2, 2, low=0.5, high=2.0))),
            Sample((a(3), 2.0)),
            Sample((1.5, drawn(3, low=0.5, high=2.0))),
        ),
        refusals=(
            Refusal((np.ones(3), np.ones(4)), ShapeError, (name, "(3,)", "(4,)", "float64")),
            *refusals,
        ),
        integers=integers,
        empty=(Sample((np.ones((0, 4)), np.ones(4))), (0, 4)),
    )


def unary(name, reference, integers="same"):
    """An op of one operand."""
    return Op(
        name,
        reference,
        samples=(Sample((X,)), Sample((np.array(0.7),)), Sample((drawn(2, 1, 3),))),
        integers=integers,
        empty=(Sample((np.ones((0, 2)),)), (0, 2)),
    )


OPS = (
    binary("add", np.add),
    binary("sub", np.subtract),
    binary("mul", np.multiply),
    binary("div", np.divide, integers="float"),
    binary("pow", np.power, positive=True),
    unary("neg", np.negative),
    unary("pos", np.positive),
    unary("abs", np.abs),
    Op(
        "astype",
        lambda x, dtype: x.astype(dtype),
        samples=(Sample((X, np.float64)),),
        integers=None,
        empty=(Sample((np.ones((0, 2)), np.float64)), (0, 2)),
    ),
)
