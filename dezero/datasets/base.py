"""The Dataset: numbered pairs of an input and what belongs to it."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any, SupportsIndex

import numpy as np

from ..errors import DataError, IndexingError, ShapeError

Transform = Callable[[Any], Any]


class Dataset:
    """Pairs `(x, t)` by number, each passed through its transform on the way out.

    A subclass overrides `prepare` to set `self.data` and `self.label`, both of length N;
    `label` stays None where there is nothing to predict. Data too large for memory is read
    piece by piece instead: override `__getitem__` and `__len__`.

    Args:
        train: Which part of the data `prepare` should load: training (True) or test.
        transform: Applied to every `x`; None leaves it as it is.
        target_transform: Applied to every `t`; None leaves it as it is.

    A transform that has a method `batch` (as those of `dezero.transforms` do where it is
    possible) is given a whole stack of items at once when a loader asks for a batch.

    Example:
        >>> class Squares(Dataset):
        ...     def prepare(self):
        ...         self.data = np.arange(5)
        ...         self.label = self.data**2
        >>> squares = Squares(transform=lambda x: x / 10)
        >>> len(squares), [float(number) for number in squares[3]]
        (5, [0.3, 9.0])
    """

    def __init__(
        self,
        train: bool = True,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
    ) -> None:
        self.train = train
        self.transform = transform
        self.target_transform = target_transform
        self.data: Any = None
        self.label: Any = None
        self.prepare()
        if self.data is not None and self.label is not None and len(self.data) != len(self.label):
            raise ShapeError(
                f"{type(self).__name__}: data has {len(self.data)} items and label has "
                f"{len(self.label)}: every item needs its label"
            )

    def prepare(self) -> None:
        """Set `self.data` and, where there is one, `self.label`. For subclasses."""

    def __len__(self) -> int:
        """The number of items, N."""
        return len(self._loaded())

    def __getitem__(self, index: SupportsIndex) -> tuple[Any, Any]:
        """The pair `(x, t)` at `index`, counted from the end where negative.

        Returns:
            `(x, t)`, transformed; `t` is None for a dataset without labels.

        Raises:
            IndexingError: `index` is outside the dataset or is not one integer.
        """
        data, place = self._loaded(), self._place(index)
        x = data[place] if self.transform is None else self.transform(data[place])
        if self.label is None:
            return x, None
        t = self.label[place]
        return x, t if self.target_transform is None else self.target_transform(t)

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        """Every pair once, in order."""
        return (self[index] for index in range(len(self)))

    def batch(self, indices: Sequence[int] | np.ndarray) -> tuple[Any, Any]:
        """The items at `indices` as two arrays, stacked along a new first axis.

        Args:
            indices: `n` integers in `[0, len(self))`.

        Returns:
            `(x, t)` of shapes `(n, ...)`; `t` is None for a dataset without labels.

        Raises:
            ShapeError: The items differ in shape, so that no array can hold them.

        Example:
            >>> from dezero.datasets import Digits
            >>> x, t = Digits().batch([0, 1, 2])
            >>> x.shape, t.shape
            ((3, 64), (3,))
        """
        if type(self).__getitem__ is Dataset.__getitem__:
            x = _taken(self._loaded(), indices, self.transform)
            t = None if self.label is None else _taken(self.label, indices, self.target_transform)
            if x is not None and (t is not None or self.label is None):
                return x, t
        return stacked(self, indices)

    def _loaded(self) -> Any:
        """`self.data`, once `prepare` has set it."""
        if self.data is None:
            raise DataError(
                f"{type(self).__name__}: no data: set self.data in prepare(), "
                "or override __getitem__ and __len__"
            )
        return self.data

    def _place(self, index: SupportsIndex) -> int:
        """`index` as a number in [0, N)."""
        name, size = type(self).__name__, len(self)
        try:
            place = operator.index(index)
        except TypeError:
            raise IndexingError(
                f"{name}: index is {type(index).__name__}, expected one integer: "
                f"for several items write [dataset[i] for i in indices]"
            ) from None
        if not -size <= place < size:
            raise IndexingError(f"{name}: index {place} is out of range for {size} items")
        return place % size


def _taken(source: Any, indices: Any, transform: Transform | None) -> np.ndarray | None:
    """`transform` of `source[indices]` in one step, or None where that cannot be."""
    if not isinstance(source, np.ndarray):
        return None
    if transform is None:
        return source[np.asarray(indices, dtype=np.intp)]
    over_stack = getattr(transform, "batch", None)
    return None if over_stack is None else over_stack(source[np.asarray(indices, dtype=np.intp)])


def stacked(dataset: Any, indices: Sequence[int] | np.ndarray) -> tuple[Any, Any]:
    """The pairs `dataset[i]` for each index as two arrays `(n, ...)`; no labels give None.

    Raises:
        ShapeError: The items differ in shape.
    """
    pairs = [dataset[int(index)] for index in indices]
    labels = [t for _, t in pairs]
    t = None if all(label is None for label in labels) else _as_one_array(labels, "labels")
    return _as_one_array([x for x, _ in pairs], "inputs"), t


def _as_one_array(items: list[Any], what: str) -> np.ndarray:
    """`items` stacked along a new first axis."""
    arrays = [np.asarray(item) for item in items]
    shapes = {array.shape for array in arrays}
    if len(shapes) > 1:
        raise ShapeError(
            f"batch: the {what} have the shapes {sorted(shapes)[:4]}: "
            "give the dataset a transform that makes them all one shape"
        )
    return np.stack(arrays)
