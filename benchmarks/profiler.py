"""The process that profiles the compiled step of one row.

`python -P -m benchmarks.profiler ROW SIZE` answers with a line of JSON: the profile, the median
seconds of a call, and the GFLOP/s of the row `product` at its best before and after the profile.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from statistics import median
from time import perf_counter
from typing import Any

from .columns import BY_NAME, unwrapped
from .compiled import check, settle
from .row import Setup, Step
from .rows import ROWS
from .rows.products import PRODUCT
from .worker import answering, bind, built

CHECKS = 5  # calls that learn
SECONDS = 0.5  # of calls, and of products before and after
LEAST = 11  # of each


def timed(step: Step) -> list[float]:
    """The seconds of calls, for a while."""
    taken: list[float] = []
    while len(taken) < LEAST or sum(taken) < SECONDS:
        start = perf_counter()
        step()
        taken.append(perf_counter() - start)
    return taken


def profile(key: str, size: int) -> dict[str, Any]:
    """What the process answers."""
    row = next(row for row in ROWS if row.key == key)
    product = PRODUCT.cases["ours"](Setup(unwrapped, PRODUCT.size))
    step, wrap = built(row, BY_NAME["ours.compile"], size)
    for _ in range(CHECKS):
        step()
        settle(wrap)
    check(wrap)
    (compiled,) = wrap.steps
    compiled.profile()  # compiles the timed program
    products = timed(product)
    calls = timed(step)
    found = compiled.profile()
    products += timed(product)
    speed = PRODUCT.flops / min(products) / 1e9
    return {"profile": asdict(found), "call": median(calls), "peak": speed}


def main() -> None:
    """Read the arguments; keep the standard output for the answer alone."""
    answer = answering()
    bind(1)
    answer(profile(sys.argv[1], int(sys.argv[2])))


if __name__ == "__main__":
    main()
