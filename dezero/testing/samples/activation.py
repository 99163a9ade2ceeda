"""Samples of the activation functions."""

import numpy as np
from scipy import special

from ...errors import ShapeError
from ..catalogue import Op, Refusal, Sample, drawn

X = drawn(3, 4, low=-4.0, high=4.0)


def unary(name, reference, attributes=({},), refusals=(), integers="float"):
    """An op of one operand, smooth except perhaps at 0."""
    inputs = (X, drawn(low=-2.0), drawn(2, 1, 3, high=3.0))
    return Op(
        name,
        reference,
        samples=tuple(Sample((x,), attribute) for attribute in attributes for x in inputs),
        refusals=refusals,
        integers=integers,
        empty=(Sample((np.ones((0, 2)),)), (0, 2)),
    )


def gelu(x, approximate="none"):
    """The definition of GELU, or of its approximation."""
    if approximate == "none":
        return x * special.ndtr(x)
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * np.power(x, 3))))


OPS = (
    unary("sigmoid", special.expit),
    unary("sigmoid_simple", special.expit),
    unary("relu", lambda x: np.maximum(x, 0), integers="same"),
    unary(
        "leaky_relu",
        lambda x, slope=0.2: np.where(x > 0, x, slope * x),
        attributes=({}, {"slope": 0.01}, {"slope": 1.5}, {"slope": -0.5}),
    ),
    unary("softplus", lambda x: np.logaddexp(x, 0.0)),
    unary("silu", lambda x: x * special.expit(x)),
    unary(
        "gelu",
        gelu,
        attributes=({}, {"approximate": "tanh"}),
        refusals=(
            Refusal((X,), ShapeError, ("gelu", "'sigmoid'", '"tanh"'), {"approximate": "sigmoid"}),
        ),
    ),
)
