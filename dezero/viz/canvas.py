"""A layout by Graphviz, painted with matplotlib.

In Graphviz's json format every node and arrow carries the drawing operations that would paint
it (the letters and operands of xdot, https://graphviz.org/docs/outputs/canon/), in points, the
origin at the bottom left. Following them is all that a bitmap needs.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Ellipse, Patch, PathPatch
from matplotlib.path import Path

from .figures import encoded, figure, font_families

POINTS_PER_INCH = 72
FONT_SCALE = 0.87  # Graphviz measures Helvetica; matplotlib's DejaVu Sans is that much wider
PEN_WIDTH = 0.8  # points
MAX_PIXELS = 30e6  # of a .png: graphs of hundreds of nodes get coarser instead of unwieldy
PASSES = ("_draw_", "_hdraw_", "_tdraw_", "_ldraw_")  # shape, arrow heads and tails, label


def painted(layout: dict[str, Any], format: str, dpi: float) -> bytes:
    """The picture of a layout: a .png with at most `dpi` dots an inch, or a .pdf."""
    left, bottom, right, top = (float(edge) for edge in layout["bb"].split(","))
    pad = POINTS_PER_INCH * float(layout["pad"])  # inches
    width, height = right - left + 2 * pad, top - bottom + 2 * pad
    fig = figure(width / POINTS_PER_INCH, height / POINTS_PER_INCH)
    axes = fig.add_axes((0, 0, 1, 1), frameon=False)
    axes.set(xlim=(left - pad, right + pad), ylim=(bottom - pad, top + pad), xticks=[], yticks=[])
    brush = _Brush(axes)
    for operation in _operations(layout):
        brush.follow(operation)
    inches = fig.get_figwidth() * fig.get_figheight()
    return encoded(fig, format, min(dpi, sqrt(MAX_PIXELS / inches)))


def _operations(layout: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every drawing operation: frames and nodes as they are listed, then arrows."""
    for part in [layout, *layout.get("objects", []), *layout.get("edges", [])]:
        for name in PASSES:
            yield from part.get(name, [])


class _Brush:
    """Follows drawing operations; remembers colours, line style and font size."""

    def __init__(self, axes: Axes) -> None:
        self.axes = axes
        self.families = font_families()
        self.line, self.fill = "#000000", "#ffffff"
        self.style = "solid"
        self.font_size = 0.0
        self.painted = 0

    def follow(self, operation: dict[str, Any]) -> None:
        """Change the state, or paint."""
        match operation:
            case {"op": "c", "color": color}:
                self.line, self.style = color, "solid"
            case {"op": "C", "color": color}:
                self.fill = color
            case {"op": "S", "style": "solid" | "dashed" | "dotted" as style}:
                self.style = style
            case {"op": "F", "size": size}:
                self.font_size = size
            case {"op": "E" | "e" as op, "rect": (x, y, rx, ry)}:
                self.add(Ellipse((x, y), 2 * rx, 2 * ry), filled=op == "E")
            case {"op": "P" | "p" as op, "points": points}:
                self.add(PathPatch(Path([*points, points[0]], closed=True)), filled=op == "P")
            case {"op": "B" | "b" as op, "points": points}:
                codes = [Path.MOVETO] + [Path.CURVE4] * (len(points) - 1)
                self.add(PathPatch(Path(points, codes)), filled=op == "B")
            case {"op": "T", "pt": point, "text": text}:
                self.write(text, point)

    def add(self, patch: Patch, filled: bool) -> None:
        """A shape above everything painted so far."""
        self.painted += 1
        patch.set(
            facecolor=self.fill if filled else "none",
            edgecolor=self.line,
            linestyle=self.style,
            linewidth=PEN_WIDTH,
            zorder=self.painted,
        )
        self.axes.add_patch(patch)

    def write(self, text: str, point: list[float]) -> None:
        """A line of text, centred on a point of its baseline."""
        self.painted += 1
        self.axes.text(
            point[0],
            point[1],
            text,
            color=self.line,
            size=self.font_size * FONT_SCALE,
            family=self.families,
            horizontalalignment="center",
            parse_math=False,
            zorder=self.painted,
        )
