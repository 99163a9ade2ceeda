"""Committing: straight Python code that makes a step's result and carries out its effects."""

from __future__ import annotations

from collections.abc import Callable
from sys import getrefcount
from typing import Any

import numpy as np

from ...core import Variable
from ...core.variable import Constant, clock
from .effects import Recipe
from .places import cell_of
from .spent import Spent, outside

Commit = Callable[[Any, Any], Any]  # of the values that were fetched, and the outputs' arrays
new = object.__new__


class Writer:
    """Writes the code of `commit`.

    Args:
        fixed: The objects of places that stay the same.
        position: Where the others are among the values that were fetched.
    """

    def __init__(self, fixed: dict[int, Any], position: dict[int, int]) -> None:
        self.fixed = fixed
        self.position = position
        self.env: dict[str, Any] = {"variable": variable, "clock": clock, "Variable": Variable}
        self.env |= {"given": given, "Spent": Spent, "references": getrefcount}
        self.env["cell_of"] = cell_of
        self.again: set[int] = set()
        self.lines: list[str] = []

    def constant(self, x: Any) -> str:
        """A name for an object in the code."""
        name = f"k{len(self.env)}"
        self.env[name] = x
        return name

    def place(self, i: int) -> str:
        """The code of the object at a place."""
        if i in self.position:
            return f"v[{self.position[i]}]"
        return self.constant(self.fixed[i])

    def value(self, recipe: Recipe) -> str:
        """The code of a recipe."""
        kind, what = recipe[:2]
        if kind == "new":
            return f"(n{what} := {self.value(recipe[2])})"
        if kind == "variable":
            made = recipe[2][2] if recipe[2][0] == "new" else recipe[2]
            data = f"o{made[1]}.copy()" if made[0] == "scalar" else self.value(recipe[2])
            why = outside(recipe[5]) if recipe[5] is not None else None
            kind_name, name, text = map(self.constant, (what, recipe[4], why))
            return f"variable({kind_name}, {data}, {self.value(recipe[3])}, {name}, {text}, now)"
        if kind == "dict":
            pairs = [f"{self.constant(k)}: {self.value(x)}" for k, x in what]
            return f"{{{', '.join(pairs)}}}"
        if kind in ("list", "tuple"):
            items = "".join([f"{self.value(x)}, " for x in what])
            return f"[{items}]" if kind == "list" else f"({items})"
        simple = {"array": f"o{what}.copy()", "scalar": f"o{what}[()]"}
        simple |= {"number": f"o{what}.item()", "again": f"n{what}"}
        if kind in simple:
            return simple[kind]
        return self.place(what) if kind == "place" else self.constant(what)

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
        k = self.gradient(how, key, recipe)
        if k is not None:
            self.give(x, k, self.constant(recipe[2][4]))
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
        else:
            target = f"{x}{'' if how == 'item' else '.__dict__'}[{self.constant(key)}]"
        self.lines.append(f"{target} = {value}")
        if key == "_data":
            self.lines.append(f"{x}._changed = now")

    def give(self, x: str, k: int, name: str) -> None:
        """Add the code that makes output k the gradient of x.

        It goes into the memory of the last one where only x still has that: new memory for each
        gradient of a large model would cost more than computing it.
        """
        last = self.constant([None])
        self.lines += [
            f"a = {last}[0]",
            f"g = {x}.grad",
            "if (",
            "    type(g) is Variable and g._data is a and a is not None",
            f"    and references(a) <= {LOCAL + 3} and references(g) <= {LOCAL + 1}",
            "):  # of a: the list, g, a local name, what was fetched",
            f"    a[...] = o{k}",
            "    g._changed = now",
            f"    g.name = {name}",
            "else:",
            f"    {x}.grad = given({last}, o{k}, {name}, now)",
        ]

    def gradient(self, how: str, key: Any, recipe: Recipe) -> int | None:
        """The output that becomes a gradient of its own; None for any other assignment."""
        if (how, key, recipe[0]) != ("slot", "grad", "new") or recipe[1] in self.again:
            return None
        made = recipe[2]
        if made[:2] != ("variable", Variable) or made[2][0] != "new":
            return None
        if made[3][1] is not None or made[5] is not None:
            return None
        _, number, data = made[2]
        return data[1] if data[0] == "array" and number not in self.again else None

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
        self.again = set(named_again((result, *effects)))
        for effect in effects:
            self.effect(effect)
        for index in touched:
            self.lines.append(f"{self.place(index)}._changed = now")
        self.lines.append(f"return {self.value(result)}")
        unpacked = "".join([f"o{k}, " for k in range(outputs)])
        body = "\n    ".join([f"{unpacked or '_'} = o", "now = clock.tick()", *self.lines])
        names = ", ".join(f"{name}={name}" for name in self.env)
        namespace = dict(self.env)
        source = f"def commit(v, o, {names}):\n    {body}\n"
        exec(compile(source, "<dezero.compiler commit>", "exec"), namespace)  # noqa: S102 (our own text)
        commit: Commit = namespace["commit"]
        return commit


def variable(
    kind: type[Variable], data: Any, grad: Any, name: Any, why: str | None, now: int
) -> Variable:
    """A new Variable of an array; `why` says that it had a graph, which is gone."""
    x = new(kind)
    x._data = data if type(data) is np.ndarray else np.asarray(data)
    x._changed = now
    x.grad = grad
    x.name = name
    if why is None:
        x.creator = None
        x.generation = -1 if kind is Constant else 0
    else:
        Spent(x, why)
    return x


def named_again(recipe: Any) -> list[int]:
    """The numbers of what recipes make once and name again."""
    if not isinstance(recipe, tuple):
        return []
    if recipe[:1] == ("again",):
        return [recipe[1]]
    return [number for part in recipe for number in named_again(part)]


def given(last: list[Any], array: Any, name: Any, now: int) -> Variable:
    """A gradient in memory of its own, which `last` remembers."""
    last[0] = array.copy()
    return variable(Variable, last[0], None, name, None, now)


def local_references() -> int:
    """What getrefcount counts of an object that one local variable holds."""
    x = object()
    return getrefcount(x)


LOCAL = local_references()  # 2 up to Python 3.13, fewer later
