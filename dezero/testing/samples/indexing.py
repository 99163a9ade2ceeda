"""Samples of indexing."""

from typing import Any

import numpy as np

from ...errors import IndexingError, ShapeError
from ..catalogue import Fixed, Op, Refusal, Sample, drawn

X = drawn(3, 4, 5)
W = drawn(6, 3)
ROWS = np.array([[0, 2], [2, -1]])
MASK = drawn(3, 4, seed=3) > 0
ALL = slice(None)

INDICES: tuple[Any, ...] = (
    1,
    -1,
    slice(1, None),
    slice(None, None, -2),
    (0, 1),
    (0, -1, 2),
    (Ellipsis, 0),
    (ALL, None, slice(1, 3)),
    (None, Ellipsis, -1, None),
    (),
    Ellipsis,
    (slice(5, 2), 0),
    [0, 0, 2],
    np.array([2, 0, 2]),
    ROWS,
    (ALL, np.array([3, 3, 0])),
    (np.array([0, 1, 0]), np.array([1, 1, 1])),
    (np.array([[0], [1]]), np.array([2, 2])),
    (np.array([0, 1, 0]), ALL, np.array([1, 1, 1])),
    (Ellipsis, np.array([4, 4])),
    (slice(None, None, 2), np.array([1, 1]), None, slice(4, 0, -1)),
    (np.array([0, 2, 2]), 1),
    (np.int64(1), np.array(2)),
    np.array([], int),
    [],
    MASK,
    np.array([True, False, True]),
    (0, MASK[0]),
    (np.array([0, 0]), np.array([False, True, False, True])),
    np.zeros(3, bool),
    np.array([2, 2], np.uint8),
)


def outside(index, *words):
    """An index that X does not have."""
    return Refusal((X, index), IndexingError, ("get_item", "x is (3, 4, 5) float64", *words))


def ids(name):
    """The rows of a matrix."""
    return Op(
        name,
        lambda x, W: W[x],
        samples=(
            Sample((Fixed(np.array([1, 5, 1])), W)),
            Sample((Fixed(ROWS), W)),
            Sample(([0, -1], W)),
            Sample((Fixed(np.array(2)), W)),
        ),
        refusals=(
            Refusal(
                (Fixed(np.array([0, 6])), W),
                IndexingError,
                ("embed_id", "W is (6, 3) float64", "index 6", "axis 0", "size 6"),
            ),
            Refusal((drawn(2), W), IndexingError, ("embed_id", "integers")),
            Refusal((Fixed(np.ones(6, bool)), W), IndexingError, ("embed_id", "integers")),
        ),
        integers="same",
        empty=(Sample((Fixed(np.zeros((0, 2), int)), W)), (0, 2, 3)),
    )


OPS = (
    Op(
        "get_item",
        lambda x, slices: x[slices],
        samples=tuple([Sample((X, index)) for index in INDICES]),
        refusals=(
            outside(3, "index 3", "axis 0", "size 3"),
            outside((0, -5), "index -5", "axis 1", "size 4"),
            outside(np.array([0, 7]), "index 7", "axis 0", "size 3"),
            outside((0, 0, 0, 0), "too many indices"),
            outside(np.ones(4, bool), "boolean index"),
            outside(1.5, "integers"),
            outside((np.array([0, 1]), np.array([0, 1, 2])), "broadcast"),
        ),
        integers="same",
        empty=(Sample((np.ones((0, 3)), (ALL, 1))), (0,)),
    ),
    Op(
        "take",
        np.take,
        samples=(
            Sample((X, [7, 7, -1])),
            Sample((X, Fixed(ROWS), 1)),
            Sample((X, Fixed(ROWS), -2)),
            Sample((X, 2, 0)),
            Sample((drawn(4), [1, 1])),
        ),
        refusals=(
            Refusal((X, [4], 1), IndexingError, ("index 4", "axis 1", "size 4")),
            Refusal((X, [0], 3), ShapeError, ("take", "axis 3")),
        ),
        integers="same",
        empty=(Sample((np.ones((0, 3)), [1, 1], 1)), (0, 2)),
    ),
    ids("embed_id"),
    ids("embedding"),
)
