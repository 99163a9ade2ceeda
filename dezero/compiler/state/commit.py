"""Committing: straight Python code that makes a step's result and carries out its effects."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from sys import getrefcount
from types import CodeType, FunctionType
from typing import Any

import numpy as np

from ...core import Variable
from ...core.variable import Constant, clock
from .effects import Recipe
from .places import cell_of
from .spent import Spent, outside

Commit = Callable[[Any, Any], Any]  # of the values that were fetched, and the outputs' arrays
PLAIN = ("variable", Variable)  # how the recipe of a gradient begins


class Writer:
    """Writes the code of `commit`.

    Args:
        fixed: The objects of places that stay the same.
        position: Where the others are among the values that were fetched.
        numbers: Where the values of numbers are among them.

    Attributes:
        given: The outputs whose arrays the program gets to keep.
    """

    def __init__(
        self, fixed: dict[int, Any], position: dict[int, int], numbers: dict[int, int]
    ) -> None:
        self.fixed = fixed
        self.position = position
        self.numbers = numbers
        self.env: dict[str, Any] = {"new": object.__new__, "asarray": np.asarray, "clock": clock}
        self.env |= {"Spent": Spent, "getrefcount": getrefcount}
        self.env["cell_of"] = cell_of
        self.names: dict[int, str] = {}  # of constants, by id
        self.given: set[int] = set()
        self.lines: list[str] = []

    def constant(self, x: Any) -> str:
        """A name for an object in the code."""
        if x is None:
            return "None"
        if id(x) not in self.names:
            name = self.names[id(x)] = f"k{len(self.env)}"
            self.env[name] = x
        return self.names[id(x)]

    def place(self, i: int) -> str:
        """The code of the object at a place."""
        if i in self.position:
            return f"v[{self.position[i]}]"
        return self.constant(self.fixed[i])

    def value(self, recipe: Recipe) -> str:
        """The code of a recipe; what is new is made in lines before it."""
        kind, what = recipe[:2]
        if kind == "number":
            return f"v[{self.numbers[what]}]"
        if kind == "new":
            made = recipe[2]
            if made[0] == "variable":
                kind_name = self.constant(made[1])
                self.lines.append(f"n{what} = new({kind_name})")
                self.fill(f"n{what}", *made[1:])
            else:
                self.lines.append(f"n{what} = {self.value(made)}")
            return f"n{what}"
        if kind == "dict":
            pairs = [f"{self.constant(k)}: {self.value(x)}" for k, x in what]
            return f"{{{', '.join(pairs)}}}"
        if kind in ("list", "tuple"):
            items = "".join([f"{self.value(x)}, " for x in what])
            return f"[{items}]" if kind == "list" else f"({items})"
        if kind == "array":
            self.given.add(what)
        simple = {"array": f"o{what}", "scalar": f"o{what}[()]"}
        simple |= {"again": f"n{what}"}
        if kind in simple:
            return simple[kind]
        return self.place(what) if kind == "place" else self.constant(what)

    def fill(
        self,
        x: str,
        kind: type[Variable],
        data: Recipe,
        grad: Recipe,
        name: Any,
        where: str | None,
    ) -> None:
        """Add the code of what a Variable x holds; `where`: it had a graph, which is gone."""
        made = data[2] if data[0] == "new" else data
        value = f"o{made[1]}.copy()" if made[0] == "scalar" else self.value(data)
        if made[0] not in ("scalar", "array", "place"):
            value = f"asarray({value})"
        parts = {"_data": value, "_changed": "now", "grad": self.value(grad)}
        parts["name"] = self.constant(name)
        if where is None:
            parts |= {"creator": "None", "generation": "-1" if kind is Constant else "0"}
        self.lines += [f"{x}.{part} = {value}" for part, value in parts.items()]
        if where is not None:
            self.lines.append(f"Spent({x}, {self.constant(outside(where))})")

    def gradient(self, x: str, recipe: Recipe) -> None:
        """Add the code of a new gradient: of the old Variable if nobody else knows that."""
        y, kind = f"n{recipe[1]}", self.constant(Variable)
        self.lines.append(f"{y} = {x}.grad")
        self.lines.append(
            f"if type({y}) is not {kind} or getrefcount({y}) != {ALONE} "
            f"or {y}.__weakref__ is not None: {y} = {x}.grad = new({kind})"
        )
        self.fill(y, *recipe[2][1:])

    def effect(self, effect: Recipe) -> None:
        """Add the code of an effect."""
        kind, index = effect[:2]
        x = self.place(index)
        if kind == "write":
            # the executor may have written into the array itself
            self.lines.append(f"if o{effect[2]} is not {x}: {x}[...] = o{effect[2]}")
        elif kind == "list":
            items = "".join([f"{self.value(recipe)}, " for recipe in effect[2]])
            self.lines.append(f"{x}[:] = [{items}]")
        elif kind == "unchain":
            self.lines.append(f"{x}.creator = None")
        elif kind == "spend":
            self.lines.append(f"Spent({x}, {self.constant(outside(effect[2]))})")
        elif kind == "delete":
            key = self.constant(effect[3])
            item = effect[2] == "item"
            self.lines.append(f"del {x}[{key}]" if item else f"delattr({x}, {key})")
        else:
            self.assign(x, index, *effect[2:])

    def assign(self, x: str, index: int, how: str, key: Any, recipe: Recipe) -> None:
        """Add the code of an assignment."""
        if (how, key, recipe[0]) == ("slot", "grad", "new") and recipe[2][:2] == PLAIN:
            self.gradient(x, recipe)
            return
        value = self.value(recipe)
        if how == "slot":
            target = f"{x}.{key}"
        elif how == "class":
            self.lines.append(f"setattr({x}, {key!r}, {value})")
            return
        elif how == "cell":
            cell = f"cell_of({x}, {key!r})"
            if index not in self.position:
                cell = self.constant(cell_of(self.fixed[index], key))
            target = f"{cell}.cell_contents"
        elif how == "global":
            target = f"{x}.__globals__[{key!r}]"
        elif how == "module":
            target = f"{self.constant(key[0])}.{key[1]}"
        elif how == "held":
            self.lines.append(f"{x}.set({value})")
            return
        else:
            target = f"{x}{'' if how == 'item' else '.__dict__'}[{self.constant(key)}]"
        self.lines.append(f"{target} = {value}")
        if key == "_data":
            self.lines.append(f"{x}._changed = now")

    def write(
        self, result: Recipe, effects: list[Recipe], touched: list[int], outputs: int
    ) -> Commit:
        """The function that returns the result.

        Args:
            result: Its recipe: made first, as effects may name what it makes again.
            effects: What it does before.
            touched: The places of Variables whose arrays are written into.
            outputs: How many outputs there are.
        """
        for effect in effects:
            self.effect(effect)
        for index in touched:
            self.lines.append(f"{self.place(index)}._changed = now")
        self.lines.append(f"return {self.value(result)}")
        unpacked = "".join([f"o{k}, " for k in range(outputs)])
        body = "\n    ".join([f"{unpacked or '_'} = o", "now = clock.tick()", *self.lines])
        code = compiled(f"def commit(v, o, {', '.join(self.env)}):\n    {body}\n")
        return FunctionType(code, {}, "commit", tuple(self.env.values()))


@lru_cache(maxsize=4)
def compiled(source: str) -> CodeType:
    """The code of the function that a text defines: two traces of a step have the same."""
    namespace: dict[str, Any] = {}
    code = compile(source, "<dezero.compiler commit>", "exec")
    exec(code, namespace)  # noqa: S102 (our own text)
    function: FunctionType = namespace["commit"]
    return function.__code__


def references() -> int:
    """What getrefcount counts of a gradient that its Variable and a local variable have."""
    x = Variable(np.zeros(1))
    x.grad = Variable(np.zeros(1))
    y = x.grad
    return getrefcount(y)


ALONE = references()
