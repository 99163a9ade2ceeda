"""`python -m benchmarks.profile`: where the time of compiled steps goes, for docs/profile.md."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Any

import typer

from dezero.compiler.profile import PYTHON, KernelProfile, Part, Profile

from . import machine
from .columns import BY_NAME, ROOT, environment
from .row import Row
from .rows import ROWS
from .rows.products import PRODUCT
from .tables import digits, table, time_text

KEYS = ("rnn", "lstm", "gpt", "gpt-4", "mlp-large", "mlp-wide", "mlp-small", "vae")
PRODUCTS, NESTS = "matrix products", "loop nests"
NEAR = 0.8  # of the peak: what is quicker counts as being at it
TOP = 10  # kernels of a row
PAGE = ROOT / "docs" / "profile.md"

HOW = f"""\
Each row is trained by a process of its own with one thread, in `dezero.compile` as in
[the benchmark](benchmarks.md). *Call* is the median of calls as a program makes them; all else is
from `step.profile()`, which runs the kernels of such a call with a clock
([how](compiler.md#where-the-time-goes)). Shares are of the profiled run.

*The peak* is what the row `product` reaches (the {PRODUCT.title} matrices of float32) at its best,
before and after the profiles; products whose matrices are in the cache may be quicker. *At the
peak* is the share of the time in products that reach {NEAR:.0%} of it or more. *The least* is the
share that would be left if every product ran at the peak and nothing else took any time.
"""


@dataclass(frozen=True)
class Profiled:
    """A row and its profile.

    Attributes:
        row: The row.
        profile: Of its compiled step.
        call: The seconds of a call.
        peak: GFLOP/s of the product.
    """

    row: Row
    profile: Profile
    call: float
    peak: float

    def share(self, name: str) -> float:
        """The share of a kind of kernels, or of Python."""
        return sum(part.share for part in self.profile.by_kind() if part.name == name)

    def share_of_others(self) -> float:
        """The share of all other kinds of kernels."""
        kernels = [part for part in self.profile.by_kind() if part.kernels]
        return sum(part.share for part in kernels if part.name not in (PRODUCTS, NESTS))

    @property
    def products(self) -> Part:
        """All matrix products together."""
        none = Part(PRODUCTS, 0, 0, 0, 0)
        return next((part for part in self.profile.by_kind() if part.name == PRODUCTS), none)

    @property
    def at_peak(self) -> float:
        """The share of the products that come near the peak."""
        return sum(
            kernel.share
            for kernel in self.profile.kernels
            if kernel.group == PRODUCTS and kernel.flops >= NEAR * self.peak * 1e9 * kernel.seconds
        )

    @property
    def least(self) -> float:
        """The share of the time that the products would take at the peak."""
        return self.products.flops / (self.peak * 1e9) / self.profile.seconds


def measure(row: Row, size: int) -> Profiled:
    """Profile a row in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "benchmarks.profiler", row.key, str(size)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=environment(BY_NAME["ours.compile"], 1, None),
        check=True,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    found = answer["profile"]
    kernels = tuple(
        KernelProfile(**kernel | {"operations": tuple(kernel["operations"])})
        for kernel in found.pop("kernels")
    )
    return Profiled(row, Profile(**found, kernels=kernels), answer["call"], answer["peak"])


def percent(share: float) -> str:
    """A share."""
    return f"{100 * share:.1f}%"


def speed(flops: float, seconds: float) -> str:
    """GFLOP/s, or a dash."""
    return digits(flops / seconds / 1e9) if flops and seconds else "–"


def summary(found: list[Profiled]) -> str:
    """All rows in a table."""
    head = ["row", "call", "profiled", PRODUCTS, NESTS, "other kernels", "Python"]
    head += ["GFLOP/s of products", "of the peak", "at the peak", "the least"]
    lines = []
    for one in found:
        products = one.products
        shares = [products.share, one.share(NESTS), one.share_of_others(), one.share(PYTHON)]
        rate = products.flops / (products.seconds or 1) / 1e9
        lines.append(
            [
                one.row.title,
                time_text(one.call),
                time_text(one.profile.seconds),
                *map(percent, shares),
                digits(rate),
                f"{rate / one.peak:.0%} of {digits(one.peak)}",
                *map(percent, [one.at_peak, one.least]),
            ]
        )
    return table(head, lines)


def kinds(one: Profiled) -> str:
    """The kinds of kernels of a row."""
    lines = [
        [
            part.name,
            str(part.kernels or "–"),
            percent(part.share),
            time_text(part.seconds),
            speed(part.flops, part.seconds),
        ]
        for part in one.profile.by_kind()
    ]
    return table(["kind", "kernels", "share", "time", "GFLOP/s"], lines)


def alike(profile: Profile) -> list[tuple[KernelProfile, int, float, float]]:
    """Kernels that do the same: one of them, their number, share and seconds together."""
    groups: dict[Any, list[KernelProfile]] = {}
    for kernel in profile.kernels:
        groups.setdefault((kernel.kind, kernel.size, kernel.operations), []).append(kernel)
    found = [
        (some[0], len(some), sum(k.share for k in some), sum(k.seconds for k in some))
        for some in groups.values()
    ]
    return sorted(found, key=lambda group: -group[2])


def kernels(one: Profiled) -> str:
    """The kernels of a row that take most, equal ones together."""
    lines = [
        [
            f"{kernel.kind} {kernel.size}",
            str(count),
            percent(share),
            time_text(seconds / count),
            speed(count * kernel.flops, seconds),
            speed(count * kernel.bytes, seconds),
            f"`{kernel.what}`",
        ]
        for kernel, count, share, seconds in alike(one.profile)[:TOP]
    ]
    head = ["kernel", "how many", "share", "time of one", "GFLOP/s", "GB/s", "operations"]
    return table(head, lines)


def page(found: list[Profiled], facts: dict[str, str]) -> str:
    """The whole page, in Markdown."""
    about = [[name, text] for name, text in facts.items()]
    parts = [
        "# Where the time goes",
        "Written by `python -m benchmarks.profile`: change `benchmarks/`, not this page.",
        table(["this run", ""], about).replace("--:", "---"),
        summary(found),
        HOW.strip(),
    ]
    for one in found:
        parts += [f"## {one.row.title}", one.row.what, kinds(one), kernels(one)]
    return "\n\n".join(parts) + "\n"


def main(
    names: Annotated[
        list[str] | None, typer.Argument(help="Only these rows; the page stays as it is.")
    ] = None,
) -> None:
    """Profile compiled steps on one thread; write docs/profile.md."""
    rows = {r.key: r for r in ROWS if "ours.compile" in r.cases and r.measure == "time"}
    if unknown := set(names or ()) - rows.keys():
        wrong = ", ".join(sorted(unknown))
        raise typer.BadParameter(f"no row {wrong}; there are: {', '.join(rows)}")
    facts = {"date": date.today().isoformat(), **machine.described(machine.busy())}
    found = []
    for key in names or KEYS:
        found.append(measure(rows[key], rows[key].size))
        print(f"{rows[key].title}\n\n{kinds(found[-1])}\n", flush=True)
    peak = max(one.peak for one in found)
    found = [replace(one, peak=peak) for one in found]
    print(summary(found))
    if not names:
        PAGE.write_text(page(found, facts), "utf-8")
        print(f"wrote {PAGE}")


if __name__ == "__main__":
    typer.run(main)
