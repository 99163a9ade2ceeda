"""Random numbers that a step draws elsewhere than from dezero.random: they would be constants."""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable
from typing import Any

import numpy as np

from .places import Place

Access = tuple[Callable[[], Any], Callable[[Any], None]]  # of a generator's state


class Generators:
    """The states of NumPy's and Python's generators, of the process and in the places of a walk."""

    def __init__(self, places: list[Place]) -> None:
        self.access: list[Access] = [
            (np.random.get_state, np.random.set_state),
            (random.getstate, random.setstate),
        ]
        for place in places:
            x = place.value
            if isinstance(x, np.random.Generator):
                self.access.append(bits(x.bit_generator))
            elif isinstance(x, np.random.RandomState):
                self.access.append((x.get_state, x.set_state))
            elif isinstance(x, random.Random):
                self.access.append((x.getstate, x.setstate))
        self.states = [get() for get, _ in self.access]

    def drawn(self) -> bool:
        """Whether one of them has given numbers since."""
        now = [get() for get, _ in self.access]
        return pickle.dumps(now) != pickle.dumps(self.states)

    def restore(self) -> None:
        """Let them give the same numbers again."""
        for (_, put), state in zip(self.access, self.states, strict=True):
            put(state)


def bits(generator: Any) -> Access:
    """The state of a bit generator."""
    return lambda: generator.state, lambda state: setattr(generator, "state", state)
