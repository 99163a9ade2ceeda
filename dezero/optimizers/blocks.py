"""Large arrays in pieces that fit the processor's cache.

A formula like `m += (1 - beta) * (g - m)` makes temporary arrays. Piece by piece they stay in the
cache and their memory is used again at once; as large as a weight matrix they would go through
main memory, and new pages, for every operator.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ..arrays import Array

BLOCK = 1 << 15  # elements


def blocks(arrays: Sequence[Array]) -> Iterator[Sequence[Array]]:
    """Arrays of one shape as equal pieces of each: views, to be read and written into.

    One piece where they are small, of different memory layouts, or not NumPy's.

    >>> [piece.shape for (piece,) in blocks([np.zeros((300, 200))])]
    [(32768,), (27232,)]
    """
    size = arrays[0].size
    if size <= BLOCK:
        yield arrays
    elif all(type(x) is np.ndarray and x.flags.c_contiguous for x in arrays):
        flat = [x.reshape(-1) for x in arrays]
        for start in range(0, size, BLOCK):
            yield [x[start : start + BLOCK] for x in flat]
    else:
        yield arrays
