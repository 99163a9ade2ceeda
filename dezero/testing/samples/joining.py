"""Samples of the ops that join, cut, pad, repeat and reverse."""

import numpy as np

from ...errors import ShapeError
from ..catalogue import Op, Refusal, Sample, drawn

X = drawn(2, 3, 4)
Y = drawn(2, 1, 4, seed=1)
Z = drawn(2, 3, 4, seed=2)
SCALAR = np.array(0.7)

OPS = (
    Op(
        "concat",
        np.concatenate,
        samples=(
            Sample(([X, Z],)),
            Sample(([X, Y, Z], 1)),
            Sample(([Y, X], -2)),
            Sample(([X],), {"axis": -1}),
            Sample(([drawn(2), drawn(3)],)),
        ),
        refusals=(
            Refusal(([X, Y],), ShapeError, ("concat", "(2, 3, 4)", "(2, 1, 4)")),
            Refusal(([X, Z], 3), ShapeError, ("concat", "axis 3")),
            Refusal(([],), ShapeError, ("concat", "at least one")),
            Refusal(([SCALAR, SCALAR],), ShapeError, ("concat", "zero-dimensional")),
        ),
        integers="same",
        empty=(Sample(([np.ones((0, 2)), np.ones((3, 2))],)), (3, 2)),
    ),
    Op(
        "stack",
        np.stack,
        samples=(
            Sample(([X, Z],)),
            Sample(([X, Z, X], 1)),
            Sample(([X, Z], -1)),
            Sample(([Y],), {"axis": 2}),
            Sample(([drawn(3), drawn(3, seed=1)], 1)),
            Sample(([SCALAR, np.array(0.2)],)),
        ),
        refusals=(
            Refusal(([X, Y],), ShapeError, ("stack", "(2, 3, 4)", "(2, 1, 4)", "same shape")),
            Refusal(([X, Z], 4), ShapeError, ("stack", "axis 4")),
            Refusal(([],), ShapeError, ("stack", "at least one")),
        ),
        integers="same",
        empty=(Sample(([np.ones((0, 2)), np.ones((0, 2))], 1)), (0, 2, 2)),
    ),
    Op(
        "split",
        lambda x, parts, axis=0: tuple(np.split(x, parts, axis)),
        samples=(
            Sample((X, 2)),
            Sample((X, 4), {"axis": -1}),
            Sample((X, [1], 1)),
            Sample((X, (1, 3), -1)),
            Sample((X, 1)),
            Sample((drawn(5), [0, 2, 9])),
        ),
        refusals=(
            Refusal((X, 2, 1), ShapeError, ("split", "(2, 3, 4)", "axis 1", "multiple of 2 parts")),
            Refusal((X, 0), ShapeError, ("split", "0 parts")),
            Refusal((X, 2, 3), ShapeError, ("split", "axis 3")),
        ),
        integers="same",
        empty=(Sample((np.ones((0, 4)), 2)), (0, 4)),
    ),
    Op(
        "pad",
        lambda x, widths, constant=0: np.pad(x, widths, constant_values=constant),
        samples=(
            Sample((X, 1)),
            Sample((X, (0, 2)), {"constant": 1.5}),
            Sample((X, [(1, 0), (0, 0), (2, 3)], -1)),
            Sample((X, 0)),
            Sample((drawn(3), (2, 1))),
        ),
        refusals=(
            Refusal((X, -1), ShapeError, ("pad", "(2, 3, 4)", "negative")),
            Refusal((X, [(1, 1), (2, 2)]), ShapeError, ("pad", "[(1, 1), (2, 2)]", "3 pairs")),
        ),
        integers="same",
        empty=(Sample((np.ones((0, 2)), 1)), (2, 4)),
    ),
    Op(
        "flip",
        np.flip,
        samples=(
            Sample((X,)),
            Sample((X, 1)),
            Sample((X, (0, -1))),
            Sample((drawn(3), -1)),
            Sample((SCALAR,)),
        ),
        refusals=(Refusal((X, 3), ShapeError, ("flip", "(2, 3, 4)", "axis 3")),),
        integers="same",
        empty=(Sample((np.ones((0, 2)),)), (0, 2)),
    ),
    Op(
        "tile",
        np.tile,
        samples=(
            Sample((X, 2)),
            Sample((X, (2, 1, 3))),
            Sample((drawn(2, 3), (2, 1, 2))),
            Sample((drawn(3), [2, 2])),
            Sample((X, (2, 0))),
            Sample((SCALAR, 3)),
        ),
        refusals=(Refusal((X, -1), ShapeError, ("reps", "-1")),),
        integers="same",
        empty=(Sample((np.ones((0, 2)), 3)), (0, 6)),
    ),
    Op(
        "repeat",
        np.repeat,
        samples=(
            Sample((X, 2)),
            Sample((X, 3, 1)),
            Sample((X, 2), {"axis": -1}),
            Sample((drawn(3), 0)),
            Sample((SCALAR, 2)),
        ),
        refusals=(
            Refusal((X, 2, 3), ShapeError, ("repeat", "(2, 3, 4)", "axis 3")),
            Refusal((X, [1, 2]), ShapeError, ("repeat", "[1, 2]", "one number")),
            Refusal((X, -2), ShapeError, ("repeat", "-2")),
        ),
        integers="same",
        empty=(Sample((np.ones((0, 2)), 3, 1)), (0, 6)),
    ),
)
