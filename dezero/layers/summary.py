"""A layer as text: its tree, with the shapes and the number of its Parameters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import prod
from typing import TYPE_CHECKING, Any

from ..core import Parameter
from .lazy import anticipated, shown

if TYPE_CHECKING:
    from .layer import Layer

LONG = 40  # lines; a longer tree shows its first level only


def summary(layer: Layer) -> str:
    """The tree of a layer: for each its name, type, number of elements and own Parameters."""
    lines = list(tree(layer, "", 0, {layer}))
    if len(lines) > LONG:
        lines = [(level, text) for level, text in lines if level <= 1]
    return "\n".join("  " * level + text for level, text in lines)


def tree(layer: Layer, name: str, level: int, seen: set[Any]) -> Iterator[tuple[int, str]]:
    """(level, text) for a layer and each layer inside it, each once."""
    own = []
    layers = []
    for member, path in layer.members().items():
        if isinstance(member, Parameter):
            own.append(f"{path} {shape_of(member)}")
        elif member not in seen:
            layers.append((member, path))
    seen.update(member for member, _ in layers)
    text = f"{type(layer).__name__}, {count(layer.params())} parameters"
    yield level, (f"{name}: " if name else "") + ": ".join([text, *filter(None, [", ".join(own)])])
    for inner, path in layers:
        yield from tree(inner, path, level + 1, seen)


def shape_of(param: Parameter) -> str:
    """The shape of a Parameter, as far as it is known."""
    known = anticipated(param)
    return "?" if known is None else shown(known[0])


def count(params: Iterable[Parameter]) -> str:
    """The number of elements, "?" where a size is not known yet."""
    total = 0
    for param in params:
        known = anticipated(param)
        if known is None or None in known[0]:
            return "?"
        total += prod([size or 0 for size in known[0]])
    return f"{total:,}"
