"""Effects: what a step leaves behind, as recipes that can be carried out again.

A recipe says how to make a value: `("array", k)` is output k of the tape as an array of its own,
`("place", i)` the object at place i, `("variable", ...)` a new Variable, and so on. An effect is
an assignment of a recipe to a place. `commit` writes the Python that carries them out. The traced
run is undone and then committed by its effects, exactly as a replay commits its own.
"""

from __future__ import annotations

import types
from typing import Any

import numpy as np

from ...core import Variable
from ...errors import CompileError
from ..tracing.tape import Tape
from ..tracing.tracearray import TraceArray
from ..tracing.tracenumber import TraceNumber
from .places import (
    BUILTIN,
    CONSTANTS,
    OPAQUE,
    Child,
    Place,
    children,
    has_inside,
    is_library,
    label,
)
from .spent import Spent

Recipe = tuple[Any, ...]


class Recipes:
    """Makes recipes for the values that a traced run has left."""

    def __init__(self, tape: Tape, places: list[Place], slots: dict[int, TraceArray]) -> None:
        self.tape = tape
        self.outputs: list[int] = []  # nodes
        self.values: list[Any] = []  # and what they were in the traced run
        self.known: dict[int, Recipe] = {}  # by the id of a value
        self.keep: list[Any] = []  # so that ids stay theirs
        self.count = 0
        for place in places:
            if place.kind in ("object", "opaque", "contents"):
                self.known[id(place.value)] = ("place", place.index)
        for index, traced in slots.items():
            if isinstance(traced.value, np.ndarray):
                self.known[id(traced)] = ("place", index)

    def output(self, kind: str, node: int, value: Any) -> Recipe:
        """The recipe of an output of the tape."""
        self.outputs.append(node)
        self.values.append(value)
        return kind, len(self.outputs) - 1

    def of(self, x: Any, where: str) -> Recipe:
        """The recipe of any value."""
        if isinstance(x, TraceNumber):
            return "number", x.entry
        if isinstance(x, CONSTANTS):
            return "constant", x
        if id(x) not in self.known:
            self.keep.append(x)
            self.count += 1
            number = self.count
            recipe = self.new(x, where)
            self.known[id(x)] = ("again", number)
            return "new", number, recipe
        return self.known[id(x)]

    def new(self, x: Any, where: str) -> Recipe:
        """The recipe of a value that no place had before."""
        if isinstance(x, TraceArray):
            kind = "array" if isinstance(x.value, np.ndarray) else "scalar"
            return self.output(kind, x.node, x.value)
        if isinstance(x, Variable):
            return self.variable(x, where)
        if type(x) in (list, tuple):
            return type(x).__name__, tuple([self.of(e, f"{where}[{i}]") for i, e in enumerate(x)])
        if type(x) is dict:
            return "dict", tuple([(k, self.of(v, label(where, "item", k))) for k, v in x.items()])
        if isinstance(x, np.ndarray):
            return self.output("array", self.tape.const(x), x)
        closed = isinstance(x, types.FunctionType) and x.__closure__ is not None
        if isinstance(x, (np.generic, types.FunctionType, type, *OPAQUE)) and not closed:
            return "constant", x
        if isinstance(x, BUILTIN) and not has_inside(x):
            return "constant", x
        raise CompileError(f"{where} becomes a new {type(x).__name__}, which is not followed")

    def variable(self, x: Variable, where: str) -> Recipe:
        """The recipe of a new Variable."""
        if not is_library(type(x)):
            raise CompileError(f"{where} becomes a new {type(x).__name__}, which is not followed")
        grad = self.of(x.grad, f"{where}.grad")
        spent = where if x.creator is not None else None
        return "variable", type(x), self.of(x._data, f"{where}.data"), grad, x.name, spent

    def effects(self, places: list[Place], before: dict[int, list[Child]]) -> list[Recipe]:
        """Every change of the objects, as assignments."""
        effects: list[Recipe] = []
        for place in places:
            if place.index not in before:
                continue
            old = {(how, key): value for how, key, value in before[place.index]}
            new = {(how, key): value for how, key, value in children(place.value)}
            if isinstance(place.value, Variable):
                effects += regraphed(place)
            if isinstance(place.value, list) and len(old) != len(new):
                recipes = [self.of(x, f"{place.label}[{i}]") for i, x in enumerate(place.value)]
                effects.append(("list", place.index, tuple(recipes)))
                continue
            effects += [("delete", place.index, *gone) for gone in old if gone not in new]
            for (how, key), value in new.items():
                if not same(old.get((how, key), self), value):
                    recipe = self.of(value, f"{place.label}.{key}")
                    effects.append(("set", place.index, how, key, recipe))
        return effects


def regraphed(place: Place) -> list[Recipe]:
    """The change of a Variable's creator, if there is one."""
    creator = place.value.creator
    if creator is None:
        return [("unchain", place.index)] if place.graphed else []
    return [] if isinstance(creator, Spent) else [("spend", place.index, place.label)]


def same(a: Any, b: Any) -> bool:
    """Whether a place still holds what it held, or a new container of the same."""
    if type(a) is type(b) and type(a) in (list, tuple, dict) and len(a) == len(b):
        pairs = zip(children(a), children(b), strict=True)
        return all(same_key(p[1], q[1]) and same(p[2], q[2]) for p, q in pairs)
    return a is b or (type(a) is type(b) and isinstance(b, CONSTANTS) and repr(a) == repr(b))


def same_key(a: Any, b: Any) -> bool:
    """Whether two keys of dicts are the same."""
    return a is b or (type(a) is type(b) and isinstance(a, CONSTANTS) and bool(a == b))
