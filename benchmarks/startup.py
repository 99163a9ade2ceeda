"""How long a fresh process takes until a step is compiled.

`python -P -m benchmarks.startup ROW COLUMN SIZE` prints the seconds that the first STEPS calls of
a row's step take, less the seconds of as many calls later on: what compiling costs, and what the
calls cost that are slower until it is done.
"""

from __future__ import annotations

import os
import sys
from statistics import median
from time import perf_counter

from .columns import BY_NAME
from .compiled import check, settle
from .rows import ROWS
from .worker import built, load

STEPS = 5
LATER = 20


def startup(key: str, name: str, size: int) -> float:
    """The seconds of one row and column; everything is imported and built before."""
    column = BY_NAME[name]
    load(column, int(os.environ["OMP_NUM_THREADS"]))
    step, wrap = built(next(row for row in ROWS if row.key == key), column, size)
    start = perf_counter()
    for _ in range(STEPS):
        result = step()
        settle(wrap)
    column.read(result)
    first = perf_counter() - start
    check(wrap)
    later = []
    for _ in range(LATER):
        start = perf_counter()
        column.read(step())
        later.append(perf_counter() - start)
    return first - STEPS * median(later)


if __name__ == "__main__":
    print(startup(sys.argv[1], sys.argv[2], int(sys.argv[3])))
