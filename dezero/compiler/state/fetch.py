"""Fetching: straight Python code that finds a path's inputs and state, and checks the rest.

It is written for one structure: objects that stay the same are compared by identity, what a step
replaces by its type. It takes some tens of nanoseconds for each place.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import numpy as np

from ...core import Variable
from .places import Place, cell_of, children, is_library

Fetch = Callable[[tuple[Any, ...], dict[str, Any]], tuple[Any, ...] | None]


class Writer:
    """Writes the code of `fetch` for the places of two walks of the same structure."""

    def __init__(self, places: list[Place], earlier: list[Place]) -> None:
        self.places = places
        self.env: dict[str, Any] = {"ndarray": np.ndarray}
        self.lines: list[str] = []
        self.stable = [
            p.kind == "object" and p.value is e.value and p.index not in (1, 2)
            for p, e in zip(places, earlier, strict=True)
        ]
        self.stable[0] = True

    def constant(self, x: Any, name: str) -> str:
        """A name for an object in the code."""
        self.env[name] = x
        return name

    def expression(self, place: Place) -> str:
        """The code that gets a place from its parent."""
        parent = self.places[place.parent]
        how, key = place.how, place.key
        if self.stable[parent.index]:
            self.constant(parent.value, f"k{parent.index}")
        name = f"k{parent.index}" if self.stable[parent.index] else f"x{parent.index}"
        if how == "cell":
            return self.constant(cell_of(parent.value, key), f"c{place.index}") + ".cell_contents"
        if how == "global":
            return self.constant(parent.value.__globals__, f"g{place.index}") + f"[{key!r}]"
        if how == "slot":
            return f"{name}.{key}"
        text = repr(key) if type(key) in (int, str) else self.constant(key, f"q{place.index}")
        return f"{name}[{text}]" if how == "item" else f"{name}.__dict__[{text}]"

    def check(self, place: Place, x: str) -> None:
        """Add the condition under which the code gives up."""
        kind, value, k = place.kind, place.value, place.index
        if kind == "alias":
            same = self.places[place.same]
            other = f"x{same.index}"
            if self.stable[same.index]:
                other = self.constant(same.value, f"k{same.index}")
            self.fail(f"{x} is not {other}")
        elif kind == "array" and isinstance(value, np.ndarray):
            dtype = self.constant(value.dtype, f"d{k}")
            self.fail(
                f"type({x}) is not ndarray or {x}.shape != {value.shape} or {x}.dtype != {dtype}"
            )
        elif kind in ("array", "number"):
            self.fail(f"type({x}) is not {self.constant(type(value), f't{k}')}")
        elif kind == "constant" and value is not None and not isinstance(value, bool):
            name, kind_name = self.constant(value, f"k{k}"), self.constant(type(value), f"t{k}")
            self.fail(f"{x} is not {name} and (type({x}) is not {kind_name} or {x} != {name})")
        elif kind != "object" or self.stable[k]:
            self.fail(f"{x} is not {self.constant(value, f'k{k}')}")
        else:
            self.fail(f"type({x}) is not {self.constant(type(value), f't{k}')}")

    def check_size(self, place: Place, x: str) -> None:
        """Give up when something was added to, or removed from, a container or an instance."""
        value = place.value
        if isinstance(value, list | tuple | dict):
            self.fail(f"len({x}) != {len(value)}")
        elif (
            hasattr(value, "__dict__") and not isinstance(value, Variable | types.FunctionType)
        ) or (isinstance(value, Variable) and children(value)[2:]):
            self.fail(f"len({x}.__dict__) != {len(vars(value))}")
        if isinstance(value, Variable):
            self.fail(f"{x}.creator is not None")

    def fail(self, condition: str) -> None:
        """Add a line."""
        self.lines.append(f"if {condition}: return None")

    def constant_code(self, place: Place) -> bool:
        """Whether nobody replaces what is at a place: the functions and modules of libraries."""
        fixed = place.how == "method" or (place.how == "slot" and place.key == "__func__")
        return fixed or (place.kind == "opaque" and is_library(place.value))

    def write(self, needed: list[int]) -> Fetch:
        """The function that returns what is at the places `needed`, or None."""
        for place in self.places:
            if place.index == 0:
                self.constant(place.value, "k0")
            elif place.parent >= 0 and not self.constant_code(place):
                self.lines.append(f"x{place.index} = {self.expression(place)}")
                self.check(place, f"x{place.index}")
            if place.kind == "object" and place.how != "method":
                known = self.stable[place.index]
                name = f"x{place.index}"
                name = self.constant(place.value, f"k{place.index}") if known else name
                self.check_size(place, name)
        got = ", ".join([f"x{i}" for i in needed])
        body = "\n        ".join([*self.lines, f"return ({got}{',' if got else ''})"])
        names = ", ".join(f"{name}={name}" for name in self.env)
        source = (
            f"def fetch(x1, x2, {names}):\n    try:\n        {body}\n"
            "    except (AttributeError, KeyError, IndexError, ValueError):\n        return None\n"
        )
        namespace = dict(self.env)
        exec(compile(source, "<dezero.compiler fetch>", "exec"), namespace)  # noqa: S102 (our own text)
        fetch: Fetch = namespace["fetch"]
        return fetch
