"""TraceNumber: a number of the program's state, with which Python computes, not NumPy.

`1 / rate` raises where the rate is 0, `3**n` is exact, `n // 2` stays an integer: a replay must do
the same. So numbers are no part of the tape until an array meets them: what is computed of them is
an expression, that a replay evaluates in Python.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from .tape import Tape
from .tracearray import NUMBERS, TraceArray

COMPUTED: dict[str, Callable[..., Any]] = {  # what a replay calls, by name
    **{name: getattr(operator, name) for name in ("add", "sub", "mul", "truediv", "floordiv")},
    **{name: getattr(operator, name) for name in ("mod", "pow", "lshift", "rshift", "xor")},
    **{name: getattr(operator, name) for name in ("and_", "or_", "lt", "le", "gt", "ge")},
    **{name: getattr(operator, name) for name in ("eq", "ne", "neg", "pos", "abs", "invert")},
    **{"round": round, "floor": math.floor, "ceil": math.ceil, "trunc": math.trunc},
}
SYMBOLS = {"add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%"}
SYMBOLS |= {"pow": "**"}  # quicker than a call


class TraceNumber(TraceArray):
    """A Python number of a traced run: its value, and the expression that it comes from.

    To arrays it is what a Python number is: it gives way to their dtype.
    """

    __slots__ = ("entry",)
    weak = True

    def __init__(self, value: Any, tape: Tape, entry: int) -> None:
        super().__init__(value, tape, -1)
        self.entry = entry

    @property
    def node(self) -> int:
        """The node of the number as an array of its own dtype."""
        return self.tape.scalar(self.entry, np.asarray(self.value).dtype)

    def look(self) -> Any:
        """The real value, whose type no replay mistakes."""
        return self.value

    def seen(self, truth: bool = False) -> Any:
        """The real value, noted as a guard."""
        if self.tape.open:
            self.tape.judge(self.entry, self.value, truth)
        return self.value

    def computed(self, name: str, *operands: Any) -> Any:
        """An operation of this and other numbers."""
        values = [x.value if type(x) is TraceNumber else x for x in operands]
        value = COMPUTED[name](*values)
        if not self.tape.open or type(value) not in NUMBERS:
            return value
        entries = [x.entry if type(x) is TraceNumber else ("constant", x) for x in operands]
        return TraceNumber(value, self.tape, self.tape.number(name, tuple(entries), value))

    def __round__(self, digits: Any = None) -> Any:
        return self.computed("round", self, *([] if digits is None else [digits]))

    def __floor__(self) -> Any:
        return self.computed("floor", self)

    def __ceil__(self) -> Any:
        return self.computed("ceil", self)

    def __trunc__(self) -> Any:
        return self.computed("trunc", self)

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> Any:
        return other // self, other % self

    def __hash__(self) -> int:
        return hash(self.seen())

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not hasattr(self.value, name):
            raise AttributeError(name)
        return getattr(self.seen(), name)

    def copy(self, order: str = "C") -> Any:
        """Itself: numbers do not change."""
        return self

    __copy__ = copy

    def __deepcopy__(self, memo: Any) -> Any:
        return self


def method(name: str, special: str, reflected: bool) -> Callable[..., Any]:
    """An operator of numbers; where an array is the other operand, the operator of arrays."""
    of_arrays = getattr(NDArrayOperatorsMixin, special)

    def operate(self: TraceNumber, *others: Any) -> Any:
        if all(type(x) in NUMBERS or type(x) is TraceNumber for x in others):
            operands = (*others, self) if reflected else (self, *others)
            return self.computed(name, *operands)
        if isinstance(others[0], np.ndarray | np.generic) or type(others[0]) is TraceArray:
            return of_arrays(self, *others)
        return NotImplemented

    return operate


for _name in COMPUTED:
    for _kind in ("", "r", "i"):  # x + y, reflected, x += y, which makes a new number
        _special = f"__{_kind}{_name.rstrip('_')}__"
        if hasattr(NDArrayOperatorsMixin, _special):
            setattr(TraceNumber, _special, method(_name, _special, _kind == "r"))
