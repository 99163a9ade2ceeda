"""A path: one way that a step can go, compiled."""

from __future__ import annotations

import ctypes
import os
import warnings
from collections import deque
from collections.abc import Callable
from contextlib import nullcontext
from time import perf_counter
from typing import Any

import numpy as np

from ..arrays import random
from ..errors import CompileError
from .executors.c.toolchain import Job, NoCompiler, NotReady, deferring
from .executors.numpy import Executor
from .interrupts import uninterrupted
from .planning.plan import Gradient, planned
from .state import commit
from .state.effects import Recipe
from .state.fetch import Writer, owner
from .trace import Trace


class CompileWarning(UserWarning):
    """A function that can't be compiled runs eagerly, or in NumPy where it should be C."""


FAILED = object()  # a run whose guards do not hold
KEPT = ("opaque", "contents")  # kinds of places of which the object itself stays
LATEST = 100  # times that are kept
TIMED = 8  # one in so many replays is timed, since telling the time takes some
YOUNG = 2  # runs of an executor, of which the first replaces what eager and traced steps have left
ROUNDS = 4  # of compiling in the background, after which a path waits for the compiler


class Path:
    """A trace that has been confirmed by a second one, with its executor.

    Nothing that the program can see changes before every guard has been checked: a run that goes
    wrong in the middle is simply given up. While the C compiler works, NumPy carries on: both
    executors use the state where it is, so that one can take over from the other between two runs.

    Args:
        trace: The later trace.
        earlier: The one before it, of the same structure.
        kind: The class of the executor.
        replaced: Places where the program has been seen to put other objects.
    """

    def __init__(
        self, trace: Trace, earlier: Trace, kind: type[Executor], replaced: set[int]
    ) -> None:
        self.kind = kind
        self.key = key_of(trace)
        self.write(trace, earlier, replaced)
        self.bound = bindable(trace, earlier)
        self.state = [k for k, i in enumerate(trace.slots) if in_state(trace, i)]
        written = {e[1] for e in trace.effects if e[0] == "write"}
        self.written = [k for k in self.state if trace.slots[k] in written]
        for place in trace.places:
            place.value = None  # the arguments of the traced calls may be freed
        self.trace = trace
        self.runs = 0
        self.failures = 0
        self.error = "its guards"
        self.fallback: str | None = None  # why it runs in NumPy, not in C
        self.pending: list[Job] = []  # what the C compiler is at
        self.waiting: Executor | None = None  # what waits for it
        self.rounds = 0
        self.times: deque[float] = deque(maxlen=LATEST)  # seconds of replays by the executor
        self.executor = self.built()
        self.moved = changed(self.bound)
        self.loose = self.loosened()

    def write(self, trace: Trace, earlier: Trace, replaced: set[int]) -> None:
        """Write `fetch` and `commit`, which find the values of a call and hand out the results."""
        writer = Writer(trace.places, earlier.places, trace.unread, replaced)
        named, numbers = named_in(trace)
        kinds = {p.index: p.kind for p in trace.places}
        free = [i for i in named if not writer.stable[i] and kinds[i] not in KEPT]
        needed = [*trace.slots, *[i for i in free if i not in trace.slots]]
        scalars = [entry for entry, _ in trace.tape.scalars]
        self.fetch = writer.write(
            needed, apart(trace), changed_objects(trace), trace.tape, [*scalars, *numbers]
        )
        count = len(trace.slots)
        behind = len(scalars) + len(numbers)
        position = {place: k + behind * (k >= count) for k, place in enumerate(needed)}
        computed = {entry: count + len(scalars) + k for k, entry in enumerate(numbers)}
        self.fixed = {
            p.index: p.value
            for p in trace.places
            if p.index not in position and (p.kind in KEPT or writer.stable[p.index])
        }
        committer = commit.Writer(self.fixed, position, computed)
        self.commit = committer.write(
            trace.result, trace.effects, trace.touched(), len(trace.outputs)
        )
        self.given = committer.given

    def run(self, values: tuple[Any, ...]) -> Any:
        """The step's result, or FAILED."""
        if self.pending:
            self.settle()
        if self.moved(values):
            self.rebind(values)
        if self.loose and self.meet(values):
            return FAILED
        if self.young:
            self.young -= 1
            if not self.young:
                trim()
        executor, flags = self.executor, self.executor.flags
        timed = not self.runs % TIMED
        begun = perf_counter() if timed else 0.0
        state = random.get_state() if self.trace.draws else None
        flags[0] = flags[1] = 0
        try:
            failed = executor.run(values)
            if failed < 0:
                result = self.commit(values, executor.turn.outputs)
        except BaseException as error:
            if flags[1]:  # too late to give up: the state has been written over
                self.finish(values)
                raise
            if state is not None:
                random.set_state(state)
            if not isinstance(error, Exception):  # Ctrl-C
                raise
            self.error = f"{type(error).__name__}: {error}"
            return FAILED  # the eager run decides what it means
        if failed < 0:
            if timed:
                self.times.append(perf_counter() - begun)
            self.runs += 1
            return result
        self.failures += 1
        if state is not None:
            random.set_state(state)
        return FAILED

    def finish(self, values: tuple[Any, ...]) -> None:
        """Commit what an interrupted run has computed: the state may have been written over."""
        with uninterrupted():
            self.executor.finish()
            self.commit(values, self.executor.turn.outputs)

    def meet(self, values: tuple[Any, ...]) -> bool:
        """Whether an array of the state that is written into shares its memory with another.

        The traces have told for the bound arrays, which have not changed since.
        """
        arrays = {k: values[k] for k in self.state}
        owners = {id(x if x.base is None else owner(x.base)) for x in arrays.values()}
        if len(owners) == len(arrays):
            return False
        pairs = [(i, j) for i in self.written for j in self.state if i != j]
        return any(np.may_share_memory(arrays[i], arrays[j]) for i, j in pairs)

    def others(self, trace: Trace) -> set[int]:
        """The places where a trace of the same key has other objects than this path."""
        return {i for i, x in self.fixed.items() if trace.places[i].value is not x}

    def rebind(self, values: tuple[Any, ...]) -> None:
        """Make an executor for the state as it is: arrays that were replaced are copied."""
        self.bound = {k: x for k, x in self.bound.items() if values[k] is x and usable(x)}
        self.executor = self.built()
        self.moved = changed(self.bound)
        self.loose = self.loosened()

    def loosened(self) -> bool:
        """Whether arrays of the state may be others in each call, and may come to overlap."""
        return bool(self.written) and not self.bound.keys() >= set(self.state)

    def built(self) -> Executor:
        """An executor for the bound arrays: in C if there is nothing to wait for."""
        self.waiting = None
        return self.begun()

    def begun(self) -> Executor:
        """The executor that was waiting, or a new one, or one in NumPy until it can begin."""
        self.pending = []
        self.young = YOUNG
        self.times.clear()
        self.rounds += 1
        try:
            executor = self.waiting or self.made(self.kind)
            self.waiting = executor
            with deferring() if self.rounds <= ROUNDS else nullcontext():
                executor.complete()
            self.waiting = None
            return executor
        except NotReady as waiting:
            self.pending = waiting.jobs
        except NoCompiler as error:
            self.kind, self.fallback = Executor, str(error)
        except Exception as error:  # NumPy can do it as well
            if self.kind is Executor:
                raise
            self.kind, self.fallback = Executor, f"{type(error).__name__}: {error}"
            warnings.warn(f"a step runs in NumPy: {self.fallback}", CompileWarning, stacklevel=2)
        if not self.pending:
            self.waiting = None
        executor = self.made(Executor)
        executor.complete()
        return executor

    def made(self, kind: type[Executor]) -> Executor:
        """An executor with a plan of its own, which has to be completed."""
        plan = planned(self.trace, self.given)
        plan.gradients = gradients(self.trace, self.fixed)
        return kind(self.trace, plan, dict(self.bound))

    def settle(self) -> None:
        """Take the C executor if its compiler is done, or stay with NumPy if it has failed."""
        if any(job.is_alive() for job in self.pending):
            return
        errors = [job.error for job in self.pending if job.error is not None]
        if errors:
            self.kind, self.fallback, self.pending = Executor, errors[0], []
        elif self.pending:
            self.executor = self.begun()


def trim() -> None:
    """Give back to the system what eager and traced steps have left free, where it can be told."""
    release = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    if release is not None:
        release(0)


def changed(bound: dict[int, Any]) -> Callable[[tuple[Any, ...]], bool]:
    """A function that tells whether fetched values are others than the bound arrays."""
    condition = " or ".join([f"v[{k}] is not b{k}" for k in bound]) or "False"
    names = "".join([f", b{k}=b{k}" for k in bound])
    found: Callable[[tuple[Any, ...]], bool] = eval(  # noqa: S307 (our own text)
        f"lambda v{names}: {condition}", {f"b{k}": x for k, x in bound.items()}
    )
    return found


def key_of(trace: Trace) -> tuple[Any, ...]:
    """What distinguishes one path from another: the structure, and what the guards saw."""
    guards, judged = ([g.describe() for g in x] for x in (trace.tape.guards, trace.tape.judged))
    return trace.structure(), tuple(guards), tuple(judged)


def named_in(trace: Trace) -> tuple[list[int], list[int]]:
    """The places of objects, and the numbers, that the effects and the result name."""
    named, numbers = set(trace.touched()), set()
    for effect in trace.effects:
        named.add(effect[1])
    recipes: list[Recipe] = [trace.result, *[e[-1] for e in trace.effects if e[0] == "set"]]
    recipes += [r for e in trace.effects if e[0] == "list" for r in e[2]]
    while recipes:
        recipe = recipes.pop()
        if recipe[0] == "place":
            named.add(recipe[1])
        elif recipe[0] == "number":
            numbers.add(recipe[1])
        for part in recipe[1:]:
            if isinstance(part, tuple):
                recipes += inner(part)
    return sorted(named), sorted(numbers)


def gradients(trace: Trace, fixed: dict[int, Any]) -> dict[int, Gradient]:
    """The outputs that replace gradients of Variables that stay, if that is all done to these."""
    inside: dict[Any, int] = {(p.parent, p.how, p.key): p.index for p in trace.places}
    named = set(named_in(trace)[0])
    found: dict[int, Gradient] = {}
    for kind, index, *assigned in trace.effects:
        if kind == "set" and assigned[:2] == ["slot", "grad"] and index in fixed:
            old = inside.get((index, "slot", "grad"))
            data = inside.get((old, "slot", "_data"))
            if not {old, data} & named and (data is None or data in trace.unread):
                slot = None if data is None else trace.slots.index(data)
                found.update(dict.fromkeys(outputs_of(assigned[2]), Gradient(fixed[index], slot)))
    return found


def outputs_of(recipe: Recipe) -> list[int]:
    """The output that is the array of a new Variable, if a recipe is of one."""
    made = recipe[2] if recipe[0] == "new" else recipe
    if made[0] != "variable":
        return []
    data = made[2][2] if made[2][0] == "new" else made[2]
    return [data[1]] if data[0] == "array" else []


def changed_objects(trace: Trace) -> set[int]:
    """The places of the objects that the step changes, Variables with their arrays."""
    return {e[1] for e in trace.effects if e[0] != "write"}.union(trace.touched())


def inner(part: tuple[Any, ...]) -> list[Recipe]:
    """The recipes in a part of a recipe: itself, or those of a sequence or of pairs."""
    if part and isinstance(part[0], str) and len(part) > 1:
        return [part, *[r for p in part[1:] if isinstance(p, tuple) for r in inner(p)]]
    return [r for p in part if isinstance(p, tuple) for r in inner(p)]


def apart(trace: Trace) -> list[tuple[int, int]]:
    """Places of arrays that the step writes into, with those that must not be the same arrays.

    One of each pair is in the arguments. Of other places the walk has told which are the same.
    """
    arrays = [i for i in trace.slots if isinstance(trace.places[i].value, np.ndarray)]
    written = [e[1] for e in trace.effects if e[0] == "write" and e[1] in arrays]
    given = [i for i in arrays if in_arguments(trace, i)]
    pairs = [(i, j) for i in written for j in (arrays if i in given else given) if i != j]
    return sorted({(min(pair), max(pair)) for pair in pairs})


def bindable(trace: Trace, earlier: Trace) -> dict[int, Any]:
    """The slots whose arrays stay the same from step to step, and are no arguments."""
    assigned = {(e[1], e[3]) for e in trace.effects if e[0] == "set"}
    bound: dict[int, Any] = {}
    for k, i in enumerate(trace.slots):
        place = trace.places[i]
        x = place.value
        if x is not earlier.places[i].value or not isinstance(x, np.ndarray) or not usable(x):
            continue
        free = i in trace.unread or in_arguments(trace, i)
        if not free and (place.parent, place.key) not in assigned:
            bound[k] = x
    return bound


def in_arguments(trace: Trace, i: int) -> bool:
    """Whether a place belongs to the arguments of the call."""
    while trace.places[i].parent >= 0:
        i = trace.places[i].parent
    return i in (1, 2)


def in_state(trace: Trace, i: int) -> bool:
    """Whether a place has an array that the step looks at, and that is no argument."""
    value = trace.places[i].value
    return isinstance(value, np.ndarray) and i not in trace.unread and not in_arguments(trace, i)


def usable(x: Any) -> bool:
    """Whether an executor can use an array where it is."""
    return bool(x.flags.c_contiguous and x.flags.aligned and x.dtype.isnative)


def confirmed(trace: Trace, earlier: Trace, kind: type[Executor], replaced: set[int]) -> Path:
    """The path of two traces of the same key.

    Raises:
        CompileError: They differ, so that neither can stand for other calls.
    """
    difference = trace.difference(earlier)
    if difference:
        raise CompileError(difference)
    return Path(trace, earlier, kind, replaced)
