"""A traced run: one real step, of which everything that it computes is on the tape."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from ..arrays import is_array, random
from ..core import Variable
from ..errors import CompileError
from .interrupts import uninterrupted
from .state.commit import Commit, Writer
from .state.effects import Recipe, Recipes
from .state.generators import Generators
from .state.places import Place, children, is_library, names, put
from .state.snapshot import Snapshot
from .state.spent import Spent, earlier
from .state.streams import Streams
from .tracing.tape import Tape
from .tracing.tracearray import TraceArray
from .tracing.tracenumber import TraceNumber
from .tracing.types import true_types

tracing: ContextVar[bool] = ContextVar("tracing", default=False)  # a traced run is going on


@dataclass
class Trace:
    """What one step did: where its values came from, the tape, and what it left behind.

    `slots` are the places of arrays, in the order of their numbers; those of numbers follow on the
    tape. `result` and `effects` are recipes that name `outputs`, nodes of the tape.
    """

    places: list[Place]
    slots: list[int]
    tape: Tape
    outputs: list[int]
    result: Recipe
    effects: list[Recipe]
    unread: set[int]  # places of arrays that the step replaces, or passes by, without a look
    draws: bool = False  # whether it draws random numbers
    foreign: bool = False  # whether it draws others than dezero.random's

    def touched(self) -> list[int]:
        """The places of the Variables whose arrays the step writes into."""
        parents = {self.places[e[1]].parent for e in self.effects if e[0] == "write"}
        return sorted([i for i in parents if isinstance(self.places[i].value, Variable)])

    def structure(self) -> tuple[Any, ...]:
        """What calls that this trace can stand for have in common."""
        return tuple([place.describe(place.index in self.unread) for place in self.places])

    def difference(self, other: Trace) -> str | None:
        """What two traces of the same structure and guards differ in; None if in nothing."""
        for a, b in zip(self.tape.nodes, other.tape.nodes, strict=False):
            if a.kind == b.kind == "const" and not np.array_equal(a.attr, b.attr, equal_nan=True):
                return f"{b.line}: a constant of the step changes from call to call"
            if a.kind == b.kind == "slot" and self.unread.intersection(self.slots[a.attr :][:1]):
                continue
            if a.describe() != b.describe():
                return f"{b.line}: the step computes something else in the next call"
        if repr(self.tape.numbers) != repr(other.tape.numbers):
            return "the step computes other numbers in the next call"
        if len(self.tape.nodes) != len(other.tape.nodes):
            return "the step computes more in the next call"
        for x, y in zip(self.effects, other.effects, strict=False):
            if repr(x) != repr(y):
                where = self.places[x[1]].label
                return f"{where}: what is assigned there changes from call to call"
        if repr(self.result) != repr(other.result):
            return "what the step returns changes from call to call"
        return None if self.outputs == other.outputs else "the results are others in the next call"


def trace(function: Callable[..., Any], places: list[Place]) -> tuple[Any, Trace, str | None]:
    """Run a step on traced arrays, given the places that its call can reach.

    Returns:
        Its result, the trace, and why the trace can't stand for the step (None if it can).

    Raises:
        CompileError: Something can't be traced. Nothing has been changed.
        Exception: What the step raises. Nothing has been changed.
    """
    check_devices(places)
    check_proxies(places)
    snapshot = Snapshot(places, arrays=False)
    random_state, generators, streams = random.get_state(), Generators(places), Streams(places)
    tape = Tape()
    streams.watch()
    try:
        done, values = run(function, places, tape)
        changed = snapshot.changed()
        if changed is not None:
            raise CompileError(f"the step changes what is in {changed}: use a list or a dict")
        tape.open = False
        done.foreign = generators.drawn()
        done.draws = random.get_state() != random_state
        commit = committing(done, len(values))
    except BaseException:
        tape.open = False
        with uninterrupted():
            snapshot.restore()
            streams.repeat()
            random.set_state(random_state)
            generators.restore()
        raise
    with uninterrupted():
        snapshot.restore()
        result = commit(tape.results, list(map(real, values)))
    del commit, values
    return result, done, streams.used() or escaped(tape)


def committing(done: Trace, outputs: int) -> Commit:
    """What leaves behind what the step has left, and makes its result."""
    numbers = {entry: entry for entry in range(len(done.tape.results))}
    writer = Writer({place.index: place.value for place in done.places}, {}, numbers)
    return writer.write(done.result, done.effects, done.touched(), outputs)


def check_devices(places: list[Place]) -> None:
    """Raise CompileError where an array is not NumPy's, such as one on a GPU."""
    for place in places:
        if is_array(place.value) and not isinstance(place.value, np.ndarray | type):
            kind = type(place.value)
            raise CompileError(
                f"{place.label} is an array of {kind.__module__.partition('.')[0]}: only NumPy "
                "arrays, on the CPU, are compiled; on a GPU a step runs eagerly"
            )


def check_proxies(places: list[Place]) -> None:
    """Raise CompileError where an object has a second face: what changes it would be unseen."""
    for place in places:
        if type(place.value) in weakref.ProxyTypes:
            raise CompileError(f"{place.label} is a weak proxy: use the object, or weakref.ref")


def real(value: Any) -> Any:
    """A traced value as an array."""
    return value if isinstance(value, np.ndarray) else np.asarray(value)


def spend_graphs(places: list[Place]) -> None:
    """Put an end to the graphs of earlier steps: a backward pass that gets there is refused.

    Generations begin anew, or the backward pass would go another way in each call.
    """
    for place in places:
        x = place.value
        if place.graphed and place.kind == "object":
            Spent(x, earlier(place.label))
        elif isinstance(x, Variable) and x.creator is None:
            x.generation = min(x.generation, 0)


def check_kinds(places: list[Place]) -> None:
    """Raise CompileError where an array is of a kind that may compute in its own way."""
    for place in places:
        kind = type(place.value)
        if issubclass(kind, np.ndarray) and kind is not np.ndarray:
            raise CompileError(f"{place.label} is a {kind.__name__}, not a plain array")


def check_memory(places: list[Place], written: set[int]) -> None:
    """Raise CompileError where an array that is written into is also part of another."""
    arrays = [p for p in places if p.kind == "array" and isinstance(p.value, np.ndarray)]
    bounds = [(*byte_bounds(p.value), p) for p in arrays if p.value.size]
    begun: list[tuple[int, Place]] = []  # those that end behind the present one's start
    for start, end, p in sorted(bounds, key=lambda found: found[0]):
        begun = [(last, q) for last, q in begun if last > start]
        for _, q in begun:
            if p.index in written or q.index in written:
                one, other = (p, q) if p.index in written else (q, p)
                raise CompileError(
                    f"{one.label}, which is written into, shares memory with {other.label}"
                )
        begun.append((end, p))


def traced_slots(places: list[Place], tape: Tape) -> dict[int, TraceArray]:
    """A traced array for every array of the state and the arguments, by place."""
    slots: dict[int, TraceArray] = {}
    for place in places:
        if place.kind == "array":
            x = place.value
            value = duplicate(x) if isinstance(x, np.ndarray) else x
            node = tape.slot(len(slots), np.shape(x), np.asarray(x).dtype)
            slots[place.index] = TraceArray(value, tape, node, made=tape.nodes[node].line)
    tape.arrays = len(slots)
    return slots


def traced_numbers(places: list[Place], tape: Tape) -> dict[int, TraceArray]:
    """A traced number for every number of the state, by place."""
    found = [place for place in places if place.kind == "number"]
    return {
        p.index: TraceNumber(p.value, tape, tape.number("place", (p.index,), p.value))
        for p in found
    }


def duplicate(x: Any) -> Any:
    """A copy of an array with the same strides, so that a reshape is a view where it is one of x.

    >>> duplicate(np.arange(12).reshape(3, 4)[:, ::-2]).strides
    (32, -16)
    """
    copy = np.array(x, order="K")
    if copy.strides != x.strides:
        start, end = byte_bounds(x)
        memory = np.empty(end - start, np.uint8)
        offset = x.__array_interface__["data"][0] - start
        copy = np.ndarray(x.shape, x.dtype, memory, offset, x.strides)
        copy[...] = x
    return copy


def run(function: Callable[..., Any], places: list[Place], tape: Tape) -> tuple[Trace, list[Any]]:
    """Call the function with traced arrays in every place; what it did, and the values of it."""
    slots = traced_slots(places, tape)
    spend_graphs(places)
    new = substitute(places, slots | traced_numbers(places, tape))
    before = {
        place.index: children(place.value)
        for place in places
        if place.kind == "object" and place.index not in new
    }
    begun = {index: traced.node for index, traced in slots.items()}
    args, kwargs = new.get(1, places[1].value), places[2].value
    functions = [p.value for p in places if isinstance(p.value, FunctionType)]
    asking = [f for f in functions if not is_library(f) and "type" in names(f.__code__)]
    token = tracing.set(True)
    try:
        with true_types(asking):
            result = function(*args, **kwargs)
    finally:
        tracing.reset(token)
    tape.open = False
    recipes = Recipes(tape, places, slots)
    effects: list[Recipe] = []
    for index, traced in slots.items():
        if traced.node != begun[index]:
            if not places[index].value.flags.writeable:
                raise CompileError(f"{places[index].label} is read-only")
            _, output = recipes.output("write", traced.node, traced.value)
            effects.append(("write", index, output))
    check_memory(places, {effect[1] for effect in effects})
    effects += recipes.effects(places, before)
    made = recipes.of(result, "the result")
    read = tape.looked.union(recipes.outputs, [guard.node for guard in tape.guards])
    read.update([i for node in tape.nodes for i in node.ins])
    unread = {index for index, node in begun.items() if node not in read}
    check_kinds([places[index] for index in slots.keys() - unread])
    note_layout(places, slots, tape)
    order = list(slots)
    return Trace(places, order, tape, recipes.outputs, made, effects, unread), recipes.values


def note_layout(places: list[Place], slots: dict[int, TraceArray], tape: Tape) -> None:
    """Note of which arrays the strides matter: of all if it may be any, through a computed one."""
    known = {id(traced) for traced in slots.values()}
    for index, traced in slots.items():
        places[index].laid = not tape.laid <= known or id(traced) in tape.laid


def substitute(places: list[Place], slots: dict[int, TraceArray]) -> dict[int, Any]:
    """Put the traced arrays in their places; tuples are made anew. Returns what is new where."""
    new: dict[int, Any] = dict(slots)
    for place in places:
        if place.kind == "alias" and place.same in slots:
            new[place.index] = slots[place.same]
    for place in reversed(places):
        if place.index not in new or place.parent < 0:
            continue
        parent = places[place.parent]
        if isinstance(parent.value, tuple):
            items = list(new.get(parent.index, parent.value))
            items[place.key] = new[place.index]
            kind = type(parent.value)
            new[parent.index] = kind(items) if kind is tuple else kind(*items)
        elif not put(parent.value, place.how, place.key, new[place.index]):
            raise CompileError(f"{place.label} is in a {type(parent.value).__name__}")
    return new


def escaped(tape: Tape) -> str | None:
    """Why the program still has traced arrays, in a place that the walk does not reach."""
    if any(link() is not None for link in tape.made):
        gc.collect()
    for link in tape.made:
        traced = link()
        if traced is not None:
            return (
                f"{traced.made}: a value of the step is kept in a place that the compiler does "
                "not see: make it an attribute of the model, or an argument"
            )
    return None
