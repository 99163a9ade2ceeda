"""Pictures of compiled steps: the graphs say what was computed, and every format can be drawn."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import dezero
import dezero.functions as F
from dezero.compiler import CompileError, Step
from dezero.errors import DTypeError, ShapeError
from dezero.models import MLP
from dezero.optimizers import Adam
from dezero.viz import plot_kernels, plot_memory, plot_tape
from tests.viz.test_graph import Graph, read

pytest.importorskip("wasmtime")
MAGIC = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF", "dot": b"digraph"}
PLOTS = pytest.mark.parametrize("plot", [plot_tape, plot_kernels, plot_memory])


@pytest.fixture(scope="module")
def short() -> Step:
    """Two products, and what follows them."""

    def predict(x, W, V):
        h = F.relu(F.matmul(x, W))
        return F.softmax(F.matmul(h, V))

    step = dezero.compile(predict)
    for _ in range(3):
        step(np.ones((4, 3)), np.ones((3, 5)), np.ones((5, 2)))
    step.wait()
    return step


@pytest.fixture(scope="module")
def long() -> Step:
    """A training step of more operations than a graph shows."""
    model = MLP((6, 5, 4))
    rule = Adam().setup(model)

    def step(x, t):
        loss = F.softmax_cross_entropy(model(x), t)
        model.cleargrads()
        loss.backward()
        rule.update()
        return loss

    step = dezero.compile(step)
    for _ in range(3):
        step(np.ones((2, 3)), np.arange(2))
    step.wait()
    return step


def drawn(plot, step: Step, folder: Path) -> Graph:
    """The graph of a picture, its operations without their numbers, shapes and dtypes."""
    graph = read(plot(step, folder / "graph.dot")._data.decode())
    name = {node: re.sub(r"^%\d+ |\n.*", "", label) for node, label in graph.labels.items()}
    return replace(graph, labels=name)


def test_the_tape_as_a_graph(short: Step, tmp_path: Path) -> None:
    graph = drawn(plot_tape, short, tmp_path)
    assert graph.links() == [
        ("V", "matmul"),
        ("W", "matmul"),
        ("add", "divide"),
        ("divide", "result"),
        ("exp", "add"),
        ("exp", "divide"),
        ("matmul", "maximum"),
        ("matmul", "maximum(·, 0)"),
        ("matmul", "subtract"),
        ("maximum", "subtract"),
        ("maximum(·, 0)", "matmul"),
        ("subtract", "exp"),
        ("x", "matmul"),
    ]
    lines = {x.line for x in short.outline().tape if x.kind != "slot"}
    assert set(graph.frames) == lines
    assert len(lines) == 2


def test_kernels_are_frames_with_their_operations(short: Step, tmp_path: Path) -> None:
    outline = short.outline()
    frames = drawn(plot_kernels, short, tmp_path).frames
    assert list(frames) == [f"{k}: {kernel.kind}" for k, kernel in enumerate(outline.kernels)]
    inside = [{int(label[1:].split()[0]) for label in labels} for labels in frames.values()]
    assert inside == [set(kernel.members) for kernel in outline.kernels]


def test_colours_tell_what_it_is(short: Step, tmp_path: Path) -> None:
    graph = drawn(plot_kernels, short, tmp_path)
    colors = {label: graph.colors[node] for node, label in graph.labels.items()}
    assert colors["x"] == "orange"
    assert len({colors[name] for name in ("x", "matmul", "exp")}) == 3
    assert colors["exp"] == colors["divide"]


def test_many_operations_are_boxes_of_kernels(long: Step, tmp_path: Path) -> None:
    if not long.source():
        pytest.skip("there is no C compiler: NumPy computes one operation after the other")
    graph = read(plot_kernels(long, tmp_path / "graph.dot")._data.decode())
    kernels = long.outline().kernels
    assert len(graph.labels) == len(kernels) < 80
    for k, kernel in enumerate(kernels):
        assert graph.labels[f"k{k}"].startswith(f"{k}: {kernel.kind}, ")
    assert graph.edges
    assert all(int(a[1:]) < int(b[1:]) for a, b in graph.edges)
    texts = [" ".join(label.split()) for label in graph.labels.values()]
    for k in (0, 1, 2):
        (text,) = [text for text in texts if f"model.l{k}.W.data" in text and "updates" in text]
        assert f"rule.states['l{k}/W'][0]" in text
    assert sum("makes result" in text for text in texts) == 1


def test_many_operations_are_a_list(long: Step, tmp_path: Path) -> None:
    plot_tape(long, tmp_path / "tape.svg")
    text = (tmp_path / "tape.svg").read_text(encoding="utf-8")
    for operation in long.outline().tape:
        assert f"<!-- %{operation.id} -->" in text  # matplotlib's comment on each text
    assert plot_tape(long, tmp_path / "tape.dot")._data.startswith(b"digraph")


def test_results_have_their_labels_where_there_is_space(short: Step, tmp_path: Path) -> None:
    plot_memory(short, tmp_path / "memory.svg")
    text = (tmp_path / "memory.svg").read_text(encoding="utf-8")
    outline = short.outline()
    assert f"<!-- predict: {outline.arena:,} bytes of arena" in text
    product = outline.plan[outline.kernels[0].members[0]]
    assert f"<!-- %{product.id} matmul" in text


def test_a_step_with_nothing_in_its_arena(tmp_path: Path) -> None:
    step = dezero.compile(lambda x: x)
    for _ in range(3):
        step(np.ones(2))
    for plot in (plot_tape, plot_kernels, plot_memory):
        assert plot(step, tmp_path / "picture.svg").format == "svg"


@PLOTS
@pytest.mark.parametrize("format", MAGIC)
def test_every_format(plot, format: str, short: Step, tmp_path: Path) -> None:
    file = tmp_path / f"picture.{format}"
    if plot is plot_memory and format == "dot":
        with pytest.raises(ShapeError, match=r"plot_memory: to_file .* must end in \.png"):
            plot(short, file)
        return
    assert plot(short, file).path == file
    assert file.read_bytes().startswith(MAGIC[format])


@PLOTS
def test_pictures_are_opaque(plot, short: Step, tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    plot(short, tmp_path / "picture.png")
    with image.open(tmp_path / "picture.png") as picture:
        corner = picture.convert("RGBA").getpixel((0, 0))
    assert corner == (255, 255, 255, 255)


@PLOTS
def test_what_can_not_be_drawn_says_why(plot, short: Step, tmp_path: Path) -> None:
    name = plot.__name__
    with pytest.raises(DTypeError, match=f"{name}: step is <function .*, but must be compiled"):
        plot(lambda x: x, tmp_path / "picture.png")
    with pytest.raises(CompileError, match="call it three times or more"):
        plot(dezero.compile(np.tanh), tmp_path / "picture.png")
    with pytest.raises(CompileError, match="predict has no path 3: the last one is 0"):
        plot(short, tmp_path / "picture.png", path=3)
    with pytest.raises(ShapeError, match=r"to_file is .*picture.bmp', but must end in \.png"):
        plot(short, tmp_path / "picture.bmp")
    assert list(tmp_path.iterdir()) == []
