"""Samples of the products of matrices."""

import numpy as np

from ...errors import ShapeError
from ..catalogue import Op, Refusal, Sample, drawn

SHAPES = (
    ((2, 3), (3, 4)),
    ((3,), (3,)),
    ((3,), (3, 4)),
    ((2, 3), (3,)),
    ((3,), (2, 3, 4)),
    ((2, 4, 3), (3,)),
    ((2, 4, 3), (3, 2)),
    ((2, 2, 2, 3), (3, 2)),
    ((4, 3), (2, 3, 2)),
    ((2, 4, 3), (2, 3, 2)),
    ((2, 1, 4, 3), (3, 3, 2)),
    ((1, 2, 3), (2, 3, 2)),
    ((1, 1), (1, 1)),
)
MATRIX = np.ones((2, 3))


def affine(x, W, b=None):
    """What a fully connected layer computes, by einsum."""
    return np.einsum("...i,io->...o", x, W) + (0 if b is None else b)


def layer(name, composed):
    """A fully connected layer, as one op or composed of two."""
    op = "matmul" if composed else "linear"
    return Op(
        name,
        affine,
        samples=(
            Sample((drawn(2, 3), drawn(3, 4), drawn(4))),
            Sample((drawn(2, 3), drawn(3, 4))),
            Sample((drawn(2, 3), drawn(3, 4), None)),
            Sample((drawn(2, 2, 3), drawn(3, 4), drawn(4))),
            Sample((drawn(3), drawn(3, 4), drawn(4))),
            Sample((drawn(1, 1), drawn(1, 1), drawn(1))),
        ),
        refusals=(
            Refusal(
                (np.ones((32, 10)), np.ones((20, 5)), np.ones(5)),
                ShapeError,
                (op, "x is (32, 10) float64", "x's last axis (10) must equal W's first (20)"),
            ),
            Refusal((np.array(1.0), MATRIX, np.ones(3)), ShapeError, (op, "x is () float64")),
            Refusal(
                (MATRIX, np.ones((3, 4)), np.ones(3)),
                ShapeError,
                ("(2, 4)" if composed else "(4,)", "(3,)"),
            ),
        ),
        integers="same",
        empty=(Sample((np.ones((0, 3)), np.ones((3, 4)), np.ones(4))), (0, 4)),
    )


OPS = (
    Op(
        "matmul",
        np.matmul,
        samples=tuple([Sample((drawn(*x), drawn(*W, seed=1))) for x, W in SHAPES]),
        refusals=(
            Refusal(
                (np.ones((32, 10)), np.ones((20, 5))),
                ShapeError,
                (
                    "matmul: x is (32, 10) float64, W is (20, 5) float64: "
                    "x's last axis (10) must equal W's first (20)",
                ),
            ),
            Refusal((MATRIX, np.ones(2)), ShapeError, ("last axis (3)", "first (2)")),
            Refusal((np.ones(2), np.ones((5, 3, 2))), ShapeError, ("(2)", "second last (3)")),
            Refusal(
                (np.ones((2, 2, 3)), np.ones((3, 3, 2))), ShapeError, ("(2,) and (3,)", "broadcast")
            ),
            Refusal((MATRIX, 2.0), ShapeError, ("matmul", "x * W")),
        ),
        integers="same",
        empty=(Sample((np.ones((2, 0)), np.ones((0, 3)))), (2, 3)),
    ),
    layer("linear", composed=False),
    layer("linear_simple", composed=True),
)
