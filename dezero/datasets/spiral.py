"""The spiral: three intertwined arms that no straight line separates."""

from __future__ import annotations

import numpy as np

from .base import Dataset

_CLASSES = 3
_POINTS_PER_CLASS = 100


def get_spiral(train: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """300 points on three arms of a spiral, and the arm of each.

    Point i of arm j has radius `r = i / 100` and angle `a = 4 j + 4 r + 0.2 n` in radians
    with `n` normally distributed; it lies at `(r sin a, r cos a)`. The points are mixed.

    This seeds NumPy's global generator, with 1984 for training and 2020 for testing, and
    draws from it: what a program draws afterwards is fixed as well, as in the book.

    Args:
        train: The training points (True) or others of the same arms (False).

    Returns:
        The points, `(300, 2)` float32, and their classes, `(300,)` int64 from 0 to 2.

    Example:
        >>> x, t = get_spiral()
        >>> x.shape, x.dtype, np.bincount(t).tolist()
        ((300, 2), dtype('float32'), [100, 100, 100])
    """
    np.random.seed(1984 if train else 2020)
    arm = np.arange(_CLASSES)[:, np.newaxis]
    radius = np.arange(_POINTS_PER_CLASS) / _POINTS_PER_CLASS
    noise = np.random.randn(_CLASSES, _POINTS_PER_CLASS)
    angle = arm * 4.0 + 4.0 * radius + noise * 0.2
    points = np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=-1)
    x = points.reshape(-1, 2).astype(np.float32)  # from (3, 100, 2)
    t = np.repeat(np.arange(_CLASSES), _POINTS_PER_CLASS)
    order = np.random.permutation(len(x))
    return x[order], t[order]


class Spiral(Dataset):
    """The points of `get_spiral` as a dataset; it too seeds NumPy's global generator.

    Args:
        train: The training points (True) or others of the same arms (False).
        transform: Of a point, `(2,)` float32; None leaves it as it is.
        target_transform: Of its class, an int64; None leaves it as it is.

    Example:
        >>> x, t = Spiral()[0]
        >>> len(Spiral()), x.shape, t.dtype
        (300, (2,), dtype('int64'))
    """

    def prepare(self) -> None:
        """Draw the points."""
        self.data, self.label = get_spiral(self.train)
