"""Vectors that are looked up by number."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import functions as F
from ..core import Parameter, Variable
from .layer import Layer
from .sizes import positive


class EmbedID(Layer):
    """The rows of W that integers name; W is drawn from N(0, 1), float32.

    Args:
        in_size: The number of rows, V: valid integers are 0 to V - 1.
        out_size: The length of a row, D.

    Attributes:
        W: Of shape (V, D).

    A call takes integers of any shape (...) and returns (..., D).

    Raises:
        ShapeError: A size is below 1.
        IndexingError: An integer is outside the rows.

    >>> layer = EmbedID(10, 4)
    >>> layer(np.array([[1, 2, 3], [3, 2, 1]])).shape
    (2, 3, 4)
    """

    def __init__(self, in_size: int, out_size: int) -> None:
        sizes = positive("EmbedID", "in_size", in_size), positive("EmbedID", "out_size", out_size)
        self.W = Parameter(np.random.randn(*sizes).astype(np.float32), name="W")

    def forward(self, x: Any) -> Variable:
        return F.embed_id(x, self.W)


Embedding = EmbedID
