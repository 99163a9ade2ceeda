"""A tape as a list, in columns: what is too long for a graph."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from .compiled import FILLS, NEST
from .figures import encoded, figure, font_families

ROWS = 64  # in a column
LINE, COLUMN, HEAD = 0.16, 3.9, 0.45  # inches: a row's height, a column's width, the title's height
SIZE = 7.0  # points
WIDEST = 60  # letters of a row


def listed(outline: Any, format: str) -> bytes:
    """The picture of a tape, an operation a row; its colour is that of its kind."""
    columns = -(-len(outline.tape) // ROWS)
    fig = figure(columns * COLUMN, min(len(outline.tape), ROWS) * LINE + HEAD)
    axes = fig.add_axes((0, 0, 1, 1), frameon=False)
    width, height = fig.get_size_inches()
    axes.set(xlim=(0, width), ylim=(height, 0), xticks=[], yticks=[])
    title = f"{outline.name}: {len(outline.tape)} operations"
    axes.text(0.1, HEAD / 2, title, size=11, va="center", family=font_families())
    for k, operation in enumerate(outline.tape):
        column, row = divmod(k, ROWS)
        _row(axes, operation, column * COLUMN + 0.08, HEAD + row * LINE)
    return encoded(fig, format)


def _row(axes: Axes, operation: Any, left: float, top: float) -> None:
    """One operation: number, name, what it reads, and what it makes."""
    color = FILLS.get(operation.kind, NEST)
    axes.add_patch(Rectangle((left, top), COLUMN - 0.16, LINE - 0.02, color=color, linewidth=0))
    read = ", ".join([f"%{j}" for j in operation.ins])
    name = f"{operation.name}({read})" if read else operation.name
    made = f"{operation.shape} {operation.dtype}"
    space = WIDEST - len(made) - 6
    name = name if len(name) <= space else f"{name[: space - 1]}…"
    style: dict[str, Any] = {"size": SIZE, "va": "center", "parse_math": False}
    middle = top + LINE / 2 - 0.01
    axes.text(left + 0.42, middle, f"%{operation.id}", ha="right", **style)
    axes.text(left + 0.5, middle, name, family=font_families(), **style)
    axes.text(left + COLUMN - 0.2, middle, made, ha="right", **style)
