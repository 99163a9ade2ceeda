"""Learning curves: how the losses and metrics went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from os import PathLike
from typing import TYPE_CHECKING

from ..errors import ShapeError
from .pictures import Picture, file_format

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Curves = Mapping[str, Sequence[float]]


def plot_curves(
    epochs: Sequence[float],
    panels: Mapping[str, Curves],
    title: str = "",
    to_file: str | PathLike[str] = "curves.png",
) -> Picture:
    """Draw learning curves over the epochs, the panels side by side.

    Args:
        epochs: Where the values were measured, in epochs; M numbers.
        panels: For each panel, under its axis label with the unit ("loss [nats]"), the curves:
            for each name ("train", "test") M values.
        title: Stands above the panels.
        to_file: Where to write; .png, .svg or .pdf says in which format. What is there is
            replaced in one step.

    Returns:
        The picture, which Jupyter shows.

    Raises:
        ShapeError: A curve has not as many values as there are epochs, or the file name has
            another ending.
        OSError: The file cannot be written.

    >>> import tempfile
    >>> losses = {"train": [1.5, 0.7, 0.4], "test": [1.2, 0.8, 0.6]}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     plot_curves([1, 2, 3], {"loss [nats]": losses}, to_file=f"{folder}/curves.svg").format
    'svg'
    """
    format = file_format("plot_curves", to_file)
    for label, curves in panels.items():
        for name, values in curves.items():
            if len(values) != len(epochs):
                raise ShapeError(
                    f"plot_curves: {name} of {label!r} has {len(values)} values for "
                    f"{len(epochs)} epochs: give one for each"
                )
    from .figures import encoded, figure

    fig = figure(4.8 * len(panels), 3.6)
    fig.suptitle(title)
    for i, (label, curves) in enumerate(panels.items()):
        axes = fig.add_subplot(1, len(panels), i + 1)
        axes.set(xlabel="epoch", ylabel=label)
        _draw(axes, epochs, curves)
    fig.tight_layout()
    return Picture.written(to_file, format, encoded(fig, format))


def _draw(axes: Axes, epochs: Sequence[float], curves: Curves) -> None:
    """The curves of one panel, told apart by colour, line style and marker."""
    from matplotlib.ticker import MaxNLocator

    from .figures import BLUE, GREEN, GREY, VERMILION

    looks = zip((BLUE, VERMILION, GREEN, GREY), ("-", "--", "-.", ":"), "osD^", strict=True)
    for (name, values), (color, line, marker) in zip(curves.items(), cycle(looks), strict=False):
        axes.plot(epochs, values, line, color=color, marker=marker, markersize=3.5, label=name)
    axes.set_xlim(0, max(1, 1.02 * max(epochs, default=1)))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(color="0.9")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
