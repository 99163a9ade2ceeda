"""The backward pass: an algorithm over the links that running wrote.

A Function knows its `inputs`, a Variable its `creator`. Nothing here knows what they compute.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from .function import Function
    from .variable import Variable

Gradient: TypeAlias = Any  # an array, or a Variable when the pass itself is recorded


def propagate(
    root: Variable, gy: Gradient, create_graph: bool, retained: dict[Variable, Gradient] | None
) -> tuple[dict[Variable, Gradient], set[Variable]]:
    """Carry the gradient gy of root back to the leaves it was computed from.

    Latest generation first, so that a Function runs only when its outputs' gradients are
    complete. `retained`, if given, collects those of the Variables on the way. Returns the
    leaves' gradients, and the leaves whose gradient nothing else holds.
    """
    grads: dict[Any, Gradient] = {root: gy}
    owned: set[Variable] = set()
    seen = {root.creator}
    heap: list[Any] = [(0, 0, root.creator)]  # the second number: Functions have no order
    while heap:
        f = heappop(heap)[2]
        if retained is not None:
            retained.update({y: grads[y] for y in f.live_outputs() if y in grads})
        gxs = f.pull(grads, create_graph)
        for x, gx in zip(f.inputs, gxs):  # noqa: B905 (each pull fits them)
            if gx is None or x.generation < 0:  # no gradient, or a Constant
                continue
            if x not in grads:
                grads[x] = gx
                if f.fresh:
                    owned.add(x)
                creator = x.creator
                if creator is not None and creator not in seen:
                    seen.add(creator)
                    heappush(heap, (-creator.generation, len(seen), creator))
            elif x in owned:
                grads[x] += gx  # in place where it is an array
            else:
                grads[x] = grads[x] + gx
                owned.add(x)
    return grads, owned


def creators(root: Variable) -> Iterator[Function]:
    """Every Function that root was computed by, each once, in no particular order."""
    todo = [root.creator] if root.creator is not None else []
    seen = set(todo)
    while todo:
        f = todo.pop()
        yield f
        found = {x.creator for x in f.inputs if x.creator is not None} - seen
        seen |= found
        todo.extend(found)
