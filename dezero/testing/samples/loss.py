"""Samples of the losses."""

import numpy as np
from scipy import special

from ...errors import DTypeError, ShapeError
from ..catalogue import Fixed, Op, Refusal, Sample, drawn

X = drawn(3, 4, low=-3.0, high=3.0)
P = drawn(3, 4, low=0.05, high=0.95)
T = Fixed(np.array([3, 0, 0]))
BITS = Fixed(np.array([[0, 1, 1, 0], [1, 1, 0, 0], [0, 0, 0, 1]]))
SOFT = drawn(3, 4, seed=1, low=0.1, high=0.9)


def squares(x0, x1):
    """Squared differences, averaged over axis 0."""
    return np.sum((x0 - x1) ** 2) / len(x0)


def labelled(x, t):
    """The mean negative logarithm of the labels' probabilities."""
    return -np.mean(np.log(special.softmax(x, axis=1))[np.arange(len(t)), t])


def bernoulli(p, t):
    """The negative logarithm of the probability of t, averaged over axis 0."""
    return -np.sum(special.xlogy(t, p) + special.xlog1py(1 - t, -p)) / len(p)


def same_shape(name, x, t):
    """What every loss of two operands of one shape refuses."""
    return (
        Refusal((x[:, :1], t[:1]), ShapeError, (name, "(3, 1)", "(1, 4)", "broadcast")),
        Refusal((x, t[:1]), ShapeError, (name, "(3, 4)", "(1, 4)", "broadcast")),
        Refusal((x[0, 0], t[0, 0]), ShapeError, (name, "() float64", "row")),
        Refusal((x[:0], t[:0]), ShapeError, (name, "(0, 4)", "row")),
    )


def mean_squared_error(name):
    """mean_squared_error, in one of its two spellings."""
    return Op(
        name,
        squares,
        samples=(
            Sample((X, drawn(3, 4, seed=1))),
            Sample((drawn(5), drawn(5, seed=1))),
            Sample((drawn(2, 1, 3), drawn(2, 1, 3, seed=1))),
        ),
        refusals=(
            *same_shape(name, X, P),
            Refusal((X[:, :1], P[:, 0]), ShapeError, (name, "(3, 1)", "(3,)", ".reshape(3, 1)")),
        ),
        empty=(Sample((np.ones((3, 0)), np.ones((3, 0)))), ()),
    )


def labels(name):
    """What ops of scores (N, C) and labels (N,) refuse."""

    def fixed(*t):
        return Fixed(np.array(t))

    return (
        Refusal((X, fixed(0, 1, 4)), ShapeError, (name, "(3, 4) float64", "0 to 3", "0 to 4")),
        Refusal((X, fixed(0, -1, 1)), ShapeError, (name, "0 to 3", "-1 to 1")),
        Refusal((X, fixed(0.0, 1.0, 2.0)), DTypeError, (name, "(3,) float64", "astype(int)")),
        Refusal((X, fixed(0, 1)), ShapeError, (name, "(2,) int64", "(3,)", "reshape(-1)")),
        Refusal((X, Fixed(np.eye(3, 4, dtype=int))), ShapeError, (name, "(3, 4) int64", "argmax")),
        Refusal((X[0], T), ShapeError, (name, "(4,) float64", "(N, C)")),
        Refusal((X[:0], Fixed(T.data[:0])), ShapeError, (name, "(0, 4)", "row")),
    )


def softmax_cross_entropy(name):
    """softmax_cross_entropy, in one of its two spellings."""
    return Op(
        name,
        labelled,
        samples=(
            Sample((X, T)),
            Sample((X, [3, 0, 0])),
            Sample((drawn(5, 2), Fixed(np.array([0, 1, 1, 0, 1], np.uint8)))),
            Sample((drawn(1, 1), Fixed(np.array([0])))),
        ),
        refusals=labels(name),
    )


OPS = (
    mean_squared_error("mean_squared_error"),
    mean_squared_error("mean_squared_error_simple"),
    softmax_cross_entropy("softmax_cross_entropy"),
    softmax_cross_entropy("softmax_cross_entropy_simple"),
    Op(
        "sigmoid_cross_entropy",
        lambda x, t: bernoulli(special.expit(x), t),
        samples=(
            Sample((X, BITS)),
            Sample((X, SOFT)),
            Sample((drawn(4), Fixed(np.array([True, False, True, False])))),
        ),
        refusals=(
            *same_shape("sigmoid_cross_entropy", X, P),
            Refusal((X, Fixed(2 * BITS.data - 1)), ShapeError, ("sigmoid_cross_entropy", "t must")),
        ),
        integers=None,
        empty=(Sample((np.ones((3, 0)), np.ones((3, 0)))), ()),
    ),
    Op(
        "binary_cross_entropy",
        bernoulli,
        samples=(
            Sample((P, BITS)),
            Sample((P, SOFT)),
            Sample((drawn(4, low=0.1, high=0.9), Fixed(np.array([True, False, True, False])))),
        ),
        refusals=(
            *same_shape("binary_cross_entropy", P, P),
            Refusal((X, BITS), ShapeError, ("binary_cross_entropy", "p must", "sigmoid_cross")),
            Refusal((P, Fixed(2 * BITS.data - 1)), ShapeError, ("binary_cross_entropy", "t must")),
        ),
        integers=None,
        empty=(Sample((np.ones((3, 0)), np.ones((3, 0)))), ()),
    ),
    Op(
        "accuracy",
        lambda y, t: np.mean(np.argmax(y, axis=1) == t),
        samples=(
            Sample((X, T)),
            Sample((X, [3, 0, 0])),
            Sample((drawn(8, 2), Fixed(np.array([0, 1, 1, 0, 1, 0, 0, 1])))),
        ),
        refusals=labels("accuracy"),
        differentiable=False,
    ),
)
