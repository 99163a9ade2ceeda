"""Samples of the recurrent ops."""

import numpy as np
from scipy.special import expit

from ...errors import ShapeError
from ..catalogue import Op, Refusal, Sample, drawn


def rnn(xs, h, Wx, b, Wh):
    """Step by step in float64."""
    states = []
    for x in xs:
        h = np.tanh(x @ Wx + b + h @ Wh)
        states.append(h)
    return np.array(states)


def lstm(xs, h, c, Wx, b, Wh):
    """Step by step in float64."""
    states = []
    for x in xs:
        f, i, o, u = np.split(x @ Wx + b + h @ Wh, 4, axis=1)
        c = expit(f) * c + expit(i) * np.tanh(u)
        h = expit(o) * np.tanh(c)
        states.append(h)
    return np.array(states), c


def operands(T, N, I, H, gates):
    """xs, h, Wx, b and Wh of these sizes."""
    return (
        drawn(T, N, I),
        drawn(N, H, seed=1),
        drawn(I, gates * H, seed=2),
        drawn(gates * H, seed=3),
        drawn(H, gates * H, seed=4),
    )


def with_cell(operands):
    """The operands with a cell after h."""
    xs, h, *weights = operands
    return xs, h, drawn(*h.shape, seed=5), *weights


OPS = (
    Op(
        "rnn",
        rnn,
        samples=(Sample(operands(3, 2, 2, 3, 1)), Sample(operands(1, 1, 3, 2, 1))),
        refusals=(
            Refusal(operands(0, 2, 2, 3, 1), ShapeError, ("rnn: xs is (0, 2, 2)", "one step")),
            Refusal(operands(3, 2, 2, 3, 4), ShapeError, ("Wx must be (2, 3)",)),
        ),
        integers=None,
        empty=(Sample(operands(2, 0, 2, 3, 1)), (2, 0, 3)),
    ),
    Op(
        "lstm",
        lstm,
        samples=(
            Sample(with_cell(operands(3, 2, 2, 2, 4))),
            Sample(with_cell(operands(1, 1, 2, 1, 4))),
        ),
        refusals=(
            Refusal(with_cell(operands(3, 2, 2, 3, 1)), ShapeError, ("lstm", "Wx must be (2, 12)")),
        ),
        integers=None,
        empty=(Sample(with_cell(operands(2, 0, 2, 3, 4))), (2, 0, 3)),
    ),
)
