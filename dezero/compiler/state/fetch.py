"""Fetching: straight Python code that finds a path's inputs and state, and checks the rest.

It is written for one structure: objects that stay the same are compared by identity, what a step
replaces by its type. It takes some tens of nanoseconds for each place.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from typing import Any

import numpy as np

from ...core import Variable
from ..tracing.tape import Tape
from ..tracing.tracenumber import COMPUTED, SYMBOLS
from .places import BUILTIN, Place, attributes, cell_of

ERRORS = "(ArithmeticError, AttributeError, LookupError, NameError, TypeError, ValueError)"
GIVE_UP = ": return None"
Fetch = Callable[[tuple[Any, ...], dict[str, Any]], tuple[Any, ...] | None]


class Writer:
    """Writes the code of `fetch` for the places of two walks of the same structure.

    Args:
        places: Of the later walk.
        earlier: Of the one before it.
        unread: Places of arrays that the step never looks at.
        replaced: Places where the program has been seen to put other objects.
    """

    def __init__(
        self, places: list[Place], earlier: list[Place], unread: set[int], replaced: set[int]
    ) -> None:
        self.places = places
        self.unread = unread
        self.env: dict[str, Any] = {"ndarray": np.ndarray}
        self.cells: dict[str, Any] = {}  # those of the program, which the code reads as its own
        self.lines: list[str] = []
        self.dicts: set[int] = set()  # objects whose __dict__ has a name in the code
        self.classes: set[int] = set()  # classes of which all is compared at once
        self.stable = [
            p.kind == "object" and p.value is e.value and p.index not in {1, 2, *replaced}
            for p, e in zip(places, earlier, strict=True)
        ]
        self.stable[0] = True
        self.inside: dict[int, list[Place]] = {}  # by object: as the walk has found it
        for p in places:
            self.inside.setdefault(p.parent, []).append(p)

    def constant(self, x: Any, name: str) -> str:
        """A name for an object in the code."""
        if x is None:
            return "None"
        self.env[name] = x
        return name

    def name(self, place: Place) -> str:
        """The name of what is at a place, which the code has read before if it may change."""
        i = place.index
        return self.constant(place.value, f"k{i}") if self.stable[i] else f"x{i}"

    def expression(self, place: Place) -> str:
        """The code that gets a place from its parent."""
        parent = self.places[place.parent]
        how, key = place.how, place.key
        if how == "cell" and self.stable[parent.index]:
            self.cells[f"c{place.index}"] = cell_of(parent.value, key)
            return f"c{place.index}"
        if how == "cell":
            number = parent.value.__code__.co_freevars.index(key)
            return f"{self.name(parent)}.__closure__[{number}].cell_contents"
        if how == "global" and not self.stable[parent.index]:
            return f"{self.name(parent)}.__globals__[{key!r}]"
        if how == "global":
            return self.constant(parent.value.__globals__, f"g{place.index}") + f"[{key!r}]"
        if how == "slot":
            return f"{self.name(parent)}.{key}"
        if how == "module":
            return self.constant(vars(key[0]), f"m{place.index}") + f"[{key[1]!r}]"
        if how == "held":
            return self.name(parent) + (".get()" if isinstance(parent.value, ContextVar) else "()")
        if how in ("class", "code"):
            attributes = self.constant(vars(parent.value), f"v{parent.index}")
            if how == "class":
                return f"{attributes}[{key!r}]"
            return f"{attributes}[{key[0]!r}]" + (f".{key[1]}" if key[1] else "")
        text = repr(key) if type(key) in (int, str) else self.constant(key, f"q{place.index}")
        if how == "item" and isinstance(parent.value, dict) and type(parent.value) is not dict:
            self.env |= {"get": dict.get, "missing": object()}  # [] may make what is missing
            return f"get({self.name(parent)}, {text}, missing)"
        if how == "item":
            return f"{self.name(parent)}[{text}]"
        if parent.index in self.dicts:
            return f"d{parent.index}[{text}]"
        return f"{self.name(parent)}.__dict__[{text}]"

    def check(self, place: Place, x: str) -> None:
        """Add the condition under which the code gives up."""
        kind, value, k = place.kind, place.value, place.index
        if kind == "alias":
            self.fail(f"{x} is not {self.name(self.places[place.same])}")
        elif kind == "array" and isinstance(value, np.ndarray) and k not in self.unread:
            known = self.constant(value.dtype, f"t{k}")
            dtype = f"({x}.dtype is not {known} and {x}.dtype != {known})"
            self.fail(f"type({x}) is not ndarray or {x}.shape != {value.shape} or {dtype}")
            if place.laid:
                self.fail(f"{x}.strides != {value.strides}")
        elif kind in ("array", "number"):
            self.fail(f"type({x}) is not {self.constant(type(value), f't{k}')}")
        elif kind == "constant" and value is not None and not isinstance(value, bool):
            name, kind_name = self.constant(value, f"k{k}"), self.constant(type(value), f"t{k}")
            unlike = differs(x, name, value)
            self.fail(f"{x} is not {name} and (type({x}) is not {kind_name} or {unlike})")
        elif kind == "contents":
            self.fail(f"type({x}) is not {self.constant(type(value), f't{k}')}")
            self.fail(f"[*{x}] != {self.constant([*value], f'l{k}')}")
            self.fail(f"[*map(type, {x})] != {self.constant([*map(type, value)], f'm{k}')}")
        elif kind != "object" or self.stable[k] or isinstance(value, type):
            self.fail(f"{x} is not {self.constant(value, f'k{k}')}")
        elif isinstance(value, BUILTIN):
            self.fail(f"type({x}) is not {self.constant(type(value), f't{k}')}")
            self.fail(f"{x}.__name__ != {value.__name__!r}")
        elif isinstance(value, types.FunctionType):
            code = self.constant(value.__code__, f"k{k}")
            self.fail(f"type({x}) is not {self.constant(type(value), f't{k}')}")
            self.fail(f"{x}.__code__ is not {code}")
        else:
            self.fail(f"type({x}) is not {self.constant(type(value), f't{k}')}")

    def check_size(self, place: Place) -> None:
        """Give up when something was added to, or removed from, a container or an instance."""
        value, k = place.value, place.index  # the value may hold something else by now
        inside = self.inside.get(k, [])
        items = [p.key for p in inside if p.how == "item"]
        if isinstance(value, dict) and items:
            self.fail(f"[*{self.name(place)}] != {self.constant(items, f'l{k}')}")
        elif isinstance(value, list | dict) or (isinstance(value, tuple) and not self.stable[k]):
            self.fail(f"len({self.name(place)}) != {len(items)}")
        if isinstance(value, type):
            self.check_class(value, k)
        count = len([p for p in inside if p.how == "dict"])
        code = isinstance(value, types.FunctionType)
        # of functions that have no attributes it is not worth its time
        if attributes(value) is not None and (count or not code):
            self.lines.append(f"d{k} = {self.name(place)}.__dict__")
            self.dicts.add(k)
            self.fail(f"len(d{k}) != {count}")
        if code and self.stable[k]:
            self.fail(
                f"{self.name(place)}.__code__ is not {self.constant(value.__code__, f'b{k}')}"
            )
        if isinstance(value, Variable) and not place.graphed:
            self.fail(f"{self.name(place)}.creator is not None")

    def check_class(self, kind: type, k: int) -> None:
        """Give up when a class holds something else, or something more or less.

        Comparing all at once is quick, but only where nothing that it holds changes by itself.
        """
        numbers = ("number", "array")
        if any(p.kind in numbers for p in self.inside.get(k, [])):
            self.fail(f"len({self.constant(vars(kind), f'v{k}')}) != {len(vars(kind))}")
        else:
            self.classes.add(k)
            held = vars(kind).values()  # a view: it shows what the class holds at any time
            self.fail(f"[*{self.constant(held, f'y{k}')}] != {self.constant([*held], f'l{k}')}")

    def check_objects(self, changed: set[int]) -> None:
        """Give up when an object that may be another has become one that is known elsewhere.

        That matters where the step changes one of them, and would seem to change only one.

        Args:
            changed: The places of the objects that the step changes.
        """
        known = [p for p in self.places if p.kind == "object" and is_mutable(p.value)]
        others = [p for p in known if not self.stable[p.index] and not self.is_idle(p, changed)]
        if not changed.intersection([p.index for p in others]):
            known = [p for p in known if p.index in changed]
        elif len(others) > 1:
            ids = ", ".join([f"id(x{p.index})" for p in others])
            self.fail(f"len({{{ids}}}) != {len(others)}")
        fixed = frozenset([id(p.value) for p in known if self.stable[p.index]])
        if others and fixed:
            ids = "".join([f"id(x{p.index}), " for p in others])
            self.fail(f"not {self.constant(fixed, 'fixed')}.isdisjoint(({ids}))")

    def is_idle(self, place: Place, changed: set[int]) -> bool:
        """Whether it cannot matter what else an object is: it is new, or not looked at."""
        inside = self.inside.get(place.index, [])
        arrays = {p.index for p in inside if p.kind == "array"}
        dead = isinstance(place.value, Variable) and arrays <= self.unread
        return place.index in (1, 2) or (dead and place.index not in changed)

    def check_apart(self, pairs: list[tuple[int, int]]) -> None:
        """Give up when two arrays, one of which is written into, share their memory.

        Their addresses tell, but it is quicker to see that each has an owner of its own.
        """
        self.env |= {"owner": owner, "meets": meets}
        for i in sorted({i for pair in pairs for i in pair}):
            others = {j for pair in pairs if i in pair for j in pair} - {i}
            met = f"meets(x{i}, {''.join([f'x{j}, ' for j in sorted(others)])})"
            self.lines.append(f"w{i} = x{i}")
            self.lines.append(f"if x{i}.base is not None:")
            self.lines.append(f"    w{i} = owner(x{i}.base)")
            self.lines.append(f"    if w{i} is None and {met}: return None")
        for i, j in pairs:
            self.fail(f"w{i} is w{j} and meets(x{i}, x{j})")

    def fail(self, condition: str) -> None:
        """Add a condition to those of the line before, which Python compiles in less time."""
        last = self.lines[-1] if self.lines else ""
        if last.startswith("if ") and last.endswith(GIVE_UP):
            self.lines[-1] = f"{last.removesuffix(GIVE_UP)} or {condition}{GIVE_UP}"
        else:
            self.lines.append(f"if {condition}{GIVE_UP}")

    def compared_once(self, place: Place) -> bool:
        """Whether `check` compares by identity, and nothing else needs what is at a place."""
        if place.kind == "constant":
            return place.value is None or isinstance(place.value, bool)
        return place.kind in ("alias", "opaque") or self.stable[place.index]

    def unchanging(self, place: Place) -> bool:
        """Whether nobody replaces what is at a place.

        That is so for the class of an object, and for what a tuple holds that is itself the same.
        """
        parent = self.places[place.parent]
        if place.how in ("mro", "base") or (place.how == "code" and parent.index in self.classes):
            return True
        held = isinstance(parent.value, (tuple, types.MethodType, partial, *BUILTIN))
        return held and self.stable[parent.index] and place.kind not in ("array", "number")

    def ordered(self) -> list[Place]:
        """The places in the order of their checks: first the arguments, in which paths differ."""
        given = {1, 2}
        for place in self.places:
            if place.parent in given:
                given.add(place.index)
        first = [p for p in self.places if p.index in given and p.kind != "alias"]
        taken = {p.index for p in first}
        return first + [p for p in self.places if p.index not in taken]

    def compute(self, tape: Tape, entries: list[int]) -> str:
        """Add what computes numbers; give up where an array would take another type."""
        met = {entry for entry, _ in tape.scalars}
        wanted = {*entries, *[guard.node for guard in tape.judged]}
        for entry in sorted(range(len(tape.numbers)), reverse=True):
            if entry in wanted and tape.numbers[entry][0] != "place":
                wanted.update([x for x in tape.numbers[entry][1] if isinstance(x, int)])
        names: dict[Any, str] = {}
        for entry in sorted(wanted):
            op, operands = tape.numbers[entry]
            if op == "place":
                names[entry] = f"x{operands[0]}"
                self.judge(entry, names[entry], tape)
                continue
            names[entry] = f"n{entry}"
            args = [
                names[x] if isinstance(x, int) else self.constant(x[1], f"n{entry}_{k}")
                for k, x in enumerate(operands)
            ]
            if op in SYMBOLS:
                self.lines.append(f"n{entry} = {args[0]} {SYMBOLS[op]} {args[1]}")
            else:
                function = self.constant(COMPUTED[op], f"f_{op}")
                self.lines.append(f"n{entry} = {function}({', '.join(args)})")
            if entry in met:
                kind = self.constant(type(tape.results[entry]), f"t_{entry}")
                self.fail(f"type(n{entry}) is not {kind}")
            self.judge(entry, f"n{entry}", tape)
        return "".join([f"{names[entry]}, " for entry in entries])

    def judge(self, entry: int, name: str, tape: Tape) -> None:
        """Give up where Python would see another number than it has seen."""
        for guard in tape.judged:
            if guard.node == entry and guard.truth:
                self.fail(f"not {name}" if guard.value else name)
            elif guard.node == entry:
                self.fail(differs(name, self.constant(guard.value, f"s{entry}"), guard.value))

    def write(
        self,
        needed: list[int],
        apart: list[tuple[int, int]],
        changed: set[int],
        tape: Tape,
        entries: list[int],
    ) -> Fetch:
        """The function that returns numbers and what is at the places `needed`, or None.

        Args:
            needed: Places, those of arrays on the tape first.
            apart: Pairs of places of arrays that must not share their memory.
            changed: The places of objects that the step changes.
            tape: What is computed of numbers.
            entries: Which of them follow the arrays.
        """
        for place in self.ordered():
            if place.index == 0:
                self.constant(place.value, "k0")
            elif place.parent >= 0 and not self.unchanging(place):
                x = self.expression(place)
                if place.index in needed or not self.compared_once(place):
                    self.lines.append(f"x{place.index} = {x}")
                    x = f"x{place.index}"
                self.check(place, x)
            if place.kind == "object":
                self.check_size(place)
        self.check_objects(changed)
        self.check_apart(apart)
        numbers = self.compute(tape, entries)
        arrays = "".join([f"x{i}, " for i in needed[: tape.arrays]])
        others = "".join([f"x{i}, " for i in needed[tape.arrays :]])
        body = "\n        ".join([*self.lines, f"return ({arrays}{numbers}{others})"])
        names = ", ".join(self.env)
        source = (
            f"def fetch(x1, x2, {names}):\n    try:\n        {body}\n"
            f"    except {ERRORS}:\n        return None\n"
        )
        return compiled(source, self.env, self.cells)


def compiled(source: str, constants: dict[str, Any], cells: dict[str, Any]) -> Fetch:
    """The function of the code with these constants, its last arguments, and these cells."""
    inside = source.replace("\n", "\n    ")
    variables = " = ".join([*cells, "None"])
    source = f"def closed():\n    {variables}\n    {inside}\n    return fetch\n"
    namespace: dict[str, Any] = {}
    exec(compile(source, "<dezero.compiler fetch>", "exec"), namespace)  # noqa: S102 (our own text)
    code = namespace["closed"]().__code__
    own = tuple([cells[name] for name in code.co_freevars])
    return types.FunctionType(code, namespace, "fetch", tuple(constants.values()), own)


def owner(base: Any) -> Any:
    """The array that has the memory of a view of `base`; None if it is no array's."""
    while isinstance(base, np.ndarray):
        if base.base is None:
            return base
        base = base.base
    return None


def meets(x: Any, *others: Any) -> bool:
    """Whether an array may share memory with one of the others."""
    return any(np.may_share_memory(x, other) for other in others)


def differs(x: str, name: str, value: Any) -> str:
    """The code of whether x is another constant than `value`: 0.0 is another than -0.0."""
    if isinstance(value, float | complex) and (value != value or 0 in (value.real, value.imag)):
        return f"repr({x}) != {repr(value)!r}"
    return f"{x} != {name}"


def is_mutable(x: Any) -> bool:
    """Whether a step may change an object: it is neither code nor a tuple."""
    code = (tuple, type, types.FunctionType, types.MethodType, partial, *BUILTIN)
    return not isinstance(x, code)
