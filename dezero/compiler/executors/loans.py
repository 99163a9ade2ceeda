"""Loans: results that a program keeps, in memory that is used again once nobody has them.

New memory for each gradient of a large model would cost more than computing it. So every result
has two arrays, which take turns: while the program still has the one, the next step fills the
other. One that somebody has kept for longer is theirs, and replaced by a new one.
"""

from __future__ import annotations

from sys import getrefcount
from typing import Any

import numpy as np

from ...arrays.memory import empty_for


class Loan:
    """The arrays of one result.

    Args:
        shape: Of the result.
        dtype: Of the result.
    """

    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        self.shape = shape
        self.dtype = np.dtype(dtype)
        self.turn = 0
        self.arrays: list[Any] = [self.made(), self.made()]
        self.addresses: list[int] = [x.ctypes.data for x in self.arrays]
        self.array = self.arrays[0]  # the one that was given out last

    def made(self) -> Any:
        """A new array that begins at a cache line."""
        return empty_for(self.shape, np.empty(0, self.dtype))

    def take(self) -> int:
        """Give out an array that nobody has; it is `array`, and the address is returned."""
        self.turn = turn = 1 - self.turn
        array = self.arrays[turn]
        if getrefcount(array) > LENT:
            self.arrays[turn] = array = self.made()
            self.addresses[turn] = array.ctypes.data
        self.array = array
        return self.addresses[turn]


def references() -> int:
    """What getrefcount counts of an array that a list and a local variable have."""
    arrays = [np.empty(0)]
    array = arrays[0]
    return getrefcount(array)


LENT = references()  # 3 up to Python 3.13, fewer later
