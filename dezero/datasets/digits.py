"""Digits: small pictures of handwriting that come with the package."""

from __future__ import annotations

import os

import numpy as np

from ..transforms import Compose, Flatten, Normalize, ToFloat
from .base import Dataset, Transform

_FILE = os.path.join(os.path.dirname(__file__), "data", "digits.npz")
_SPLIT_SEED = 1998  # the year the data were published; any fixed number would do
_ROW_IN_UNIT_RANGE = Compose([Flatten(), ToFloat(), Normalize(0, 16)])


class Digits(Dataset):
    """1,797 digits that 13 people wrote by hand, as grey images of 8x8 pixels; no download.

    1,437 are for training and 360 for testing. The split is fixed and stratified: the items
    are mixed by a generator of their own (`numpy.random.RandomState(1998)`, whose stream
    NumPy has frozen), sorted by class without disturbing that order, and every fifth one is
    for testing. NumPy's global generator is neither used nor changed.

    Args:
        train: The training part (True) or the test part (False).
        transform: Of an image `(1, 8, 8)` uint8 with values 0 to 16. The default makes it a
            row of 64 float32 in [0, 1]; None leaves it as it is.
        target_transform: Of the label, an int64; None leaves it as it is.

    Source:
        E. Alpaydin and C. Kaynak (1998), Optical Recognition of Handwritten Digits, UCI
        Machine Learning Repository, doi:10.24432/C50P49, licence CC BY 4.0.

    Example:
        >>> digits = Digits(train=True)
        >>> x, t = digits[0]
        >>> len(digits), x.shape, x.dtype, t
        (1437, (64,), dtype('float32'), np.int64(0))
        >>> digits.images.shape
        (1437, 8, 8)
    """

    def __init__(
        self,
        train: bool = True,
        transform: Transform | None = _ROW_IN_UNIT_RANGE,
        target_transform: Transform | None = None,
    ) -> None:
        super().__init__(train, transform, target_transform)

    def prepare(self) -> None:
        """Read the images that belong to this part."""
        with np.load(_FILE, allow_pickle=False) as archive:
            images, labels = archive["images"], archive["labels"]
        chosen = _split(labels, self.train)
        self.data = images[chosen][:, np.newaxis]  # (N, 1, 8, 8)
        self.label = labels[chosen].astype(np.int64)

    @property
    def images(self) -> np.ndarray:
        """The pictures as they came, `(N, 8, 8)` uint8 from 0 (paper) to 16 (ink)."""
        return self.data[:, 0]

    @staticmethod
    def labels() -> dict[int, str]:
        """The name of each class."""
        return {digit: str(digit) for digit in range(10)}


def _split(labels: np.ndarray, train: bool) -> np.ndarray:
    """The places of the training or the test items, in ascending order."""
    mixed = np.random.RandomState(_SPLIT_SEED).permutation(len(labels))
    by_class = mixed[np.argsort(labels[mixed], kind="stable")]
    is_test = np.zeros(len(labels), dtype=bool)
    is_test[by_class[::5]] = True
    return np.flatnonzero(is_test != train)
