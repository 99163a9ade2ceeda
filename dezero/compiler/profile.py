"""The profile: which kernels and lines of a compiled step take its time, as data and as text."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import inf

from .report import table

SHOWN = 20  # kernels of a text
WIDTH = 48  # letters that a text has for the operations of a kernel
TEXTS = ("kind", "size", "line", "operations")  # columns that begin on the left
WAITING, PYTHON = "waiting for threads", "Python around it"


@dataclass(frozen=True)
class Part:
    """A line of the program, or all kernels of one kind.

    Attributes:
        name: "train.py:14", "train.py:14 backward" or "matrix products".
        share: Of the whole time, from 0 to 1.
        seconds: That share of a run.
        flops: Floating-point operations.
        kernels: How many there are, also those of which a part belongs to another line.
    """

    name: str
    share: float
    seconds: float
    flops: float
    kernels: int


@dataclass(frozen=True)
class KernelProfile:
    """What a kernel takes.

    Attributes:
        number: In the outline, in the comments of the C and in the picture of the kernels.
        kind: "loop nest", "matrix product", or the name of what is called.
        group: The kinds that it is counted with: "matrix products", "convolutions", "poolings",
            "loop nests", "copies", "NumPy in between" or "other functions".
        size: "512 x 128 x 65", m, n and k of a product, or shape and dtype of a result.
        share: Of the whole time, from 0 to 1; of several threads the mean.
        seconds: Of a run; of several threads that of the one that takes longest.
        flops: Floating-point operations.
        bytes: That a loop nest reads and writes, or 0.
        operations: What it computes, by name.
        lines: The lines of the program that it came from, and which part of it each is: the
            part of the elements that its operations go through. "train.py:14 backward" are the
            gradients of what line 14 computes.
    """

    number: int
    kind: str
    group: str
    size: str
    share: float
    seconds: float
    flops: int
    bytes: int
    operations: tuple[str, ...]
    lines: dict[str, float]

    @property
    def where(self) -> str:
        """The lines as text, each file named once: "train.py:14, 16"."""
        files: dict[str, list[str]] = {}
        for line in self.lines:
            file, _, number = line.rpartition(":")
            files.setdefault(file, []).append(number)
        texts = [f"{file}:{', '.join(numbers)}" for file, numbers in files.items()]
        return ", ".join(texts).removeprefix(":")

    @property
    def what(self) -> str:
        """The operations as text, each named once: "exp, 2 add"."""
        counted = Counter(self.operations).items()
        return short([f"{n} {name}" if n > 1 else name for name, n in counted])


@dataclass(frozen=True, repr=False)
class Profile:
    """What a call of a compiled step takes, kernel by kernel; printed as tables.

    All times are medians of runs. The shares of kernels, waiting and Python add up to 1.

    Attributes:
        name: Of the function.
        executor: "C" or "NumPy".
        threads: How many worked at it.
        runs: How often it ran.
        seconds: Of a run.
        kernels: In the order in which they run.
        waiting: The share of the time in which threads wait for one another.
        python: The share of the time outside of all kernels: arrays are found, C is called. What
            hands out results does not run in a profile.
    """

    name: str
    executor: str
    threads: int
    runs: int
    seconds: float
    kernels: tuple[KernelProfile, ...]
    waiting: float
    python: float

    def by_kind(self) -> list[Part]:
        """The kinds of kernels, what waits, and Python: what takes most first."""
        groups: dict[str, list[tuple[KernelProfile, float]]] = {}
        for kernel in self.kernels:
            groups.setdefault(kernel.group, []).append((kernel, 1.0))
        found = [self.part(name, members) for name, members in groups.items()]
        found.append(Part(PYTHON, self.python, self.python * self.seconds, 0, 0))
        if self.threads > 1:
            found.append(Part(WAITING, self.waiting, self.waiting * self.seconds, 0, 0))
        return sorted(found, key=lambda part: -part.share)

    def by_line(self) -> list[Part]:
        """The lines of the program, what takes most first.

        A kernel that several lines have become is divided by the elements that their operations
        go through.
        """
        lines: dict[str, list[tuple[KernelProfile, float]]] = {}
        for kernel in self.kernels:
            for line, part in kernel.lines.items():
                lines.setdefault(line, []).append((kernel, part))
        found = [self.part(line, members) for line, members in lines.items()]
        return sorted(found, key=lambda part: -part.share)

    def part(self, name: str, members: list[tuple[KernelProfile, float]]) -> Part:
        """Several kernels, or parts of them, together."""
        share = sum(kernel.share * part for kernel, part in members)
        flops = sum(kernel.flops * part for kernel, part in members)
        return Part(name, share, share * self.seconds, flops, len(members))

    def __repr__(self) -> str:
        threads = f"{self.threads} thread{'s' * (self.threads != 1)}"
        head = f"{self.name}: {self.executor}, {threads}, {1e6 * self.seconds:,.1f} us a run "
        ordered = sorted(self.kernels, key=lambda kernel: -kernel.share)
        lines = [head + f"(median of {self.runs})", ""]
        lines += table([kernel_cells(kernel) for kernel in ordered[:SHOWN]], TEXTS)
        if rest := ordered[SHOWN:]:
            lines.append(f"{percent(sum(k.share for k in rest))}  in {len(rest)} more kernels")
        for what, parts in (("line", self.by_line()), ("kind", self.by_kind())):
            lines += ["", *table([part_cells(part, what) for part in parts], TEXTS)]
        return "\n".join(lines)


def kernel_cells(kernel: KernelProfile) -> dict[str, str]:
    """The line of a kernel, by column."""
    cells = {
        "share": percent(kernel.share),
        "time": f"{1e6 * kernel.seconds:,.1f} us",
        "GFLOP/s": rate(kernel.flops, kernel.seconds),
        "GB/s": rate(kernel.bytes, kernel.seconds),
        "kernel": str(kernel.number),
        "kind": kernel.kind,
        "size": kernel.size,
        "line": short(kernel.where.split(", ")),
    }
    return cells | {"operations": kernel.what}


def part_cells(part: Part, what: str) -> dict[str, str]:
    """The line of a part of the step, by column; `what` is the last one's name."""
    return {
        "share": percent(part.share),
        "time": f"{1e6 * part.seconds:,.1f} us",
        "GFLOP/s": rate(part.flops, part.seconds),
        "kernels": str(part.kernels) if part.kernels else "-",
        what: part.name,
    }


def percent(share: float) -> str:
    """A share of the whole, as wide as any."""
    return f"{share:6.1%}"


def rate(amount: float, seconds: float) -> str:
    """So many in a second, in units of 10⁹; a dash for none."""
    return f"{amount / (seconds or inf) / 1e9:.3g}" if amount else "-"


def short(names: list[str]) -> str:
    """As many names as there is space for, and how many more there are."""
    for count in range(len(names), 0, -1):
        rest = len(names) - count
        text = ", ".join(names[:count]) + (f", {rest} more" if rest else "")
        if len(text) <= WIDTH:
            return text
    return names[0] if names else ""
