"""Places: where a function finds its state, by path.

From the function's closure, globals, `self` and arguments the walk goes through objects, lists,
tuples and dicts to every array, number and constant. A path is what stays the same when a program
replaces an object, as a recurrent layer replaces its state.
"""

from __future__ import annotations

import dis
import reprlib
import sys
import types
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, is_dataclass
from functools import cached_property, lru_cache, partial, partialmethod
from typing import Any

import numpy as np

from ...core import Variable
from ..tracing.tracearray import TraceArray

Child = tuple[str, Any, Any]  # how to get there, the key, what is there
CONSTANTS = (bool, int, float, complex, str, bytes, type(None), np.dtype)
USUAL = dict.fromkeys((bool, int, float, str, type(None)), "constant")  # kinds of places, by type
USUAL |= dict.fromkeys((Variable, dict, list, tuple), "object")
OPAQUE: tuple[Any, ...] = (types.ModuleType, np.ufunc)
CONTENTS: tuple[Any, ...] = (set, frozenset, deque, bytearray)  # compared by what they hold
BUILTIN: tuple[Any, ...] = (types.BuiltinFunctionType, types.MethodWrapperType)  # of C, bound
CODE: tuple[Any, ...] = (types.MethodType, weakref.ref, *BUILTIN)  # attributes are not their own
FIXED: tuple[Any, ...] = (types.MethodType, partial, weakref.ref, *BUILTIN)  # cannot be changed
WRAPPERS: dict[type, Any] = {staticmethod: ("__func__",), classmethod: ("__func__",)}
WRAPPERS |= {property: ("fget", "fset", "fdel"), cached_property: ("func",)}
WRAPPERS |= {partialmethod: ("func",)}
GUARDS = {f.__code__.co_filename for f in (dataclass, reprlib.recursive_repr)}  # against recursion
LIBRARIES = {"dezero", "numpy", *sys.stdlib_module_names} - {"__main__"}
# of the standard library: its instances hold what a program puts into them
HOLDERS = {"types", "argparse", "collections", "weakref", "queue", "functools", "_thread"}
SKIPPED = {"creator", "inputs", "outputs", "name", "generation", "_changed"}


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
    laid: bool = False  # an array whose strides matter

    def describe(self, unread: bool) -> tuple[Any, ...]:
        """What makes two walks find the same structure; of an unread array only that it is one."""
        what: Any = type(self.value)
        if self.kind == "array" and not unread:
            strides = self.value.strides if self.laid else None
            array = isinstance(self.value, np.ndarray)
            what = (np.shape(self.value), self.value.dtype, array, strides)
        elif self.kind == "constant":
            what = (type(self.value), repr(self.value))
        elif isinstance(self.value, types.FunctionType) and self.kind == "object":
            what = self.value.__code__
        elif isinstance(self.value, BUILTIN):
            what = self.value.__name__
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
    return (own if isinstance(own, str) else "builtins").split(".")[0] in LIBRARIES


def children(x: Any) -> list[Child]:
    """What is inside an object, with the way to each."""
    if isinstance(x, Variable):
        inside = [("slot", "_data", x._data), ("slot", "grad", x.grad)]
        return inside + [("dict", k, v) for k, v in getattr(x, "__dict__", {}).items()]
    if isinstance(x, dict | list | tuple):
        pairs: Any = x.items() if isinstance(x, dict) else enumerate(x)
        inside = [("item", k, v) for k, v in pairs]
        return inside if type(x) in (dict, list, tuple) else inside + object_children(x)
    if isinstance(x, types.MethodType):
        return [("slot", "__self__", x.__self__), ("slot", "__func__", x.__func__)]
    if isinstance(x, BUILTIN):
        return [("slot", "__self__", x.__self__)]
    if isinstance(x, weakref.ref | ContextVar):
        return [("held", "()", held(x))]
    if isinstance(x, partial):
        inside = [("slot", name, getattr(x, name)) for name in ("func", "args", "keywords")]
        return inside + [("dict", k, v) for k, v in vars(x).items()]
    if isinstance(x, types.FunctionType):
        return function_children(x)
    return class_children(x) if isinstance(x, type) else object_children(x)


def held(x: weakref.ref[Any] | ContextVar[Any]) -> Any:
    """What a reference, or a variable of the context, refers to; None if to nothing."""
    try:
        return x.get() if isinstance(x, ContextVar) else x()
    except LookupError:
        return None


def function_children(x: types.FunctionType) -> list[Child]:
    """What a user's function closes over: cells, globals and what they name in modules, defaults.

    Of a function of a library only the cells count: a user may have given it what is in them.
    """
    inside: list[Child] = []
    for name, cell in zip(x.__code__.co_freevars, x.__closure__ or (), strict=True):
        try:
            inside.append(("cell", name, cell.cell_contents))
        except ValueError:  # not assigned yet
            continue
    if is_library(x):
        return inside
    named = sorted(names(x.__code__))
    inside += [child for _, _, value in inside for child in module_children(value, named, set())]
    for name in sorted(looked_up(x.__code__)):
        if name in x.__globals__:
            inside.append(("global", name, x.__globals__[name]))
            inside += module_children(x.__globals__[name], named, set())
        elif name in sys.modules:  # imported inside
            inside += module_children(sys.modules[name], named, set())
    inside.append(("slot", "__defaults__", x.__defaults__))
    inside.append(("slot", "__kwdefaults__", x.__kwdefaults__))
    inside += [("dict", k, v) for k, v in vars(x).items()]
    return [child for child in inside if child[0] != "slot" or child[2] is not None]


def module_children(x: Any, named: list[str], seen: set[int]) -> list[Child]:
    """What code that names these attributes may reach through a user's module.

    Of installed packages only the data: their code has no end.
    """
    if not isinstance(x, types.ModuleType) or is_library(x) or id(x) in seen:
        return []
    seen.add(id(x))
    installed = "-packages" in (getattr(x, "__file__", None) or "")
    inside: list[Child] = []
    for name in [name for name in named if name in vars(x)]:
        value = vars(x)[name]
        if not (installed and isinstance(value, types.FunctionType | type)):
            inside.append(("module", (x, name), value))
        inside += module_children(value, named, seen)
    return inside


def names(code: types.CodeType) -> set[str]:
    """The names of globals and attributes that code, and the functions inside it, may read."""
    return set(code.co_names).union(*map(names, inner(code)))


@lru_cache(maxsize=1 << 10)
def looked_up(code: types.CodeType) -> frozenset[str]:
    """Those of globals and of what is imported: an attribute may have the name of a global."""
    found = {
        instruction.argval
        for instruction in dis.get_instructions(code)
        if instruction.opcode in dis.hasname
        and not instruction.opname.endswith(("_ATTR", "_METHOD"))
    }
    return frozenset(found.union(*map(looked_up, inner(code))))


def inner(code: types.CodeType) -> list[types.CodeType]:
    """The code of the functions and classes that code defines."""
    return [const for const in code.co_consts if isinstance(const, types.CodeType)]


def object_children(x: Any) -> list[Child]:
    """The attributes of an instance, and its classes that a user wrote."""
    if hasattr(type(x), "_followed"):  # a class of ours that says where its state is
        return [("slot", name, getattr(x, name)) for name in type(x)._followed]
    inside: list[Child] = [("dict", k, v) for k, v in (attributes(x) or {}).items()]
    for i, kind in enumerate(type(x).__mro__):
        slots = vars(kind).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name.startswith("__") and not name.endswith("__"):
                name = f"_{kind.__name__.lstrip('_')}{name}"
            skipped = name in SKIPPED and is_library(kind)
            if hasattr(x, name) and not skipped and name not in ("__dict__", "__weakref__"):
                inside.append(("slot", name, getattr(x, name)))
        if not is_library(kind):
            inside.append(("mro", i, kind))
    return inside


def attributes(x: Any) -> dict[str, Any] | None:
    """The __dict__ of an object, if the walk follows all that is in it."""
    if isinstance(x, (*CODE, type)) or hasattr(type(x), "_followed"):
        return None
    if isinstance(x, types.FunctionType) and is_library(x):
        return None
    return getattr(x, "__dict__", None)


def class_children(kind: type) -> list[Child]:
    """The functions of a class, and what it holds for all its instances."""
    inside: list[Child] = []
    for i, base in enumerate((*kind.__mro__[1:], type(kind)), 1):
        if not is_library(base):
            inside.append(("base", i, base))
    for name, value in vars(kind).items():
        wrappers = WRAPPERS.get(type(value), (None,))
        parts = [(w, getattr(value, w) if w else value) for w in wrappers]
        functions = [(w, code) for w, code in parts if isinstance(code, types.FunctionType)]
        for wrapper, code in functions:
            if is_dataclass(kind) and is_written(code):
                continue
            inside.append(("code", (name, wrapper), code))
        hidden = functions or name.startswith("__")
        if not hidden and kind_of_place(value) != "opaque":
            inside.append(("class", name, value))
    return inside


def is_written(function: types.FunctionType) -> bool:
    """Whether the decorator of data classes has written a function: then it has no state."""
    if function.__code__.co_filename in GUARDS:
        function = getattr(function, "__wrapped__", function)
    return function.__code__.co_filename == "<string>"


def kind_of_place(x: Any) -> str:
    """The kind of what was found, but for "alias" and "number"."""
    kind = type(x)
    if kind in USUAL:
        return USUAL[kind]
    if isinstance(x, np.ndarray | np.generic | TraceArray):
        return "array"
    if isinstance(x, CONSTANTS):
        return "constant"
    if isinstance(x, CONTENTS):
        return "contents"
    return "object" if has_inside(x) else "opaque"


def has_inside(x: Any) -> bool:
    """Whether the walk goes into an object."""
    if isinstance(x, types.FunctionType):
        return not is_library(x) or x.__closure__ is not None
    if isinstance(x, BUILTIN):
        return not isinstance(x.__self__, types.ModuleType | type(None))
    if isinstance(x, OPAQUE):
        return False
    if isinstance(x, type):
        return not is_library(x)
    if isinstance(x, Variable | dict | list | tuple | types.MethodType | partial):
        return True
    if isinstance(x, weakref.ref | ContextVar):
        return True
    module = type(x).__module__.split(".")[0]
    if module in LIBRARIES - {"dezero"}:
        own = isinstance(getattr(x, "__dict__", None), dict)
        return module in HOLDERS and own and not isinstance(x, Iterator)
    return True


def label(parent: str, how: str, key: Any) -> str:
    """A path as a program would write it."""
    if how in ("cell", "global", "root"):
        return str(key)
    if how in ("module", "held"):
        return f"{key[0].__name__}.{key[1]}" if how == "module" else f"{parent}()"
    if how == "item":
        return f"{parent}[{repr(key) if isinstance(key, CONSTANTS) else type(key).__name__}]"
    if how in ("mro", "base"):
        return f"{parent}.__class__" if how == "mro" else f"{parent}.__mro__[{key}]"
    name = {"_data": "data"}.get(key, key if isinstance(key, str) else key[0])
    return f"{parent}.{name}"


def walk(function: Callable[..., Any], args: Any, kwargs: Any) -> list[Place]:
    """Every place that a call of function(*args, **kwargs) can reach, parents first.

    Args:
        function: What is called.
        args: Its positional arguments.
        kwargs: Its keyword arguments.
    """
    places: list[Place] = []
    seen: dict[int, int] = {}

    def found(parent: int, how: str, key: Any, value: Any) -> list[tuple[int, str, Any, Any]]:
        """Add a place; what is inside it."""
        text = label(places[parent].label if parent >= 0 else "", how, key)
        kind = kind_of_place(value)
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


def lift(places: list[Place], lifted: set[str]) -> None:
    """Make the numbers with these labels state, because they have been seen to change."""
    for place in places:
        if type(place.value) in (int, float) and place.label in lifted:
            place.kind = "number"


def put(parent: Any, how: str, key: Any, value: Any) -> bool:
    """Assign a place of its parent object; False where the parent cannot be changed."""
    fixed = isinstance(parent, tuple) and how == "item"
    if fixed or isinstance(parent, FIXED) or how in ("mro", "base", "code"):
        return False
    if how == "item":
        parent[key] = value
    elif how == "dict":
        vars(parent)[key] = value
    elif how == "cell":
        cell_of(parent, key).cell_contents = value
    elif how == "global":
        parent.__globals__[key] = value
    elif how == "module":
        setattr(key[0], key[1], value)
    elif how == "held":
        parent.set(value)
    else:
        setattr(parent, key, value)
    return True


def cell_of(function: Any, name: str) -> Any:
    """The closure cell of a name."""
    return function.__closure__[function.__code__.co_freevars.index(name)]
