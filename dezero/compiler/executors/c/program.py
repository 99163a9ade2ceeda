"""A program: pieces of C in order, run by one thread or by several at once.

All threads run the same function; each does its part of what can be divided, and the pieces that
can't be are handed out. A barrier stands only where a piece touches what another one before it
has written, or writes what another has read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

LEAST = 40_000  # of a piece's cost, in about a nanosecond's eighth: less is not worth dividing
HEAD = """
void {name}(int64_t thread, int64_t threads, void **table)
{{
    char *arena = (char *)table[0];
    int64_t *bad = (int64_t *)table[1];
    (void)arena;
    (void)bad;
"""


@dataclass(frozen=True)
class Span:
    """A stretch of memory: bytes of the arena (space 0), or of an array of the table."""

    space: int
    start: int
    end: int

    def meets(self, other: Span) -> bool:
        """Whether two stretches overlap."""
        return self.space == other.space and self.start < other.end and other.start < self.end


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
        everyone: Whether all threads run the text, and divide the work themselves.
    """

    text: str
    reads: list[Span]
    writes: list[Span]
    cost: float = 1.0
    extent: int = 1
    quantum: int = 1
    comment: str = ""
    everyone: bool = False


@dataclass
class Program:
    """The functions of a source, each known by its text, and the pieces that call them.

    Attributes:
        functions: Names by text.
        preludes: Texts that stand before all functions, each once.
    """

    functions: dict[str, str] = field(default_factory=dict)
    preludes: dict[str, None] = field(default_factory=dict)

    def function(self, parameters: str, body: str) -> str:
        """The name of a static function with these parameters and this body."""
        text = f"({parameters})\n{{\n{body}\n}}\n"
        name = self.functions.setdefault(text, f"kernel{len(self.functions)}")
        return name

    def source(self) -> str:
        """The text of all functions."""
        parts = [*self.preludes]
        for text, name in self.functions.items():
            parts.append(f"\nstatic __attribute__((noinline)) void {name}{text}")
        return "".join(parts)

    def body(self, name: str, pieces: Iterable[Piece]) -> str:
        """The function that all threads run."""
        lines = [HEAD.format(name=name)]
        reads: list[Span] = []
        writes: list[Span] = []
        turn = 0
        for piece in pieces:
            if hazards(piece, reads, writes):
                lines.append("    if (threads > 1) barrier(threads);\n")
                reads, writes = [], []
            reads += piece.reads
            writes += piece.writes
            if piece.comment:
                lines.append(f"    /* {piece.comment} */\n")
            if piece.everyone:
                lines.append(f"    {piece.text}\n")
            elif piece.extent > 1 and piece.cost >= LEAST:
                lines.append(divided(piece))
            else:
                lines.append(whole(piece, turn))
                turn += 1
        lines.append("}\n")
        return "".join(lines)


def hazards(piece: Piece, reads: list[Span], writes: list[Span]) -> bool:
    """Whether a piece has to wait for those since the last barrier."""
    return any(a.meets(b) for a in (*piece.reads, *piece.writes) for b in writes) or any(
        a.meets(b) for a in piece.writes for b in reads
    )


def divided(piece: Piece) -> str:
    """A piece of which each thread does its part."""
    units = -(-piece.extent // piece.quantum)
    return (
        "    {\n"
        f"        const int64_t lo = {units} * thread / threads * {piece.quantum};\n"
        f"        const int64_t end = {units} * (thread + 1) / threads * {piece.quantum};\n"
        f"        const int64_t hi = end < {piece.extent} ? end : {piece.extent};\n"
        f"        {piece.text}\n"
        "    }\n"
    )


def whole(piece: Piece, turn: int) -> str:
    """A piece that one thread does; they take turns."""
    inside = f"const int64_t lo = 0, hi = {piece.extent}; (void)lo; (void)hi;"
    return (
        f"    if (thread == {turn} % threads) {{\n        {inside}\n        {piece.text}\n    }}\n"
    )
