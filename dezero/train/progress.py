"""How a training run shows its progress: a live bar, plain lines, or nothing."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from time import perf_counter
from typing import TYPE_CHECKING, Protocol

from .history import Epoch

if TYPE_CHECKING:
    from rich.console import Console

REFRESH = 0.1  # seconds between two states of the bar


class Progress(Protocol):
    """What `fit` tells while it runs."""

    def begin(self, epochs: int, batches: int) -> None:
        """A run of so many epochs of so many batches begins."""

    def step(self, epoch: Epoch) -> None:
        """A batch was learned; `epoch` is the running epoch so far."""

    def epoch(self, epoch: Epoch) -> None:
        """An epoch, or the part of it before Ctrl-C, is over and evaluated."""

    def end(self) -> None:
        """The run is over, whatever the reason."""


class Silent:
    """Shows nothing."""

    def begin(self, epochs: int, batches: int) -> None:
        """Show nothing."""

    def step(self, epoch: Epoch) -> None:
        """Show nothing."""

    def epoch(self, epoch: Epoch) -> None:
        """Show nothing."""

    def end(self) -> None:
        """Show nothing."""


class Lines(Silent):
    """Prints a line after each epoch, for files and pipes.

    Args:
        unit: What the examples are.
    """

    def __init__(self, unit: str = "examples") -> None:
        self.unit = unit

    def begin(self, epochs: int, batches: int) -> None:
        """Remember the number of epochs and the time."""
        self.epochs = epochs
        self.began = perf_counter()

    def epoch(self, epoch: Epoch) -> None:
        """Print what the epoch measured, the speed and the time left."""
        left = (perf_counter() - self.began) * (self.epochs - epoch.number) / epoch.number
        parts = [
            f"epoch {epoch.number:{len(str(self.epochs))}.3g}/{self.epochs}",
            shown(epoch.train),
            *([f"test {shown(epoch.test)}"] if epoch.test else []),
            f"{epoch.examples / epoch.seconds:,.0f} {self.unit}/s",
            f"{left:.0f} s left",
        ]
        print(" | ".join(parts), flush=True)


class Bar(Silent):
    """A live bar on a terminal, with loss, metrics, speed and the time left.

    Args:
        unit: What the examples are.
        console: The terminal; by default the standard output.
    """

    def __init__(self, unit: str = "examples", console: Console | None = None) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self.unit = unit
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[measured]}"),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
            console=console,
            expand=True,
        )

    def begin(self, epochs: int, batches: int) -> None:
        """Show the empty bar."""
        self.epochs = epochs
        self.drawn = 0.0
        self.task = self.bar.add_task(f"epoch 0/{epochs}", total=epochs, measured="")
        self.bar.start()

    def step(self, epoch: Epoch) -> None:
        """Move the bar, at most every REFRESH seconds."""
        if perf_counter() - self.drawn > REFRESH:
            self._show(epoch)

    def epoch(self, epoch: Epoch) -> None:
        """Move the bar to the end of the epoch."""
        self._show(epoch)

    def end(self) -> None:
        """Leave the bar as it is."""
        self.bar.stop()

    def _show(self, epoch: Epoch) -> None:
        """Move the bar."""
        self.drawn = perf_counter()
        speed = f"{epoch.examples / epoch.seconds:,.0f} {self.unit}/s"
        self.bar.update(
            self.task,
            completed=epoch.number,
            description=f"epoch {-(-epoch.number // 1):.0f}/{self.epochs}",
            measured=f"{shown(epoch.train)}  {speed}",
        )


def progress_on(unit: str = "examples") -> Progress:
    """A Bar where the standard output is a terminal, else Lines.

    Args:
        unit: What the examples are.
    """
    if not sys.stdout.isatty():
        return Lines(unit)
    from rich.console import Console

    console = Console()
    if not console.is_interactive:
        return Lines(unit)
    console.width -= 3  # room for the ^C that a terminal writes, so that the bar stays one line
    return Bar(unit, console)


def shown(metrics: Mapping[str, float]) -> str:
    """Metrics as text: accuracies in percent, all else as it is.

    >>> shown({"loss": 0.12345, "accuracy": 0.975})
    'loss 0.1235  accuracy 97.5 %'
    """
    return "  ".join(
        f"{name} {100 * value:.1f} %" if name == "accuracy" else f"{name} {value:.4f}"
        for name, value in metrics.items()
    )
