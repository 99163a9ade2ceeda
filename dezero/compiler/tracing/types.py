"""What `type(x)` is of a traced value: the type of the value, or programs would go another way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import Any

from .tracearray import TraceArray


class Meta(type):
    """Makes a class that can be used as `type` is."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and issubclass(type(args[0]), TraceArray):
            return type(args[0].value)
        return type(*args, **kwargs)

    def __instancecheck__(cls, x: object) -> bool:
        return isinstance(x, type)

    def __subclasscheck__(cls, x: type) -> bool:
        return issubclass(x, type)

    def __getattr__(cls, name: str) -> Any:
        return getattr(type, name)


class Type(metaclass=Meta):
    """`type`, but of a traced value the type of the value."""


Type.__name__ = "type"


@contextmanager
def true_types(functions: Iterable[FunctionType]) -> Iterator[None]:
    """Let the code of functions see `Type` where it names `type`."""
    spaces = {id(f.__globals__): f.__globals__ for f in functions if "type" not in f.__globals__}
    for space in spaces.values():
        space["type"] = Type
    try:
        yield
    finally:
        for space in spaces.values():
            space.pop("type", None)
