"""Tables of results for the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
from rich import box
from rich.markup import escape
from rich.table import Table


def result_table(title: str, measured: Mapping[str, tuple[int, Mapping[str, float]]]) -> Table:
    """Loss and accuracy, a row for each part of the data.

    Args:
        title: Stands above the table.
        measured: For each part its number of images and what was measured on them: "loss" in
            nats and "accuracy" in [0, 1].
    """
    table = _table(title, "images", "loss [nats]", "accuracy", "mistakes")
    for part, (images, values) in measured.items():
        right = round(values["accuracy"] * images)
        table.add_row(
            part,
            f"{images:,}",
            f"{values['loss']:.4f}",
            f"{100 * values['accuracy']:.2f} %",
            f"{images - right:,}",
        )
    return table


def class_table(title: str, taken: np.ndarray, true: np.ndarray, names: Mapping[int, str]) -> Table:
    """How many images of each class were recognised, and what the others were taken for.

    Args:
        title: Stands above the table.
        taken: `(N,)` integers, the predicted classes.
        true: `(N,)` integers, the true classes.
        names: What the classes are called.
    """
    table = _table(title, "images", "accuracy", "mistakes")
    table.add_column("most often taken for")
    for label, name in names.items():
        guesses = Counter(taken[true == label].tolist())
        images, right = guesses.total(), guesses.pop(label, 0)
        most = [f"{names[other]} ({count})" for other, count in guesses.most_common(2)]
        table.add_row(
            escape(name),
            f"{images:,}",
            f"{100 * right / images:.1f} %" if images else "",
            f"{images - right:,}",
            escape(", ".join(most)),
        )
    return table


def _table(title: str, *numbers: str) -> Table:
    """An empty table: a column of names, then columns of numbers."""
    table = Table(title=title, title_style="bold", title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("")
    for name in numbers:
        table.add_column(escape(name), justify="right")
    return table
