"""The tape: what a traced run computed, as a list of pure operations in SSA form.

A node names its operation, the nodes that it reads, and the shape and dtype of its one result.
In-place writes have become new values by the time they get here, so that a node's value never
changes. Equal operations are recorded once, and what depends on constants only is a constant.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path
from types import FrameType
from typing import Any
from weakref import ref

import numpy as np

from ...core.graph import propagate
from ...errors import CompileError

Shape = tuple[int, ...]
HERE = str(Path(__file__).parent.parent)
PACKAGE = str(Path(HERE).parent)
RAISES = {"raise", "call"}
PROPAGATE = propagate.__code__
LIBRARIES = (PACKAGE, str(Path(np.__file__).parent))


@dataclass(frozen=True)
class Ref:
    """In the arguments of a recorded call: the place of an operand among the node's inputs."""

    position: int


@dataclass(frozen=True)
class View:
    """A function from an array to a view of it: `name` says which, `key` makes it comparable."""

    name: str
    key: Any
    function: Callable[[Any], Any]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, View) and (self.name, self.key) == (other.name, other.key)

    def __hash__(self) -> int:
        return hash((self.name, self.key))


@dataclass(frozen=True, eq=False)
class Call:
    """A NumPy function (or kernel of ours) that runs as it is, with its arguments."""

    name: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def describe(self) -> tuple[Any, ...]:
        """What two traces of the same program have in common."""
        return self.name, repr(self.args), repr(self.kwargs)


@dataclass(frozen=True)
class Node:
    """One operation.

    kind    op                      inputs            attr
    slot    -                       -                 number of the slot: an input or state
    const   -                       -                 the array
    empty   -                       -                 - (memory that is about to be written to)
    ufunc   name of the ufunc       operands          dtypes that its loop computes in
    cast    -                       x                 -
    where   -                       condition, a, b   -
    reduce  name of the ufunc       x                 axes (the result keeps them)
    view    -                       x                 View
    matmul  -                       a, b              -
    set     -                       x, value, *index  View, or the index with Refs
    at      name of the ufunc       x, value, *index  the index with Refs
    call    what is called          arguments         (number of the call, which output, Call)

    `line` is that of the program which was running; `forward` that of the operation whose gradient
    it is part of, or nothing.
    """

    id: int
    kind: str
    op: str
    ins: tuple[int, ...]
    attr: Any
    shape: Shape
    dtype: np.dtype[Any]
    line: str
    forward: str = ""

    def describe(self) -> tuple[Any, ...]:
        """What two traces of the same program have in common."""
        attr = self.attr
        if self.kind == "call":
            attr = (attr[0], attr[1], *attr[2].describe())
        elif self.kind == "const":
            attr = None
        elif self.kind in ("set", "at") and not isinstance(attr, View):
            attr = repr(attr)
        return self.kind, self.op, self.ins, attr, self.shape, self.dtype


@dataclass(frozen=True)
class Guard:
    """A value of the run that its Python code has seen: the tape holds while it is the same."""

    node: int
    truth: bool  # only whether it is true
    value: Any
    line: str

    def describe(self) -> tuple[Any, ...]:
        """What two traces of the same program have in common."""
        value = np.asarray(self.value)
        return self.node, self.truth, repr(self.value) if value.dtype.hasobject else value.tobytes()

    def seen(self, array: Any) -> Any:
        """What the Python code sees of an array."""
        return bool(array) if self.truth else array.copy()

    def holds(self, array: Any) -> bool:
        """Whether an array gives the value that was seen."""
        if self.truth:
            return bool(bool(array) == self.value)
        return bool(array.tobytes() == self.value.tobytes())  # tells 0.0 from -0.0


class Tape:
    """The nodes and guards of one traced run, in order."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.guards: list[Guard] = []
        self.judged: list[Guard] = []  # those on numbers, whose nodes are expressions
        self.guarded: set[tuple[int, bool]] = set()
        self.known: dict[Any, int] = {}
        self.calls = 0
        self.arrays = 0  # slots
        self.numbers: list[tuple[str, tuple[Any, ...]]] = []  # what Python computes of numbers
        self.results: list[Any] = []  # and what it was
        self.scalars: dict[tuple[int, np.dtype[Any]], int] = {}  # numbers that arrays met, as nodes
        self.looked: set[int] = set()  # nodes of which the program has seen shape or dtype
        self.laid: set[int] = set()  # ids of traced arrays whose strides the program depends on
        self.made: list[ref[Any]] = []  # every traced array, to find those that escape
        self.open = True  # closed when the run is over: what is left computes as plain arrays

    def add(
        self,
        kind: str,
        op: str,
        ins: tuple[int, ...],
        attr: Any,
        shape: Shape,
        dtype: Any,
        unique: bool = False,
    ) -> int:
        """Record a node, or find the equal one."""
        if not RAISES.isdisjoint(np.geterr().values()):
            raise CompileError(f"{program_line()}: np.errstate that raises or calls")
        dtype = np.dtype(dtype)
        key = (kind, op, ins, attr, shape, dtype)
        if not unique and key in self.known:
            return self.known[key]
        line, function = running()
        lines = line, self.forward_line(function)
        node = Node(len(self.nodes), kind, op, ins, attr, tuple(shape), dtype, *lines)
        self.nodes.append(node)
        if not unique:
            self.known[key] = node.id
        return node.id

    def line_since(self, count: int) -> str:
        """The line of the program that is running, if it began when there were `count` nodes."""
        return self.nodes[-1].line if len(self.nodes) > count else program_line()

    def forward_line(self, function: Any) -> str:
        """The line of a Function that is being differentiated; nothing of None."""
        for output in function.outputs if function is not None else ():
            y = output()  # None if it is gone
            i: int | None = getattr(y._data, "_node", None) if y is not None else None
            if i is not None:
                return self.nodes[i].forward or self.nodes[i].line
        return ""

    def slot(self, number: int, shape: Shape, dtype: Any) -> int:
        """An input or an array of the state."""
        return self.add("slot", "", (), number, shape, dtype)

    def number(self, op: str, operands: tuple[Any, ...], value: Any) -> int:
        """Record what Python computes of numbers, or ("place", (i,)): which expression it is."""
        key = op, repr(operands)
        if key in self.known:
            return self.known[key]
        self.known[key] = len(self.numbers)
        self.numbers.append((op, operands))
        self.results.append(value)
        return len(self.numbers) - 1

    def scalar(self, entry: int, dtype: np.dtype[Any]) -> int:
        """A number as an array of a dtype: a slot behind those of the arrays."""
        if dtype.hasobject:
            raise CompileError(f"{program_line()}: an integer of more than 64 bits")
        if (entry, dtype) not in self.scalars:
            self.scalars[entry, dtype] = self.slot(self.arrays + len(self.scalars), (), dtype)
        return self.scalars[entry, dtype]

    def const(self, value: Any) -> int:
        """A constant array; equal ones are one node."""
        array = np.array(value)  # a copy: the program may write into its own
        if array.dtype.hasobject:
            raise CompileError(f"an array of dtype {array.dtype} at {program_line()}")
        digest = blake2b(array.tobytes(), digest_size=16).digest()
        key = ("const", array.shape, array.dtype, digest)
        if key not in self.known:
            self.known[key] = self.add("const", "", (), array, array.shape, array.dtype, True)
        return self.known[key]

    def constant(self, i: int) -> Any:
        """The array of a constant node, or None."""
        node = self.nodes[i]
        return node.attr if node.kind == "const" else None

    def cast(self, i: int, dtype: Any) -> int:
        """Node i in a dtype."""
        node = self.nodes[i]
        if node.dtype == dtype:
            return i
        if node.kind == "const":
            with np.errstate(all="ignore"):
                return self.const(node.attr.astype(dtype))
        return self.add("cast", "", (i,), None, node.shape, dtype)

    def view(self, i: int, view: View, result: Any) -> int:
        """A view of node i, which gave `result` in the run."""
        node = self.nodes[i]
        if node.kind == "const":
            return self.const(result)
        if view.name == "reshape" and node.kind == "view" and node.attr.name == "reshape":
            i = node.ins[0]
            node = self.nodes[i]
        if view.name in ("reshape", "broadcast") and result.shape == node.shape:
            return i
        return self.add("view", "", (i,), view, result.shape, result.dtype)

    def guard(self, i: int, value: Any, truth: bool) -> None:
        """Note that the Python code has seen a value of node i."""
        if self.nodes[i].kind == "const" or (i, truth) in self.guarded:
            return
        self.guarded.add((i, truth))
        seen = bool(value) if truth else np.array(value)
        self.guards.append(Guard(i, truth, seen, program_line()))

    def judge(self, entry: int, value: Any, truth: bool) -> None:
        """Note that the Python code has seen the value of a number."""
        if (entry, truth) not in [(guard.node, guard.truth) for guard in self.judged]:
            seen = bool(value) if truth else value
            self.judged.append(Guard(entry, truth, seen, program_line()))


@cache
def shown(file: str) -> str:
    """How errors name a file of the program; empty for ours and NumPy's."""
    return "" if file.startswith(LIBRARIES) else Path(file).name


def innermost() -> str:
    """The file of the innermost frame that is neither ours nor NumPy's."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith((HERE, LIBRARIES[1])):
        frame = frame.f_back
    return frame.f_code.co_filename if frame else ""


def program_line() -> str:
    """The line of the program that is running, as `file.py:12`."""
    return running()[0]


def running() -> tuple[str, Any]:
    """The line of the program that is running, and the Function that it is differentiating.

    That is the one through which gradients are being carried back, or None. Where it uses others
    for that, it is itself what the program has called.
    """
    frame: FrameType | None = sys._getframe(1)
    backward: FrameType | None = None
    while frame is not None:
        code = frame.f_code
        name = shown(code.co_filename)
        if name:
            function = backward.f_locals.get("f") if backward is not None else None
            return f"{name}:{frame.f_lineno}", function
        if code is PROPAGATE:
            backward = frame
        frame = frame.f_back
    return "?", None


def reshaped(shape: Shape) -> View:
    """The view of another shape."""
    return View("reshape", shape, lambda x: x.reshape(shape))


def transposed(axes: tuple[int, ...]) -> View:
    """The view with its axes in another order."""
    return View("transpose", axes, lambda x: x.transpose(axes))


def broadcasted(shape: Shape) -> View:
    """The view that repeats elements to a shape."""
    return View("broadcast", shape, lambda x: np.broadcast_to(x, shape))


def indexed(index: Any) -> View:
    """The view at a basic index: integers, slices, None and `...`."""
    parts = index if isinstance(index, tuple) else (index,)
    if Ellipsis not in [part for part in parts if part is Ellipsis]:
        parts = (*parts, Ellipsis)  # or an element would come as a number, not as a view
    return View("index", repr(parts), lambda x: x[parts])


def composed(views: list[View]) -> View:
    """One view after the other."""
    if len(views) == 1:
        return views[0]

    def function(x: Any) -> Any:
        for view in views:
            x = view.function(x)
        return x

    parts = [view.key if view.name == "chain" else ((view.name, view.key),) for view in views]
    return View("chain", tuple([part for chain in parts for part in chain]), function)
