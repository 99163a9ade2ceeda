"""The tables count right."""

import io

import numpy as np
from rich.console import Console
from rich.table import Table

from dezero.cli.report import class_table, result_table


def rows(table: Table) -> list[list[str]]:
    """The cells that are printed."""
    screen = io.StringIO()
    Console(file=screen, width=120).print(table)
    return [line.split() for line in screen.getvalue().splitlines() if line.split()]


def test_results() -> None:
    measured = {"test": (1000, {"loss": 0.25, "accuracy": 0.982})}
    assert rows(result_table("Digits", measured))[-1] == [
        "test", "1,000", "0.2500", "98.20", "%", "18",
    ]  # fmt: skip


def test_classes() -> None:
    true = np.array([0, 0, 0, 0, 1, 1])
    taken = np.array([0, 1, 1, 2, 1, 1])
    table = rows(class_table("By class", taken, true, {0: "[a]", 1: "b", 2: "c"}))
    assert table[-3:] == [
        ["[a]", "4", "25.0", "%", "3", "b", "(2),", "c", "(1)"],
        ["b", "2", "100.0", "%", "0"],
        ["c", "0", "0"],
    ]
