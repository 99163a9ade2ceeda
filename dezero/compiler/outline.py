"""The outline: what a path of a compiled step is made of, as plain data to look at or to draw."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from inspect import signature
from itertools import pairwise
from typing import Any

from ..errors import CompileError
from .path import Path
from .planning.fuse import Nest
from .planning.layout import node_bytes
from .planning.memory import last_reads
from .planning.plan import kept_roots
from .planning.simplify import Scale, scale
from .state.effects import Recipe
from .state.places import label as child
from .trace import Trace
from .tracing.tape import Node


@dataclass(frozen=True)
class Operation:
    """A node of the tape, or of the plan that was made of it.

    Attributes:
        id: Its number on the tape.
        kind: As in the table of `tracing.tape.Node`: "slot", "const", "ufunc", "view", ...
        name: "exp" or "reshape"; of a slot where its array is ("model.l0.W.data"), of a constant
            that is one number the number, else nothing.
        ins: The numbers of what it reads.
        shape: Of its result.
        dtype: Of its result.
        line: The line of the program that it came from.
    """

    id: int
    kind: str
    name: str
    ins: tuple[int, ...]
    shape: tuple[int, ...]
    dtype: str
    line: str


@dataclass(frozen=True)
class Kernel:
    """What is computed together.

    Attributes:
        kind: "loop nest", "matrix product", or the name of what is called.
        members: The numbers of the operations, in order.
    """

    kind: str
    members: tuple[int, ...]


@dataclass(frozen=True)
class Buffer:
    """A stretch of the arena, while it holds one result.

    Attributes:
        operation: The number of the operation whose result it is; -1 for scratch memory.
        start: Its first byte.
        size: Bytes.
        begin: The number of the kernel that fills it.
        end: The number of the last kernel that reads it; that of kernels if it stays to the end.
        over: The number of the operation whose place the result takes, or -1.
    """

    operation: int
    start: int
    size: int
    begin: int
    end: int
    over: int = -1


@dataclass(frozen=True)
class Outline:
    """A path of a compiled step.

    Attributes:
        name: Of the function.
        tape: What the traced run computed, in order.
        results: What leaves the step: a name ("result", "model.l0.W.data") and the operation.
        plan: What is computed of it, by number; factors, copies and views may be others.
        kernels: In the order in which they run.
        buffers: What lies in the arena.
        arena: Its bytes.
        elsewhere: Results that are written over the state or into arrays of the program.
    """

    name: str
    tape: list[Operation]
    results: list[tuple[str, int]]
    plan: dict[int, Operation]
    kernels: list[Kernel]
    buffers: list[Buffer]
    arena: int
    elsewhere: int


def outline(step: Any, path: int) -> Outline:
    """The outline of a compiled path of a step.

    Raises:
        CompileError: There is no such path.
    """
    name = getattr(step.function, "__name__", type(step.function).__name__)
    if step.refused is not None:
        raise CompileError(f"{name} has no compiled path, it runs eagerly: {step.refused}")
    paths = step.all_paths()
    if not paths:
        raise CompileError(f"{name} has no compiled path yet: call it three times or more")
    if path not in range(len(paths)):
        raise CompileError(f"{name} has no path {path}: the last one is {len(paths) - 1}")
    return outlined(name, paths[path], parameters(step.function))


def parameters(function: Any) -> list[str]:
    """The names that a function gives to its arguments; none where they can't be had."""
    try:
        found = signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p.name for p in found if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]


def outlined(name: str, path: Path, parameters: list[str]) -> Outline:
    """The outline of a path; `parameters` are the names of the function's."""
    schedule = path.executor.schedule
    nodes, memory = schedule.fusion.nodes, schedule.memory
    labels = [place.label for place in path.trace.places]
    for k, parameter in enumerate(parameters):
        labels = [re.sub(rf"^args\[{k}\]", parameter, label) for label in labels]
    slots = [labels[i] for i in path.trace.slots]
    for entry, _ in path.trace.tape.scalars:
        op, operands = path.trace.tape.numbers[entry]
        slots.append(labels[operands[0]] if op == "place" else op)
    return Outline(
        name,
        [operation(node, slots) for node in path.trace.tape.nodes],
        results(path.trace, labels),
        {i: operation(nodes[i], slots) for i in schedule.fusion.layout.order},
        [Kernel(kind(nest, nodes), tuple(nest.members)) for nest in schedule.nests],
        buffers(path),
        memory.arena,
        sum(owner not in memory.offsets for owner in memory.owners.values()),
    )


def operation(node: Node, slots: list[str]) -> Operation:
    """A node, without what only the compiler needs of it; `slots` are named."""
    name = node.op
    if node.kind == "slot":
        name = slots[node.attr]
    elif node.kind == "const":
        name = number(node.attr) if node.attr.size == 1 else ""
    elif node.kind == "view":
        name = node.attr.name
    elif node.kind == "matmul" and scale(node) != Scale():
        name = f"{scale(node).alpha:.6g} matmul"
    elif not name:
        name = node.kind
    return Operation(node.id, node.kind, name, node.ins, node.shape, str(node.dtype), node.line)


def number(array: Any) -> str:
    """The text of an array of one element."""
    return f"{array.item():.6g}" if array.dtype.kind in "iufc" else str(array.item())


def results(trace: Trace, labels: list[str]) -> list[tuple[str, int]]:
    """What leaves a step, each under its name; `labels` are those of the places."""
    names = dict.fromkeys(range(len(trace.outputs)), "result")
    for effect in trace.effects:
        label = labels[effect[1]]
        if effect[0] == "write":
            names[effect[2]] = label
        elif effect[0] == "set":
            names.update(dict.fromkeys(outputs(effect[-1]), child(label, *effect[2:4])))
        elif effect[0] == "list":
            names.update(dict.fromkeys(outputs(effect[2]), label))
    return [(name, trace.outputs[k]) for k, name in names.items()]


def outputs(recipe: Recipe) -> list[int]:
    """The numbers of the outputs that a recipe names."""
    if recipe and recipe[0] in ("array", "scalar"):
        return [recipe[1]]
    return [k for part in recipe if isinstance(part, tuple) for k in outputs(part)]


def kind(nest: Nest, nodes: list[Node]) -> str:
    """What a kernel is."""
    node = nodes[nest.members[0]]
    if nest.loop:
        return "loop nest"
    return "matrix product" if node.kind == "matmul" else node.op or node.kind


def buffers(path: Path) -> list[Buffer]:
    """What lies in the arena of a path, and when.

    An array that is filled part by part is there from its first part to the last reading of any.
    """
    schedule = path.executor.schedule
    memory, nodes = schedule.memory, schedule.fusion.nodes
    last = last_reads(schedule.fusion, schedule.nests, kept_roots(path.trace, schedule))
    begins = {i: k for k, nest in enumerate(schedule.nests) for i in nest.members}
    found = []
    for owner in memory.offsets.keys() & set(memory.owners.values()):
        size = node_bytes(nodes[owner])
        users = sorted([i for i, j in memory.owners.items() if j == owner], key=begins.__getitem__)
        chain = [i for i in users if i not in schedule.fusion.layout.places]
        held = [Buffer(i, memory.offsets[owner], size, begins[i], last[i]) for i in chain]
        held[0] = replace(held[0], begin=begins[users[0]])
        held[-1] = replace(held[-1], end=max(last[i] for i in users))
        for k, (one, other) in enumerate(pairwise(held)):
            held[k + 1] = replace(other, over=one.operation)
        found += held
    for k, nest in enumerate(schedule.nests):
        if nest.index in memory.scratch:
            size = memory.scratch[nest.index]
            found.append(Buffer(-1, memory.offsets[-1 - nest.index], size, k, k))
    return sorted(found, key=lambda buffer: (buffer.begin, buffer.start))
