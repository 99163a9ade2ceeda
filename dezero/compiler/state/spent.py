"""Spent graphs: what a Variable has for a creator when the graph of its step is gone.

A compiled step records no graph. A Variable that would have one must not pass for a leaf, or a
backward pass from outside would end there and be wrong without a word.
"""

from __future__ import annotations

from typing import Any
from weakref import ref

from ...core import Function, Variable
from ...errors import CompileError


class Spent(Function):
    """Stands where a graph was: pictures show it, values do not need it, no gradient passes it.

    Args:
        y: The Variable that gets it as its creator.
        why: What a backward pass that comes here raises.
    """

    __slots__ = ("why",)
    op = "compiled step"
    inputs = ()
    clock = generation = 0

    def __init__(self, y: Variable, why: str) -> None:
        self.outputs = (ref(y),)
        self.why = why
        y.creator = self
        y.generation = 1

    def pull(self, grads: dict[Any, Any], recorded: bool) -> Any:
        """Refuse."""
        raise CompileError(self.why)


def earlier(label: str) -> str:
    """Why there is no way back through state that an earlier step has computed."""
    return (
        f"{label} belongs to the graph of an earlier step: call unchain_backward() or "
        "reset_state() at the end of the step, or use no_grad()"
    )


def outside(label: str) -> str:
    """Why there is no way back from what a compiled step has left or returned."""
    return (
        f"{label} was computed inside of a compiled step, whose graph is gone: call backward() "
        "inside of the step, or unchain_backward() if no gradient is to go further back"
    )
