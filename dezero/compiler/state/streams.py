"""Streams: iterators and files that a step takes from, or writes to, while it is traced.

They cannot be rewound. A step that uses one runs eagerly; where its trace fails, what it has
taken from an iterator is given to it again.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import IOBase
from itertools import chain
from typing import Any

from .places import Place, put


class Taken:
    """An iterator that remembers what it has given.

    >>> source = Taken(iter("abc"))
    >>> next(source), source.items
    ('a', ['a'])
    """

    def __init__(self, source: Iterator[Any]) -> None:
        self.source = source
        self.items: list[Any] = []

    def __iter__(self) -> Taken:
        return self

    def __next__(self) -> Any:
        item = next(self.source)
        self.items.append(item)
        return item

    def __getattr__(self, name: str) -> Any:
        return getattr(self.source, name)


class Streams:
    """The iterators and the files in the places of a walk."""

    def __init__(self, places: list[Place]) -> None:
        self.places = places
        self.taken: dict[int, Taken] = {}  # by the id of the iterator
        self.files = [(p, position(p.value)) for p in places if isinstance(p.value, IOBase)]
        for x in [place.value for place in places if place.kind == "opaque"]:
            if isinstance(x, Iterator) and not isinstance(x, IOBase):
                self.taken.setdefault(id(x), Taken(x))

    def watch(self) -> None:
        """Put what remembers in the place of the iterators; restoring the places takes it away."""
        self.put(dict(self.taken))

    def repeat(self) -> None:
        """Let the iterators give again what they have given."""
        used = {key: taken for key, taken in self.taken.items() if taken.items}
        self.put({key: chain(taken.items, taken.source) for key, taken in used.items()})

    def put(self, new: dict[int, Any]) -> None:
        """Put other iterators in the places of those that they come from."""
        for place in self.places:
            if id(place.value) in new and place.parent >= 0:
                parent = self.places[place.parent].value
                put(parent, place.how, place.key, new[id(place.value)])

    def used(self) -> str | None:
        """Why the step cannot be replayed, if it has used one of them."""
        for place in self.places:
            taken = self.taken.get(id(place.value))
            if taken is not None and taken.items:
                return f"it takes from {place.label}: make what that gives an argument"
        for place, begun in self.files:
            if position(place.value) != begun:
                return f"it reads from or writes to {place.label}: a replay would not"
        return None


def position(file: IOBase) -> int | None:
    """Where a file stands; None if it is none that has places."""
    try:
        return file.tell()
    except (OSError, ValueError):
        return None
