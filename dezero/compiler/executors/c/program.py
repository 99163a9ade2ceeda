"""A program: pieces of C in order, run by one thread or by several at once.

All threads run the same function; each does its part of what can be divided, and the pieces that
can't be are handed out. A barrier stands only where a piece touches what another one before it
has written, or writes what another has read.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

LEAST = 40_000  # of a piece's cost, in about a nanosecond's eighth: less is not worth dividing
BARRIER = "    if (threads > 1) barrier(threads);\n"
PART = 40  # pieces in a function: compilers take long over long ones
HEAD = """
static int64_t {name}(int64_t thread, int64_t threads, void **table)
{{
    char *arena = (char *)table[0];
    int64_t *bad = (int64_t *)table[1];
    (void)arena;
    (void)bad;
"""
BEGINNING = """
static inline int64_t begin(int64_t part, int64_t parts, int64_t units, int64_t quantum, int64_t n)
{
    const int64_t at = units * part / parts * quantum;
    return at < n ? at : n;
}
"""


@dataclass(frozen=True)
class Span:
    """A stretch of memory: bytes of the arena (space 0), or of an array of the table."""

    space: int
    start: int
    end: int


@dataclass
class Piece:
    """A statement of C.

    Attributes:
        text: It; where `extent` is more than 1 it uses lo and hi, the part that is to be done.
        reads: What it reads.
        writes: What it writes.
        cost: What it takes, in about a nanosecond's eighth.
        extent: How many parts it has.
        quantum: How many of them stay together.
        comment: What it computes, for which lines of the program.
        kernel: The number of the kernel that it belongs to; -1 for none.
        everyone: Whether all threads run the text, and divide the work themselves.
    """

    text: str
    reads: list[Span]
    writes: list[Span]
    cost: float = 1.0
    extent: int = 1
    quantum: int = 1
    comment: str = ""
    kernel: int = -1
    everyone: bool = False


@dataclass
class Program:
    """The functions of a source, each known by its text.

    Attributes:
        functions: Names by text.
    """

    functions: dict[str, str] = field(default_factory=dict)

    def function(self, parameters: str, body: str) -> str:
        """The name of a static function with these parameters and this body."""
        text = f"({parameters})\n{{\n{body}\n}}\n"
        name = self.functions.setdefault(text, f"kernel{len(self.functions)}")
        return name

    def source(self) -> str:
        """The text of all functions."""
        parts = [BEGINNING]
        for text, name in self.functions.items():
            parts.append(f"\nstatic __attribute__((noinline)) void {name}{text}")
        return "".join(parts)


def body(name: str, pieces: Sequence[Piece], threads: int, stamp: str = "") -> str:
    """The function that all threads run, and those that it is made of.

    Args:
        name: Of the function.
        pieces: What it does.
        threads: How many there will be at most.
        stamp: C that adds the time since the last stamp to entry {} of a clock, or to none if
            that is -1. Entry 0 is for what belongs to no kernel, the first kernel's is 1.
    """
    lines = Turns(threads, stamp).lines(pieces)
    parts = [lines[k : k + PART] for k in range(0, len(lines), PART)]
    text = ""
    for k, part in enumerate(parts):
        text += HEAD.format(name=f"{name}_{k}") + "".join(part) + "    return 0;\n}\n"
    calls = " || ".join(f"{name}_{k}(thread, threads, table)" for k in range(len(parts)))
    arguments = "(int64_t thread, int64_t threads, void **table)"
    end = BARRIER + stamp.format(0) if stamp else ""
    return f"{text}\nvoid {name}{arguments}\n{{\n{stamp.format(-1)}    (void)({calls});\n{end}}}\n"


class Turns:
    """Hands the pieces of a program out to threads, and puts barriers between them.

    A piece that can't be divided goes to the thread that has done what it depends on, if that is
    one thread, and else to the one that has done least since the last barrier.
    """

    def __init__(self, threads: int, stamp: str = "") -> None:
        self.threads = threads
        self.stamp = stamp
        self.clear()

    def clear(self) -> None:
        """Forget what was before a barrier."""
        # by space: from where to where, and by which thread; -1 are all of them
        self.reads: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
        self.writes: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
        self.load = [0.0] * self.threads

    def lines(self, pieces: Iterable[Piece]) -> list[str]:
        """The C of each piece."""
        return [self.line(piece) + self.stamp.format(piece.kernel + 1) for piece in pieces]

    def line(self, piece: Piece) -> str:
        """The C of a piece, with the barrier before it if it needs one."""
        comment = f"    /* {piece.comment} */\n" if piece.comment else ""
        if self.threads == 1:
            return comment + (alone(piece, None) if not piece.everyone else f"    {piece.text}\n")
        shared = piece.everyone or (piece.extent > 1 and piece.cost >= LEAST)
        before = self.conflicts(piece)
        wait = bool(before) if shared else len(before) > 1 or -1 in before
        barrier = BARRIER + self.stamp.format(0) if wait else ""
        if wait:
            self.clear()
        who = -1
        if not shared:
            least = min(range(self.threads), key=lambda t: self.load[t])
            who = before.pop() if before and not wait else least
            self.load[who] += piece.cost
        for touched, spans in ((self.reads, piece.reads), (self.writes, piece.writes)):
            for span in spans:
                touched[span.space].append((span.start, span.end, who))
        if piece.everyone:
            return f"{barrier}{comment}    {piece.text}\n"
        return barrier + comment + (divided(piece) if shared else alone(piece, who))

    def conflicts(self, piece: Piece) -> set[int]:
        """The threads that have touched what a piece is going to touch."""
        found: set[int] = set()
        for touched, spans in (
            (self.writes, (*piece.reads, *piece.writes)),
            (self.reads, piece.writes),
        ):
            for a in spans:
                found.update(
                    [who for start, end, who in touched[a.space] if start < a.end and a.start < end]
                )
        return found


def divided(piece: Piece) -> str:
    """A piece of which each thread does its part."""
    units = -(-piece.extent // piece.quantum)
    rest = f"threads, {units}, {piece.quantum}, {piece.extent})"
    return (
        "    {\n"
        f"        const int64_t lo = begin(thread, {rest};\n"
        f"        const int64_t hi = begin(thread + 1, {rest};\n"
        f"        {piece.text}\n"
        "    }\n"
    )


def alone(piece: Piece, who: int | None) -> str:
    """A piece that one thread does."""
    text = re.sub(r"\bhi\b", str(piece.extent), re.sub(r"\blo\b", "0", piece.text))
    return f"    {text}\n" if who is None else f"    if (thread == {who} % threads) {{ {text} }}\n"
