"""Debug mode: find arrays that were written into before the backward pass needed them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from zlib import crc32

import numpy as np

from ..core import Variable
from ..core.variable import clock


@contextmanager
def debug_mode() -> Iterator[None]:
    """Make `x.data[0] = 1` between forward and backward the error that it should be.

    Assignments to `.data` are found always; a write into the array itself only here, because it
    costs a checksum of every operand at both passes. Holds for all threads while it is open.

    >>> import numpy as np
    >>> from dezero import Variable
    >>> with debug_mode():
    ...     x = Variable(np.array([1.0, 2.0]), name="x")
    ...     y = (x * x).sum()
    ...     x.data[0] = 5.0
    ...     y.backward()
    Traceback (most recent call last):
    ...
    dezero.errors.GraphError: mul: the data of x (2,) float64 was changed between ...
    """
    before, clock.watch = clock.watch, watch
    try:
        yield
    finally:
        clock.watch = before


def watch(inputs: tuple[Variable, ...]) -> Callable[[], list[Variable]]:
    """A function that later finds those of the inputs whose array was written into."""
    sums = [checksum(x) for x in inputs]
    return lambda: [x for x, old in zip(inputs, sums, strict=True) if checksum(x) != old]


def checksum(x: Variable) -> int:
    """A number that changes when the array is written into."""
    return crc32(np.ascontiguousarray(x.data).data)
