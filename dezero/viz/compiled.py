"""What a compiled step is made of: its tape and its kernels as graphs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import prod
from os import PathLike
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import DTypeError, described
from .graph import CONSTANT, FUNCTION, LAYER_STYLE, VARIABLE, empty_digraph, text
from .pictures import Picture, file_format
from .rendering import rendered

if TYPE_CHECKING:
    from graphviz import Digraph

DETAILED = 80  # operations, up to which each is a node of a graph
NEST, PRODUCT, CALLED, GREY = "lightblue", "#c5e6b8", "#f3d9b1", "#e5e5e5"
FILLS = {"slot": "orange", "const": GREY, "view": GREY, "matmul": PRODUCT}
FILLS |= dict.fromkeys(("call", "set", "at"), CALLED)
VIEW = {**CONSTANT, "shape": "box", "style": "filled,rounded"}
FRAME = {**LAYER_STYLE, "style": "rounded,filled", "fillcolor": "gray97", "labeljust": "r"}
MARGIN = "0.12,0.05"  # inches: readers' fonts may be wider than Graphviz thinks
WIDTH = 44  # letters in a line of a kernel's box


class Compiled(Protocol):
    """What `dezero.compile` gives."""

    def outline(self, path: int = 0) -> Any:
        """What a path is made of."""


def outline_of(caller: str, step: Compiled, path: int) -> Any:
    """The outline of a compiled step; of anything else an error."""
    if not hasattr(step, "outline"):
        raise DTypeError(
            f"{caller}: step is {described(step)}, but must be compiled: dezero.compile(function)"
        )
    return step.outline(path)


def color(kind: str) -> str:
    """The colour of a kind of kernels."""
    return {"loop nest": NEST, "matrix product": PRODUCT}.get(kind, CALLED)


def plot_tape(
    step: Compiled, to_file: str | PathLike[str] = "tape.png", *, path: int = 0
) -> Picture:
    """Draw what a compiled step computes, as the traced run has written it on the tape.

    Operations are boxes with their number on the tape, framed by the line of the program that
    they came from: elementwise ones and sums light blue, matrix products green, others light
    brown, views grey. Arrays that come from outside and results are orange ellipses; numbers
    stand where they are read. More than 80 operations are drawn as a list instead, with the
    numbers of what each reads.

    Args:
        step: From `dezero.compile`, called three times or more.
        to_file: Where to write; .png, .svg, .pdf or .dot (always a graph) says in which format.
            What is there is replaced in one step.
        path: Which of its ways through the function; its number in the report.

    Returns:
        The picture, which Jupyter shows.

    Raises:
        DTypeError: The step is none.
        CompileError: There is no such path (yet).
        ShapeError: The file name has another ending.
        MissingDependencyError: Graphviz is not there, in any form.
        OSError: The file cannot be written.

    >>> import dezero, numpy as np, tempfile
    >>> step = dezero.compile(lambda x: np.tanh(x) * 2, executor="numpy")
    >>> for _ in range(3):
    ...     y = step(np.ones(3))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     plot_tape(step, f"{folder}/tape.svg").format
    'svg'
    """
    format = file_format("plot_tape", to_file, "dot")
    outline = outline_of("plot_tape", step, path)
    computed = [x for x in outline.tape if x.kind not in ("slot", "const")]
    if len(computed) > DETAILED and format != "dot":
        from .listing import listed

        return Picture.written(to_file, format, listed(outline, format))
    frames: dict[str, list[int]] = {}
    for operation in computed:
        frames.setdefault(operation.line, []).append(operation.id)
    graph = _framed({x.id: x for x in outline.tape}, list(frames.items()), outline.results)
    return Picture.written(to_file, format, rendered(graph, format))


def plot_kernels(
    step: Compiled, to_file: str | PathLike[str] = "kernels.png", *, path: int = 0
) -> Picture:
    """Draw which operations of a compiled step are computed together.

    The frames are its kernels, in the order in which they run: their numbers are those in the
    comments of the C, and the numbers and colours of operations are those of `plot_tape`. Of more
    than 80 operations only the kernels are drawn, each as a box that says what it computes.

    Args:
        step: From `dezero.compile`, called three times or more.
        to_file: Where to write; .png, .svg, .pdf or .dot says in which format. What is there
            is replaced in one step.
        path: Which of its ways through the function; its number in the report.

    Returns:
        The picture, which Jupyter shows.

    Raises:
        DTypeError: The step is none.
        CompileError: There is no such path (yet).
        ShapeError: The file name has another ending.
        MissingDependencyError: Graphviz is not there, in any form.
        OSError: The file cannot be written.

    >>> import dezero, numpy as np, tempfile
    >>> step = dezero.compile(lambda x: np.tanh(x) * 2, executor="numpy")
    >>> for _ in range(3):
    ...     y = step(np.ones(3))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     plot_kernels(step, f"{folder}/kernels.svg").format
    'svg'
    """
    format = file_format("plot_kernels", to_file, "dot")
    outline = outline_of("plot_kernels", step, path)
    if sum(len(kernel.members) for kernel in outline.kernels) > DETAILED:
        graph = _boxed(outline)
    else:
        frames = [(f"{k}: {x.kind}", x.members) for k, x in enumerate(outline.kernels)]
        graph = _framed(outline.plan, frames, outline.results)
    return Picture.written(to_file, format, rendered(graph, format))


def _framed(
    operations: dict[int, Any],
    frames: Sequence[tuple[str, Sequence[int]]],
    results: list[tuple[str, int]],
) -> Digraph:
    """Every operation, those of a frame together; the arrows are what they read."""
    graph = empty_digraph()
    graph.graph_attr["rankdir"] = "LR"  # from above, arrows would cross the titles
    graph.node_attr["margin"] = MARGIN
    numbers = {i: x.name for i, x in operations.items() if x.kind == "const" and x.name}
    shown = {j for x in operations.values() for j in x.ins} | {i for _, i in results}
    shown -= numbers.keys() - {i for _, i in results}
    for k, (title, members) in enumerate(frames):
        shown -= set(members)
        with graph.subgraph(name=f"cluster_{k}") as frame:
            frame.attr(label=text(title), **FRAME)
            for i in members:
                frame.node(f"n{i}", text(_label(operations[i], numbers)), **_look(operations[i]))
    for i in sorted(shown):
        graph.node(f"n{i}", text(_label(operations[i], numbers)), **_look(operations[i]))
    for i, operation in operations.items():
        for j in operation.ins:
            if j not in numbers:
                graph.edge(f"n{j}", f"n{i}")
    for k, (name, i) in enumerate(results):
        graph.node(f"r{k}", text(name), **VARIABLE)
        graph.edge(f"n{i}", f"r{k}")
    return graph


def _look(operation: Any) -> dict[str, str]:
    """How the node of an operation looks."""
    shape = {"slot": VARIABLE, "const": CONSTANT, "view": VIEW}.get(operation.kind, FUNCTION)
    return {**shape, "fillcolor": FILLS.get(operation.kind, NEST)}


def _label(operation: Any, numbers: dict[int, str]) -> str:
    """What stands in the node of an operation: its number and name, and what it makes."""
    made = f"{operation.shape} {operation.dtype}"
    if operation.kind in ("slot", "const"):
        return f"{operation.name}\n{made}".strip()
    name = operation.name
    if any(j in numbers for j in operation.ins):
        name += f"({', '.join([numbers.get(j, '·') for j in operation.ins])})"
    return f"%{operation.id} {name}\n{made}"


def _boxed(outline: Any) -> Digraph:
    """Every kernel as one box that says what it computes; arrows are results that are read."""
    graph = empty_digraph()
    graph.node_attr["margin"] = MARGIN
    plan = outline.plan
    home = {i: k for k, kernel in enumerate(outline.kernels) for i in kernel.members}
    made: dict[int, list[str]] = {}
    for name, i in outline.results:
        made.setdefault(_source(plan, i), []).append(name)
    for k, kernel in enumerate(outline.kernels):
        sources = dict.fromkeys([_source(plan, j) for i in kernel.members for j in plan[i].ins])
        reads = [plan[j].name for j in sources if plan[j].kind == "slot"]
        makes = [name for i in kernel.members for name in made.get(i, ())]
        members = [plan[i] for i in kernel.members]
        label = _summary(f"{k}: {kernel.kind}", members, reads, makes)
        graph.node(f"k{k}", text(label), **{**FUNCTION, "fillcolor": color(kernel.kind)})
        for before in dict.fromkeys([home[j] for j in sources if j in home]):
            if before != k:
                graph.edge(f"k{before}", f"k{k}")
    return graph


def _source(plan: dict[int, Any], i: int) -> int:
    """The operation that an operation is a view of."""
    while plan[i].kind == "view":
        i = plan[i].ins[0]
    return i


def _summary(title: str, members: list[Any], reads: list[str], makes: list[str]) -> str:
    """The text of a kernel's box: operations, and what of the state it reads and makes."""
    nest = title.endswith("loop nest")  # other titles say it all
    largest = max(members, key=lambda x: prod(x.shape))
    counted = Counter([x.name for x in members]).items()
    updates = [name for name in reads if name in makes]
    parts = {
        "": [f"{n} {name}" if n > 1 else name for name, n in counted] if nest else [],
        "reads ": [name for name in reads if name not in updates],
        "updates ": updates,
        "makes ": [name for name in makes if name not in updates],
    }
    lines = [f"{title}, {largest.shape} {largest.dtype}"]
    for verb, names in parts.items():
        lines += wrap(verb + ", ".join(names), WIDTH) if names else []
    return "\n".join(lines)
