"""The memory of a compiled step: what lies where in its arena, and when."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, Any

from .compiled import CALLED, GREY, NEST, PRODUCT, Compiled, color, outline_of
from .pictures import Picture, file_format

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEW = 12  # kernels, up to which each says what it is
LETTER, LINE = 0.078, 0.15  # inches of text
HEADROOM = 1.02  # so that the topmost edge is seen
SCRATCH, EDGE = GREY, "0.25"
UNITS = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1, "bytes"))


def plot_memory(
    step: Compiled, to_file: str | PathLike[str] = "memory.png", *, path: int = 0
) -> Picture:
    """Draw what lies in the arena of a compiled step, and when.

    Every result that leaves its kernel is a rectangle: from left to right the kernels that run
    while it is there, upwards the bytes that it takes. One that is written over an operand of its
    kernel begins where that one ends, in the middle of the kernel, at a dotted line. Colours and
    numbers are those of `plot_kernels`.

    Args:
        step: From `dezero.compile`, called three times or more.
        to_file: Where to write; .png, .svg or .pdf says in which format. What is there is
            replaced in one step.
        path: Which of its ways through the function; its number in the report.

    Returns:
        The picture, which Jupyter shows.

    Raises:
        DTypeError: The step is none.
        CompileError: There is no such path (yet).
        ShapeError: The file name has another ending.
        OSError: The file cannot be written.

    >>> import dezero, numpy as np, tempfile
    >>> step = dezero.compile(lambda x: np.tanh(x) * 2, executor="numpy")
    >>> for _ in range(3):
    ...     y = step(np.ones(3))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     plot_memory(step, f"{folder}/memory.svg").format
    'svg'
    """
    format = file_format("plot_memory", to_file)
    outline = outline_of("plot_memory", step, path)
    from .figures import encoded, figure

    count = len(outline.kernels)
    fig = figure(min(18, max(7, 1.5 * count)), 4.2 + min(6, 0.1 * len(outline.buffers)))
    fig.set_layout_engine("constrained", w_pad=0.1, h_pad=0.1)
    axes = fig.add_subplot()
    scale, unit = next(u for u in UNITS if outline.arena >= u[0] or u[0] == 1)
    axes.set(xlim=(0, max(count, 1)), ylim=(0, HEADROOM * max(outline.arena, 1) / scale))
    axes.set(
        xlabel="kernels, in the order in which they run", ylabel=f"place in the arena [{unit}]"
    )
    outside = f"{outline.elsewhere} result{'s' * (outline.elsewhere != 1)}"
    axes.set_title(f"{outline.name}: {outline.arena:,} bytes of arena, {outside} outside of it")
    _ticks(axes, outline.kernels)
    fig.legend(handles=_key(outline), loc="outside lower center", ncols=5, frameon=False)
    fig.draw_without_rendering()  # only now the axes have their size
    inches = axes.get_window_extent().transformed(fig.dpi_scale_trans.inverted())
    taken = {buffer.over for buffer in outline.buffers} - {-1}
    for buffer in outline.buffers:
        box = _box(buffer, buffer.operation in taken, count, scale)
        space = box[2] / count * inches.width, box[3] / axes.get_ylim()[1] * inches.height
        _draw(axes, outline, buffer, box, space)
    return Picture.written(to_file, format, encoded(fig, format))


def _ticks(axes: Axes, kernels: list[Any]) -> None:
    """The kernels along the time: all of them with what they are, or a number here and there."""
    step = 1 if len(kernels) <= 2 * FEW else 5
    shown = range(0, len(kernels), step)
    kinds = [kernel.kind if len(kernels) <= FEW else "" for kernel in kernels]
    axes.set_xticks([k + 0.5 for k in shown], [f"{k}\n{kinds[k]}".strip() for k in shown])
    for k in range(1, len(kernels)):
        axes.axvline(k, color="0.9", linewidth=0.6, zorder=0)
    axes.spines[["top", "right"]].set_visible(False)


def _key(outline: Any) -> list[Any]:
    """What the colours and lines mean, as far as they occur."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    names = {NEST: "of a loop nest", PRODUCT: "of a matrix product", CALLED: "of another kernel"}
    names[SCRATCH] = "scratch memory"
    seen = {_fill(outline, buffer) for buffer in outline.buffers}
    key: list[Any] = [
        Patch(facecolor=fill, edgecolor=EDGE, label=name)
        for fill, name in names.items()
        if fill in seen
    ]
    if any(buffer.over >= 0 for buffer in outline.buffers):
        key.append(Line2D([], [], color=EDGE, linestyle=":", label="written over an operand"))
    return key


def _fill(outline: Any, buffer: Any) -> str:
    """The colour of a result: that of the kernel which makes it."""
    return SCRATCH if buffer.operation < 0 else color(outline.kernels[buffer.begin].kind)


def _box(buffer: Any, taken: bool, count: int, scale: float) -> tuple[float, float, float, float]:
    """Left edge, bottom, width and height of a result; it is handed on in the middle of a kernel.

    Args:
        buffer: The result.
        taken: Whether another result takes its place.
        count: Of kernels.
        scale: Bytes of a unit of height.
    """
    left = buffer.begin + (0.5 if buffer.over >= 0 else 0)
    right = min(buffer.end + (0.5 if taken else 1), count)
    return left, buffer.start / scale, right - left, buffer.size / scale


def _draw(
    axes: Axes,
    outline: Any,
    buffer: Any,
    box: tuple[float, float, float, float],
    space: tuple[float, float],
) -> None:
    """A result, with the best of its labels that fits into its space, in inches."""
    from matplotlib.patches import Rectangle

    left, bottom, width, height = box
    look: dict[str, Any] = {"facecolor": _fill(outline, buffer), "edgecolor": EDGE}
    axes.add_patch(Rectangle((left, bottom), width, height, linewidth=0.7, **look))
    if buffer.over >= 0:  # the edge becomes a dotted line
        axes.vlines(left, bottom, bottom + height, color=look["facecolor"], linewidth=1.4)
        axes.vlines(left, bottom, bottom + height, color=EDGE, linewidth=1, linestyle=":")
    for label in _labels(outline, buffer):
        lines = label.split("\n")
        if max(map(len, lines)) * LETTER <= space[0] and len(lines) * LINE <= space[1]:
            middle = left + width / 2, bottom + height / 2
            axes.text(*middle, label, size=8, ha="center", va="center", parse_math=False)
            return


def _labels(outline: Any, buffer: Any) -> list[str]:
    """What may stand in a rectangle, the best first."""
    if buffer.operation < 0:
        return ["scratch"]
    x = outline.plan[buffer.operation]
    name = f"%{x.id} {x.name}"
    return [f"{name}\n{x.shape} {x.dtype}", f"{name}\n{x.shape}", name, f"%{x.id}"]
