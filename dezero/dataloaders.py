"""Loaders: a dataset as a sequence of batches, shuffled or in parallel streams."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from .datasets.base import Dataset, stacked
from .errors import DTypeError, MissingDependencyError, ShapeError, StateError


class DataLoader:
    """All items of a dataset once, `batch_size` at a time; each loop over it is one epoch.

    Batches are pairs `(x, t)` of arrays with `batch_size` along the first axis. The last one
    of an epoch is shorter where the batch size does not divide the number of items. A loop
    that was left with `break` is not continued: the next loop starts a new epoch.

    Args:
        dataset: Anything with a length whose items are pairs `(x, t)`.
        batch_size: Items in a batch, at least 1.
        shuffle: Take the items in a new random order each epoch, or as they are (False).
        gpu: Give CuPy arrays instead of NumPy's.
        seed: Where the order comes from. None: NumPy's global generator, asked for one
            permutation here and one at the end of each epoch, so that `np.random.seed(0)`
            repeats a whole program. An integer of at least 0: the order of an epoch depends
            on `seed` and the number of the epoch alone.
        drop_last: Leave out a last batch that is short.

    Raises:
        ShapeError: `batch_size` is below 1.
        DTypeError: `batch_size` is not an integer.
        MissingDependencyError: `gpu` is set and CuPy is not installed.

    Example:
        >>> from dezero.datasets import Digits
        >>> loader = DataLoader(Digits(), batch_size=500, seed=0)
        >>> [(x.shape, t.shape) for x, t in loader]
        [((500, 64), (500,)), ((500, 64), (500,)), ((437, 64), (437,))]
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int,
        shuffle: bool = True,
        gpu: bool = False,
        *,
        seed: int | None = None,
        drop_last: bool = False,
    ) -> None:
        self.dataset = dataset
        self.batch_size = _checked_batch_size(batch_size)
        self.shuffle = shuffle
        self.seed = seed
        self.drop_last = drop_last
        self.data_size = len(dataset)
        self.max_iter = self._count_batches()
        self.gpu = False
        if gpu:
            self.to_gpu()
        self.index: np.ndarray
        self.iteration: int
        self._resumed: bool
        self._epoch = -1
        self.reset()

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        return self.max_iter

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        """The batches of a new epoch, or of the rest of the one that was loaded."""
        if self.iteration > 0 and not self._resumed:
            self.reset()
        self._resumed = False
        return self._batches(self.index, self.iteration)

    def __next__(self) -> tuple[Any, Any]:
        """The next batch; StopIteration at the end of the epoch, after which a new one begins."""
        if self.iteration >= self.max_iter:
            self.reset()
            raise StopIteration
        self.iteration += 1
        return self._fetch(self._places(self.index, self.iteration - 1))

    next = __next__  # the book's name

    def reset(self) -> None:
        """Begin a new epoch, in a new order if the loader shuffles."""
        self._epoch += 1
        self._resumed = False
        self.iteration = 0
        self.index = self._new_order()

    def to_cpu(self) -> None:
        """Give NumPy arrays from now on."""
        self.gpu = False

    def to_gpu(self) -> None:
        """Give CuPy arrays from now on.

        Raises:
            MissingDependencyError: CuPy is not installed.
        """
        _cupy()
        self.gpu = True

    def state_dict(self) -> dict[str, Any]:
        """Where the loader stands, for `load_state_dict`.

        Returns:
            The order of the running epoch (`index`, an integer array), the number of batches
            already given (`iteration`), the number of the epoch, and `batch_size` and `seed`.
        """
        return {
            "index": self.index.copy(),
            "iteration": self.iteration,
            "epoch": self._epoch,
            "batch_size": self.batch_size,
            "seed": self.seed,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Stand where `state` was taken: the next loop gives the rest of that epoch.

        What follows is equal to what the saved loader would have given, from the next batch
        on. Without a seed, the orders of later epochs come from NumPy's global generator,
        whose state must be restored as well.

        Args:
            state: What `state_dict` of a loader of the same kind returned.

        Raises:
            StateError: The state does not fit this loader; nothing is changed then.
        """
        missing = {"index", "iteration", "epoch", "batch_size", "seed"} - set(state)
        if missing:
            raise StateError(f"DataLoader: the state has no {sorted(missing)}")
        for name, ours in (("batch_size", self.batch_size), ("seed", self.seed)):
            if state[name] != ours:
                raise StateError(
                    f"DataLoader: the state has {name} {state[name]}, this loader {ours}: "
                    "make the loader with the same arguments"
                )
        index, iteration, epoch = np.asarray(state["index"]), state["iteration"], state["epoch"]
        if not np.array_equal(np.sort(index, axis=None), np.sort(self.index)):
            raise StateError(
                f"DataLoader: the state's order of {index.size} items is not an order of this "
                f"dataset's {self.data_size}"
            )
        if not 0 <= iteration <= self.max_iter or epoch < 0:
            raise StateError(
                f"DataLoader: the state is at batch {iteration} of epoch {epoch}, this loader "
                f"has {self.max_iter} batches"
            )
        self.index = index.astype(np.intp)
        self.iteration, self._epoch = int(iteration), int(epoch)
        self._resumed = True

    def _count_batches(self) -> int:
        """The number of batches in an epoch."""
        whole, rest = divmod(self.data_size, self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def _new_order(self) -> np.ndarray:
        """The order of a new epoch."""
        if not self.shuffle:
            return np.arange(self.data_size)
        if self.seed is None:
            return np.random.permutation(self.data_size)
        return np.random.default_rng([self.seed, self._epoch]).permutation(self.data_size)

    def _places(self, index: np.ndarray, step: int) -> np.ndarray:
        """Which items are in batch `step` of the epoch with the order `index`."""
        return index[step * self.batch_size : (step + 1) * self.batch_size]

    def _batches(self, index: np.ndarray, start: int) -> Iterator[tuple[Any, Any]]:
        """The batches from `start` on, then a new epoch."""
        for step in range(start, self.max_iter):
            # Both are set, so that a loop inside a loop does not disturb the outer one.
            self.index, self.iteration = index, step + 1
            yield self._fetch(self._places(index, step))
        self.reset()

    def _fetch(self, places: np.ndarray) -> tuple[Any, Any]:
        """The items at `places`, stacked, on the chosen device."""
        if isinstance(self.dataset, Dataset):
            x, t = self.dataset.batch(places)
        else:
            x, t = stacked(self.dataset, places)
        if not self.gpu:
            return x, t
        cupy = _cupy()
        return cupy.asarray(x), None if t is None else cupy.asarray(t)


class SeqDataLoader(DataLoader):
    """A sequence read at `batch_size` places at once, for recurrent networks.

    The sequence is cut into `batch_size` streams of `jump = len(dataset) // batch_size`
    items; batch i holds item i of every stream: the items `i, i + jump, i + 2 * jump, ...`.
    An epoch has `jump` batches. The last `len(dataset) % batch_size` items belong to no
    stream and are left out.

    Args:
        dataset: Anything with a length whose items are pairs `(x, t)`, in their order.
        batch_size: The number of streams, from 1 to the number of items.
        gpu: Give CuPy arrays instead of NumPy's.

    Raises:
        ShapeError: `batch_size` is below 1 or above the number of items.
        DTypeError: `batch_size` is not an integer.
        MissingDependencyError: `gpu` is set and CuPy is not installed.

    Example:
        >>> pairs = [(i, i + 1) for i in range(7)]
        >>> [x.tolist() for x, t in SeqDataLoader(pairs, batch_size=2)]
        [[0, 3], [1, 4], [2, 5]]
    """

    def __init__(self, dataset: Any, batch_size: int, gpu: bool = False) -> None:
        super().__init__(dataset, batch_size, shuffle=False, gpu=gpu)

    def _count_batches(self) -> int:
        """The length of a stream."""
        if self.batch_size > self.data_size:
            raise ShapeError(
                f"SeqDataLoader: batch_size is {self.batch_size} and the dataset has "
                f"{self.data_size} items: each stream needs at least one"
            )
        return self.data_size // self.batch_size

    def _new_order(self) -> np.ndarray:
        """The first item of each stream."""
        return np.arange(self.batch_size) * self.max_iter

    def _places(self, index: np.ndarray, step: int) -> np.ndarray:
        """Item `step` of each stream."""
        return index + step


def _checked_batch_size(batch_size: int) -> int:
    """`batch_size` as an int of at least 1."""
    try:
        size = operator.index(batch_size)
    except TypeError:
        raise DTypeError(f"DataLoader: batch_size is {batch_size!r}, expected an integer") from None
    if size < 1:
        raise ShapeError(f"DataLoader: batch_size is {size}, expected at least 1")
    return size


def _cupy() -> Any:
    """The module cupy."""
    try:
        import cupy
    except ImportError as error:
        raise MissingDependencyError(
            "DataLoader: gpu=True needs CuPy, which is not installed: see "
            "https://docs.cupy.dev/en/stable/install.html"
        ) from error
    return cupy
