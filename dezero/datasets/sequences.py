"""Sequences to predict: each item's label is the item that follows it."""

from __future__ import annotations

import numpy as np

from ..errors import DataError
from .base import Dataset
from .download import get_file

_SHAKESPEARE_URL = (
    "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"
)
_SHAKESPEARE_SHA256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"


class SinCurve(Dataset):
    """One period of a sine with noise, 1000 points over [0, 2 pi], to be continued.

    `x[i]` is point i and `t[i]` is point i + 1, so there are 999 pairs. The training curve is
    `sin` plus noise, uniform in (-0.05, 0.05) and drawn from NumPy's global generator; the
    test curve is `cos` without noise.

    Args:
        train: The noisy sine (True) or the clean cosine (False).
        transform: Of `x`, `(1,)` float64; None leaves it as it is.
        target_transform: Of `t`, `(1,)` float64; None leaves it as it is.

    Example:
        >>> curve = SinCurve(train=False)
        >>> len(curve), curve[0][0], bool(curve[0][1] == curve[1][0])
        (999, array([1.]), True)
    """

    def prepare(self) -> None:
        """Compute the curve."""
        angle = np.linspace(0, 2 * np.pi, 1000)
        if self.train:
            curve = np.sin(angle) + np.random.uniform(-0.05, 0.05, size=angle.shape)
        else:
            curve = np.cos(angle)
        column = curve[:, np.newaxis]
        self.data, self.label = column[:-1], column[1:]


class Shakespear(Dataset):
    """A megabyte of Shakespeare's plays, character by character; the name is the book's.

    The text is downloaded at first use (1.1 MB) and kept in the cache.

    Args:
        train: Has no influence: there is one text.
        transform: Of a character's number, an int64; None leaves it as it is.
        target_transform: Of the next character's number; None leaves it as it is.

    Attributes:
        data: The numbers of all characters but the last, `(N,)` int64.
        label: The numbers of all characters but the first, `(N,)` int64.
        char_to_id: The number of each character, in the order in which they first occur.
        id_to_char: The character of each number.

    Raises:
        DownloadError: The text is neither in the cache nor to be had.
        DataError: The file in the cache is not a text.

    Source:
        A. Karpathy's collection, https://github.com/karpathy/char-rnn.
    """

    def prepare(self) -> None:
        """Read the text and number its characters."""
        path = get_file(_SHAKESPEARE_URL, "shakespear.txt", _SHAKESPEARE_SHA256)
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read()
        except UnicodeDecodeError as error:
            raise DataError(f"Shakespear: {path} is not a text: {error}") from None
        self.char_to_id = {char: number for number, char in enumerate(dict.fromkeys(text))}
        self.id_to_char = {number: char for char, number in self.char_to_id.items()}
        numbers = np.array([self.char_to_id[char] for char in text], dtype=np.int64)
        self.data, self.label = numbers[:-1], numbers[1:]
