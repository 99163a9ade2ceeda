"""Snapshots: what a program's objects hold, so that a step that fails can be undone."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core import Variable
from .places import Child, Place, attributes, children, put


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
                x[:] = [value for how, _, value in inside if how == "item"]
            elif isinstance(x, dict):
                x.clear()
                x.update({key: value for how, key, value in inside if how == "item"})
            if isinstance(x, type):
                restore_class(x, inside)
            elif type(x) not in (list, dict):
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


def restore_class(kind: type, inside: list[Child]) -> None:
    """Give a class what it held."""
    old = {key: value for how, key, value in inside if how == "class"}
    now = {key: value for how, key, value in children(kind) if how == "class"}
    for key in now.keys() - old.keys():
        delattr(kind, key)
    for key in old:  # an assignment to a class is costly
        if key not in now or now[key] is not old[key]:
            setattr(kind, key, old[key])
