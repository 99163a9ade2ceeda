"""A grid of images with what a model takes them for."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ShapeError, described
from .pictures import Picture, file_format

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GAP = 0.16  # between two images, in widths of an image
TEXT = 0.52  # the height of what is written under an image, in its heights


def plot_predictions(
    images: ArrayLike,
    predictions: ArrayLike,
    labels: ArrayLike,
    names: Mapping[int, str] | None = None,
    title: str = "",
    to_file: str | PathLike[str] = "predictions.png",
    columns: int = 10,
) -> Picture:
    """Draw images with what they were taken for; mistakes are framed and say what is right.

    Args:
        images: `(N, H, W)` grey images of any dtype, drawn dark on light: the largest value is
            black.
        predictions: `(N,)` integers, the predicted classes.
        labels: `(N,)` integers, the true classes.
        names: What to call each class; by default its number.
        title: Stands above the grid.
        to_file: Where to write; .png, .svg or .pdf says in which format. What is there is
            replaced in one step.
        columns: How many images stand in a row.

    Returns:
        The picture, which Jupyter shows.

    Raises:
        ShapeError: The arguments differ in length, images is not `(N, H, W)`, or the file name
            has another ending.
        OSError: The file cannot be written.

    >>> import tempfile
    >>> from dezero.datasets import Digits
    >>> digits = Digits(train=False)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = f"{folder}/digits.png"
    ...     plot_predictions(digits.images[:2], [0, 1], digits.label[:2], to_file=file).format
    'png'
    """
    format = file_format("plot_predictions", to_file)
    images, predictions, labels = map(np.asarray, (images, predictions, labels))
    if images.ndim != 3 or not len(images) == len(predictions) == len(labels):
        raise ShapeError(
            f"plot_predictions: images is {described(images)}, predictions "
            f"{described(predictions)}, labels {described(labels)}: expected (N, H, W), (N,), (N,)"
        )
    from .figures import encoded, figure

    rows = -(-len(images) // columns)
    width, height = columns * (1 + GAP) + GAP, rows * (1 + TEXT)
    inches = 0.78
    fig = figure(width * inches, (height + 0.7) * inches)
    axes = fig.add_axes((0, 0, 1, height / (height + 0.7)), frameon=False)
    axes.set(xlim=(0, width), ylim=(height, 0), xticks=[], yticks=[], aspect="equal")
    fig.suptitle(title, y=0.985, va="top", fontsize=11)
    for i, (image, taken, true) in enumerate(zip(images, predictions, labels, strict=True)):
        row, column = divmod(i, columns)
        left, top = GAP + column * (1 + GAP), row * (1 + TEXT)
        axes.imshow(image, cmap="gray_r", extent=(left, left + 1, top + 1, top), vmin=0)
        called = [names[int(k)] if names else str(k) for k in (taken, true)]
        _caption(axes, left, top, *called)
    axes.set(xlim=(0, width), ylim=(height, 0))
    return Picture.written(to_file, format, encoded(fig, format))


def _caption(axes: Axes, left: float, top: float, taken: str, true: str) -> None:
    """The class under an image; a mistake is framed, and its true class stands below."""
    from matplotlib.patches import Rectangle

    from .figures import VERMILION

    wrong = taken != true
    axes.text(
        left + 0.5,
        top + 1.05,
        f"× {taken}\nis {true}" if wrong else taken,
        color=VERMILION if wrong else "0.25",
        weight="bold" if wrong else "normal",
        size=8,
        horizontalalignment="center",
        verticalalignment="top",
    )
    if wrong:
        frame = Rectangle((left, top), 1, 1, fill=False, edgecolor=VERMILION, linewidth=2)
        axes.add_patch(frame)
