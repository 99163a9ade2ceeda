"""The compiler: from a run to one native step.

`compile` keeps the meaning of a function and removes its cost. A run of it is traced (`trace`),
what it computed is planned (`plan`) and replayed by an executor (`execute`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .cexecute import CExecutor
from .execute import Executor
from .step import CompileWarning, Step

__all__ = ["CompileWarning", "Step", "compile"]


def compile(function: Callable[..., Any], executor: str = "numpy") -> Step:
    """A function that does what `function` does, quicker."""
    return Step(function, CExecutor if executor=="c" else Executor)
