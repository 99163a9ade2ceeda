"""Samples of the ops that arrange elements otherwise."""

import numpy as np

from ...errors import ShapeError
from ..catalogue import Op, Refusal, Sample, drawn

X = drawn(2, 3, 4)
SCALAR = np.array(0.7)
NONE = np.ones((0, 4))


def rearranging(name, reference, calls, refusals=(), empty=None):
    """An op that keeps every element, and so the dtype of integers."""
    samples = tuple([Sample(call) for call in calls])
    return Op(name, reference, samples, refusals, integers="same", empty=empty)


OPS = (
    rearranging(
        "reshape",
        lambda x, shape: np.reshape(x, shape),
        [
            (X, (4, 6)),
            (X, (6, -1)),
            (X, -1),
            (X, [3, 2, 2, 2]),
            (drawn(1, 1), ()),
            (SCALAR, (1, 1)),
            (drawn(6), (3, 2)),
        ],
        refusals=(
            Refusal((X, (5, 5)), ShapeError, ("reshape", "x is (2, 3, 4)", "24", "(5,5)")),
            Refusal((X, (-1, 5)), ShapeError, ("reshape", "24")),
        ),
        empty=(Sample((NONE, (2, 0, 3))), (2, 0, 3)),
    ),
    rearranging(
        "flatten",
        lambda x: np.stack([row.ravel() for row in x]),
        [(X,), (drawn(2, 5),), (drawn(3),)],
        refusals=(Refusal((SCALAR,), ShapeError, ("flatten", "axis 0", "reshape")),),
        empty=(Sample((np.ones((0, 2, 3)),)), (0, 6)),
    ),
    rearranging(
        "expand_dims",
        np.expand_dims,
        [(X, 0), (X, -1), (X, 2), (X, (0, -2)), (X, (-1, 1)), (SCALAR, 0)],
        refusals=(
            Refusal((X, 4), ShapeError, ("expand_dims", "axis 4")),
            Refusal((X, (0, 0)), ShapeError, ("expand_dims", "repeated")),
        ),
        empty=(Sample((NONE, 1)), (0, 1, 4)),
    ),
    rearranging(
        "squeeze",
        np.squeeze,
        [
            (drawn(1, 3, 1),),
            (drawn(1, 3, 1), 0),
            (drawn(1, 3, 1), (-1, 0)),
            (drawn(1, 1),),
            (X,),
            (SCALAR,),
        ],
        refusals=(
            Refusal((X, 1), ShapeError, ("squeeze", "x is (2, 3, 4)", "not equal to one")),
            Refusal((X, 3), ShapeError, ("squeeze", "axis 3")),
        ),
        empty=(Sample((np.ones((1, 0)), 0)), (0,)),
    ),
    rearranging(
        "transpose",
        np.transpose,
        [
            (X,),
            (X, (2, 0, 1)),
            (X, (-2, 0, -1)),
            (X, [1, 2, 0]),
            (drawn(2, 3),),
            (drawn(3),),
            (SCALAR,),
        ],
        refusals=(
            Refusal((X, (0, 1)), ShapeError, ("transpose", "axes (0, 1)", "once")),
            Refusal((X, (0, 1, 1)), ShapeError, ("transpose", "(0, 1, 1)")),
            Refusal((X, (0, 1, 3)), ShapeError, ("transpose", "(0, 1, 3)")),
        ),
        empty=(Sample((NONE,)), (4, 0)),
    ),
    rearranging(
        "swapaxes",
        np.swapaxes,
        [(X, 0, 2), (X, -1, 1), (X, 1, 1)],
        refusals=(Refusal((X, 0, 3), ShapeError, ("swapaxes", "(2, 3, 4)", "axis 3")),),
        empty=(Sample((NONE, 0, 1)), (4, 0)),
    ),
    rearranging(
        "moveaxis",
        np.moveaxis,
        [(X, 0, -1), (X, -1, 0), (X, (0, 1), (-1, 0)), (X, [2, 0], [0, 1]), (X, 1, 1)],
        refusals=(
            Refusal((X, 0, 3), ShapeError, ("moveaxis", "axis 3")),
            Refusal((X, (0, 1), 0), ShapeError, ("moveaxis", "pair up")),
        ),
        empty=(Sample((NONE, 0, 1)), (4, 0)),
    ),
    rearranging(
        "broadcast_to",
        np.broadcast_to,
        [
            (drawn(3, 1), (3, 4)),
            (drawn(4), (2, 3, 4)),
            (drawn(2, 1, 4), (3, 2, 2, 4)),
            (SCALAR, (2, 2)),
            (SCALAR, 3),
            (drawn(1), 3),
            (X, (2, 3, 4)),
            (SCALAR, ()),
        ],
        refusals=(
            Refusal((X, (2, 3, 5)), ShapeError, ("broadcast_to", "(2, 3, 4)", "(2, 3, 5)")),
            Refusal((X, (3, 4)), ShapeError, ("broadcast_to", "(3, 4)")),
        ),
        empty=(Sample((np.ones((1, 4)), (0, 4))), (0, 4)),
    ),
    rearranging(
        "sum_to",
        lambda x, shape: np.einsum("abc->bc" if shape == (3, 4) else "abc->b", x).reshape(shape),
        [(X, (3, 4)), (X, (1, 3, 1)), (X, (3, 1))],
        refusals=(
            Refusal((X, (2, 3, 5)), ShapeError, ("sum_to", "(2, 3, 5)", "(2, 3, 4)")),
            Refusal((X, (1, 2, 3, 4)), ShapeError, ("sum_to", "(1, 2, 3, 4)")),
        ),
        empty=(Sample((NONE, (1, 4))), (1, 4)),
    ),
)
