"""Our compiler as the benchmark uses it: watched, so that no compiled row is silently eager."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class NotCompiledError(Exception):
    """A step that should have been compiled, and why it was not."""


class Watched:
    """`dezero.compile` with one executor; it remembers the steps that it made.

    Args:
        executor: "c" or "numpy".
    """

    def __init__(self, executor: str) -> None:
        self.executor = executor
        self.steps: list[Any] = []

    def __call__(self, function: Callable[..., Any]) -> Any:
        import dezero

        step = dezero.compile(function, executor=self.executor)
        self.steps.append(step)
        return step


def settle(wrap: Any) -> None:
    """Wait until what a column's compiler compiles in the background is ready."""
    for step in wrap.steps if isinstance(wrap, Watched) else ():
        if hasattr(step, "wait"):
            step.wait()


def check(wrap: Any) -> None:
    """Make sure that a column's steps are replayed by the executor that was asked for.

    Raises:
        NotCompiledError: One was refused, was never replayed, or is replayed by another executor.
    """
    if not isinstance(wrap, Watched):
        return
    if not wrap.steps:
        raise NotCompiledError("was given nothing to compile")
    for step in wrap.steps:
        if step.refused is not None:
            raise NotCompiledError(f"runs eagerly: {step.refused}")
        paths = [path for path in step.all_paths() if path.runs]
        if not paths:
            raise NotCompiledError("was never replayed")
        for path in paths:
            if path.executor.name.lower() != wrap.executor:
                raise NotCompiledError(f"is replayed by {path.executor.name}: {path.fallback}")
