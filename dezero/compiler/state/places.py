"""Places: where a function finds its state, by path.

From the function's closure, globals, `self` and arguments the walk goes through objects, lists,
tuples and dicts to every array, number and constant. A path is what stays the same when a program
replaces an object, as a recurrent layer replaces its state.
"""

from __future__ import annotations

import sys
import types
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, is_dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from ...core import Variable
from ..tracing.tracearray import TraceArray

Child = tuple[str, Any, Any]  # how to get there, the key, what is there
CONSTANTS = (bool, int, float, complex, str, bytes, type(None), np.dtype)
OPAQUE: tuple[Any, ...] = (types.ModuleType, types.BuiltinFunctionType, weakref.ref, np.ufunc)
OPAQUE += (Iterator, types.GeneratorType)
CONTENTS: tuple[Any, ...] = (set, frozenset, deque, bytearray)  # compared by what they hold
CODE: tuple[Any, ...] = (types.FunctionType, types.MethodType, partial)
WRAPPERS = {staticmethod: "__func__", classmethod: "__func__", property: "fget"}
WRAPPERS[cached_property] = "func"
LIBRARIES = {"dezero", "numpy", *sys.stdlib_module_names} - {"__main__"}
SKIPPED = {"creator", "inputs", "outputs", "name", "generation", "_changed", "__weakref__"}


@dataclass
class Place:
    """One thing that the walk found.

    kind is "object" (it has places inside), "array", "number" (Python's, part of the state),
    "constant", "contents" (a set or a deque: compared by what it holds), "alias" (found before,
    at the place `same`) or "opaque" (compared by identity).
    """

    index: int
    parent: int
    how: str
    key: Any
    value: Any
    kind: str
    label: str
    same: int = -1
    graphed: bool = False  # a Variable with a graph behind it

    def describe(self, unread: bool) -> tuple[Any, ...]:
        """What makes two walks find the same structure; of an unread array only that it is one."""
        what: Any = type(self.value)
        if self.kind == "array" and not unread:
            what = (np.shape(self.value), self.value.dtype, isinstance(self.value, np.ndarray))
        elif self.kind == "constant":
            what = (type(self.value), repr(self.value))
        elif isinstance(self.value, types.FunctionType) and self.kind == "object":
            what = self.value.__code__
        elif self.kind == "contents":
            what = (type(self.value), *map(Same, self.value))
        elif self.kind == "opaque" or isinstance(self.value, type):
            what = Same(self.value)
        return self.parent, self.how, self.key, self.kind, what, self.same, self.graphed


class Same:
    """Equal to itself, and to what holds the same object."""

    def __init__(self, x: Any) -> None:
        self.x = x

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.x is other.x

    def __hash__(self) -> int:
        return id(self.x)


def is_library(x: Any) -> bool:
    """Whether a function or class comes from Python, NumPy or DeZero: it has no state of a user."""
    own = x.__name__ if isinstance(x, types.ModuleType) else getattr(x, "__module__", None)
    return (own or "builtins").split(".")[0] in LIBRARIES


def children(x: Any) -> list[Child]:
    """What is inside an object, with the way to each."""
    if isinstance(x, Variable):
        inside = [("slot", "_data", x._data), ("slot", "grad", x.grad)]
        return inside + [("dict", k, v) for k, v in getattr(x, "__dict__", {}).items()]
    if isinstance(x, dict):
        return [("item", k, v) for k, v in x.items()]
    if isinstance(x, list | tuple):
        return [("item", i, v) for i, v in enumerate(x)]
    if isinstance(x, types.MethodType):
        return [("slot", "__self__", x.__self__), ("slot", "__func__", x.__func__)]
    if isinstance(x, partial):
        return [("slot", name, getattr(x, name)) for name in ("func", "args", "keywords")]
    if isinstance(x, types.FunctionType):
        return function_children(x)
    return class_children(x) if isinstance(x, type) else object_children(x)


def function_children(x: types.FunctionType) -> list[Child]:
    """What a user's function closes over: cells, the globals that it names, and defaults."""
    if is_library(x):
        return []
    inside: list[Child] = []
    for name, cell in zip(x.__code__.co_freevars, x.__closure__ or (), strict=True):
        try:
            inside.append(("cell", name, cell.cell_contents))
        except ValueError:  # not assigned yet
            continue
    for name in sorted(names(x.__code__)):
        if name in x.__globals__:
            inside.append(("global", name, x.__globals__[name]))
    inside.append(("slot", "__defaults__", x.__defaults__))
    inside.append(("slot", "__kwdefaults__", x.__kwdefaults__))
    return [child for child in inside if child[2] is not None]


def names(code: types.CodeType) -> set[str]:
    """The global names that code, and the functions inside it, may read."""
    found = set(code.co_names)
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            found |= names(const)
    return found


def object_children(x: Any) -> list[Child]:
    """The attributes of an instance, and its classes that a user wrote."""
    if hasattr(type(x), "_followed"):  # a class of ours that says where its state is
        return [("slot", name, getattr(x, name)) for name in type(x)._followed]
    inside: list[Child] = [("dict", k, v) for k, v in (attributes(x) or {}).items()]
    for i, kind in enumerate(type(x).__mro__):
        slots = vars(kind).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in SKIPPED and name != "__dict__" and hasattr(x, name):
                inside.append(("slot", name, getattr(x, name)))
        if not is_library(kind):
            inside.append(("mro", i, kind))
    return inside


def attributes(x: Any) -> dict[str, Any] | None:
    """The __dict__ of an object, if the walk follows all that is in it."""
    if isinstance(x, (*CODE, type)) or hasattr(type(x), "_followed"):
        return None
    return getattr(x, "__dict__", None)


def class_children(kind: type) -> list[Child]:
    """The functions of a class, and what it holds for all its instances."""
    inside: list[Child] = []
    for i, base in enumerate(kind.__mro__[1:], 1):
        if not is_library(base):
            inside.append(("base", i, base))
    for name, value in vars(kind).items():
        wrapper = WRAPPERS.get(type(value))
        code = getattr(value, wrapper) if wrapper else value
        if isinstance(code, types.FunctionType):
            if is_dataclass(kind) and code.__code__.co_filename == "<string>":
                continue  # written by the decorator: it has no state
            inside.append(("code", (name, wrapper), code))
        elif not name.startswith("__") and kind_of_place(value, False) != "opaque":
            inside.append(("class", name, value))
    return inside


def kind_of_place(x: Any, lifted: bool) -> str:
    """The kind of what was found, but for "alias"."""
    if isinstance(x, np.ndarray | np.generic | TraceArray):
        return "array"
    if type(x) in (int, float) and lifted:
        return "number"
    if isinstance(x, CONSTANTS):
        return "constant"
    if isinstance(x, CONTENTS):
        return "contents"
    if isinstance(x, OPAQUE) or (callable(x) and is_library(x) and not hasattr(x, "__dict__")):
        return "opaque"
    return "object" if has_inside(x) else "opaque"


def has_inside(x: Any) -> bool:
    """Whether the walk goes into an object."""
    if isinstance(x, types.FunctionType):
        return not is_library(x)
    if isinstance(x, type):
        return not is_library(x)
    if isinstance(x, Variable | dict | list | tuple | types.MethodType | partial):
        return True
    module = type(x).__module__.split(".")[0]
    return module not in LIBRARIES - {"dezero"} and not callable(getattr(x, "__next__", None))


def label(parent: str, how: str, key: Any) -> str:
    """A path as a program would write it."""
    if how in ("cell", "global", "root"):
        return str(key)
    if how == "item":
        return f"{parent}[{repr(key) if isinstance(key, CONSTANTS) else type(key).__name__}]"
    if how in ("mro", "base"):
        return f"{parent}.__class__" if how == "mro" else f"{parent}.__mro__[{key}]"
    name = {"_data": "data"}.get(key, key if isinstance(key, str) else key[0])
    return f"{parent}.{name}"


def walk(
    function: Callable[..., Any], args: Any, kwargs: Any, lifted: frozenset[str] = frozenset()
) -> list[Place]:
    """Every place that a call of function(*args, **kwargs) can reach, parents first.

    Args:
        function: What is called.
        args: Its positional arguments.
        kwargs: Its keyword arguments.
        lifted: Labels of the numbers that are state, because they have been seen to change.
    """
    places: list[Place] = []
    seen: dict[int, int] = {}

    def found(parent: int, how: str, key: Any, value: Any) -> list[tuple[int, str, Any, Any]]:
        """Add a place; what is inside it."""
        text = label(places[parent].label if parent >= 0 else "", how, key)
        kind = kind_of_place(value, text in lifted)
        place = Place(len(places), parent, how, key, value, kind, text)
        places.append(place)
        place.graphed = isinstance(value, Variable) and value.creator is not None
        if kind in ("array", "object") and not isinstance(value, np.generic):
            first = seen.setdefault(id(value), place.index)
            if first != place.index:
                place.kind, place.same = "alias", first
        return [(place.index, *c) for c in children(value)] if place.kind == "object" else []

    roots = [("function", function), ("args", args), ("kwargs", kwargs)]
    stack = [child for key, value in roots for child in found(-1, "root", key, value)][::-1]
    while stack:
        stack.extend(found(*stack.pop())[::-1])
    return places


def put(parent: Any, how: str, key: Any, value: Any) -> bool:
    """Assign a place of its parent object; False where the parent cannot be changed."""
    if isinstance(parent, tuple | types.MethodType | partial) or how in ("mro", "base", "code"):
        return False
    if how == "item":
        parent[key] = value
    elif how == "dict":
        vars(parent)[key] = value
    elif how == "cell":
        cell_of(parent, key).cell_contents = value
    elif how == "global":
        parent.__globals__[key] = value
    else:
        setattr(parent, key, value)
    return True


def cell_of(function: Any, name: str) -> Any:
    """The closure cell of a name."""
    return function.__closure__[function.__code__.co_freevars.index(name)]


class Snapshot:
    """What the mutable objects of a walk hold, so that a step that fails can be undone."""

    def __init__(self, places: list[Place], arrays: bool) -> None:
        self.saved: list[tuple[Any, list[Child]]] = []
        self.arrays: list[tuple[Any, Any]] = []
        self.graphs: list[tuple[Variable, Any, int]] = []
        self.contents = [(p, [*p.value]) for p in places if p.kind == "contents"]
        for place in places:
            if place.kind == "object":
                self.saved.append((place.value, children(place.value)))
                if isinstance(place.value, Variable):
                    x = place.value
                    self.graphs.append((x, x.creator, x.generation))
            elif arrays and place.kind == "array" and isinstance(place.value, np.ndarray):
                self.arrays.append((place.value, place.value.copy()))

    def changed(self) -> str | None:
        """The label of a set, or the like, that holds something else now."""
        for place, inside in self.contents:
            if len(inside) != len(place.value) or any(
                x is not y for x, y in zip(place.value, inside, strict=True)
            ):
                return place.label
        return None

    def restore(self) -> None:
        """Give every object what it held, and every array its numbers."""
        for place, inside in self.contents:
            if not isinstance(place.value, frozenset):
                place.value.clear()
                add = "update" if isinstance(place.value, set) else "extend"
                getattr(place.value, add)(inside)
        for x, inside in self.saved:
            if isinstance(x, list):
                x[:] = [value for _, _, value in inside]
            elif isinstance(x, dict):
                x.clear()
                x.update({key: value for _, key, value in inside})
            elif isinstance(x, type):
                old = {key: value for how, key, value in inside if how == "class"}
                now = {key: value for how, key, value in children(x) if how == "class"}
                for key in now.keys() - old.keys():
                    delattr(x, key)
                for key in old:  # an assignment to a class is costly
                    if now.get(key, self) is not old[key]:
                        setattr(x, key, old[key])
            else:
                kept = {key for how, key, _ in inside if how == "dict"}
                for name in (attributes(x) or {}).keys() - kept:
                    del vars(x)[name]
                for child in inside:
                    put(x, *child)
        for x, creator, generation in self.graphs:
            x.creator, x.generation = creator, generation
        for x, numbers in self.arrays:
            if x.flags.writeable:
                x[...] = numbers
