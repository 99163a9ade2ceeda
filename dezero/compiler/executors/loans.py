"""Loans: results that a program keeps, in memory that is used again once nobody has them.

New memory for each gradient of a large model would cost more than computing it. So every result
has two arrays, which take turns: while the program still has the one, the next step fills the
other. One that somebody has kept for longer is theirs, and replaced by a new one.

A large gradient has one array only, where nothing can fail any more when it is written: the run
writes over the gradient that it replaces, if that is all that the program has of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from sys import getrefcount
from typing import Any

import numpy as np

from ...core import Variable
from ..planning.plan import Gradient

LINE = 64  # bytes of a cache line, and of the longest vector register


class Turn:
    """What every second run hands out.

    Args:
        outputs: The arrays of all outputs.
        given: By their number, arrays like those that the program gets to keep.

    Attributes:
        outputs: The same, with new arrays for those that are given.
    """

    def __init__(self, outputs: Sequence[Any], given: dict[int, Any]) -> None:
        self.given = list(given)
        self.outputs = [made(given[k]) if k in given else x for k, x in enumerate(outputs)]
        self.lent = [self.outputs[k] for k in self.given]
        self.alone = [*map(getrefcount, self.lent)]  # what is counted while nobody has them

    def take(self) -> None:
        """See to it that nobody has the arrays."""
        held = [*map(getrefcount, self.lent)]
        if held != self.alone:
            for n, k in enumerate(self.given):
                if held[n] != self.alone[n]:
                    self.lent[n] = self.outputs[k] = made(self.lent[n])
                    self.replaced(k)

    def replaced(self, k: int) -> None:
        """Take note that an output has got a new array."""


class Renewed:
    """The one array of a gradient.

    Args:
        like: An array like it.
        gradient: Whose it is.
    """

    def __init__(self, like: Any, gradient: Gradient) -> None:
        self.gradient = gradient
        self.array = made(like)
        self.alone = 0  # what is counted while nobody has it

    def count(self) -> int:
        """What has the array."""
        return getrefcount(self.array)

    def is_free(self, values: Sequence[Any]) -> bool:
        """Whether nobody has the array but the gradient that is going to be replaced.

        That has it through its Variable, and the values that were found for the call.
        """
        others = self.count() - self.alone
        if not others:
            return True
        if holders(self.gradient.owner) != ALONE or self.gradient.slot is None:
            return False
        array = self.array
        own = self.gradient.owner.grad._data is array, values[self.gradient.slot] is array
        return all(own) and others == len(own)


def holders(owner: Any) -> int:
    """What has the gradient of a Variable."""
    held = owner.grad
    return getrefcount(held)


def counted_alone() -> int:
    """What `holders` counts if only the Variable has its gradient."""
    owner = Variable(np.zeros(1))
    owner.grad = Variable(np.zeros(1))
    return holders(owner)


class Memory(np.ndarray):
    """Bytes of which an array is made.

    A view of a view refers to what has the memory if that is an array of the same class, and not
    to the view between them. So these are of another one: who views an array holds that array.
    """


def made(like: Any) -> Any:
    """A new array of this shape and dtype, which begins at a cache line."""
    memory = Memory(like.nbytes + LINE, np.uint8)
    return np.ndarray(like.shape, like.dtype, memory, -memory.ctypes.data % LINE)


ALONE = counted_alone()
