"""`python -m benchmarks.examples`: what compiling is worth in each example, for docs/gallery.md."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from datetime import date
from statistics import median
from typing import Annotated, Any

import typer

from dezero.datasets import FashionMNIST
from dezero.errors import DownloadError

from . import machine
from .columns import BY_NAME, ROOT, environment
from .results import Spread, spread
from .tables import digits, table, time_text

# The parts of each example's training, in their order: one for each step that it compiles.
EXAMPLES = {
    "rosenbrock": ("gradient descent", "Newton"),
    "linear_regression": ("",),
    "spiral": ("",),
    "mlp_digits": ("",),
    "fashion_mlp": ("",),
    "cnn_fashion": ("",),
    "grad_cam": ("",),
    "sine_rnn": ("RNN", "LSTM", "GRU"),
    "gpt": ("",),
    "vae": ("",),
    "gan": ("judge", "painter and critic"),
    "style_transfer": ("",),
}
MODES = ("eager", "compiled")
TURNS = 8  # of a part
SECONDS = 0.2  # that a turn takes
RUNS = 3  # of an example whose training is over before all turns have been taken
GALLERY = ROOT / "docs" / "gallery.md"
MARKS = ("<!-- speed -->\n", "<!-- /speed -->\n")

HOW = """\
Written by `python -m benchmarks.examples`: {date}, {CPU}, {Python}, NumPy {NumPy},
load before the run {load before the run}, {data}.

Two processes of one thread train an example, one as it is written, one compiled, in turns of
{seconds} s, at most {turns} of them: a large example's first steps. A step is the median of the
turns' medians; how many times faster is the median of the turns' ratios, in brackets their
quartiles. Compiling is what the first calls take, which trace the step and wait for the C
compiler: it has compiled nothing before, and shares the one core. After so many steps both
processes have taken the same time.
"""


@dataclass
class Part:
    """What was measured of one part of an example."""

    title: str
    times: dict[str, list[float]] = field(default_factory=lambda: {mode: [] for mode in MODES})
    ends: list[dict[str, Any]] = field(default_factory=list)  # of the compiled runs

    @property
    def ratio(self) -> Spread:
        """How many times faster a compiled step is."""
        eager, compiled = (self.times[mode] for mode in MODES)
        return spread([e / c for e, c in zip(eager, compiled, strict=False)])

    @property
    def steps(self) -> int:
        """The steps of the whole training."""
        return int(self.ends[0]["steps"])

    def step(self, mode: str) -> float:
        """The seconds of a step."""
        return median(self.times[mode])

    def compiling(self) -> float:
        """The seconds of the calls that are not yet at full speed."""
        return median(sum(end["learning"]) for end in self.ends)

    def even(self) -> float:
        """After how many steps compiling has paid."""
        eager, compiled = map(self.step, MODES)
        if compiled >= eager:
            return math.inf
        return (self.compiling() - len(self.ends[0]["learning"]) * compiled) / (eager - compiled)


class TrainerError(Exception):
    """A process that ended before its training did."""


class Trainer:
    """A process that trains an example turn by turn."""

    def __init__(self, name: str, mode: str, turns: int, seconds: float) -> None:
        self.name, self.mode = name, mode
        self.cache = tempfile.TemporaryDirectory()
        self.complaints = tempfile.TemporaryFile("w+")  # noqa: SIM115 (closed in close)
        arguments = [name, mode, str(turns), str(seconds)]
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "benchmarks.stopwatch", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.complaints,
            text=True,
            cwd=ROOT,
            env=environment(BY_NAME["ours.compile"], 1, None) | {"XDG_CACHE_HOME": self.cache.name},
        )

    def turn(self) -> dict[str, Any]:
        """What a turn, or the end of the training, has to tell."""
        assert self.process.stdin and self.process.stdout
        print(file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            self.complaints.seek(0)
            last = (self.complaints.read().strip() or "no message").splitlines()[-1]
            raise TrainerError(f"{self.name}, {self.mode}: {last}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the process, which waits for its next turn."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.complaints.close()
        self.cache.cleanup()


def run(name: str, parts: list[Part], turns: int, seconds: float) -> None:
    """Train an example once in each mode, in turns, until the compiled one is at its end."""
    waiting = [Trainer(name, mode, turns, seconds) for mode in MODES]
    try:
        while waiting:
            for trainer in list(waiting):
                answer = trainer.turn()
                if "parts" in answer:
                    if trainer.mode == "compiled":
                        for part, end in zip(parts, answer["parts"], strict=True):
                            part.ends.append(end)
                    over = True
                else:
                    part = parts[answer["stopwatch"]]
                    part.times[trainer.mode].append(answer["time"])
                    all_turns = part is parts[-1] and answer["turn"] == turns
                    over = all_turns and trainer.mode == "eager"  # the other counts the steps
                if over:
                    waiting.remove(trainer)
                    trainer.close()
    finally:
        for trainer in waiting:
            trainer.close()


def measure(name: str, turns: int, seconds: float, runs: int) -> list[Part]:
    """Train an example, several times where its training is short."""
    parts = [Part(f"`{name}`, {part}" if part else f"`{name}`") for part in EXAMPLES[name]]
    for _ in range(runs):
        run(name, parts, turns, seconds)
        if all(len(times) >= turns for part in parts for times in part.times.values()):
            break
    return parts


def cells(part: Part) -> list[str]:
    """A line of the table."""
    times = [time_text(part.step(mode)) for mode in MODES]
    low, middle, high = map(digits, (part.ratio.low, part.ratio.median, part.ratio.high))
    gain = f"**{middle}** ({low} to {high})"
    return [
        part.title,
        *times,
        gain,
        time_text(part.compiling()),
        f"{part.even():,.0f}",
        f"{part.steps:,}",
    ]


def text(parts: list[Part], facts: dict[str, str]) -> str:
    """The table, and how it came to be."""
    head = ["example", "eager step", "compiled step", "times faster", "compiling"]
    head += ["has paid after steps", "of steps in all"]
    return f"{table(head, map(cells, parts))}\n\n{HOW.format(**facts)}"


def between_marks(page: str, what: str) -> str:
    """The page with something else between its marks."""
    before, _, rest = page.partition(MARKS[0])
    _, mark, after = rest.partition(MARKS[1])
    if not mark:
        raise ValueError(f"{GALLERY} lacks the lines {MARKS[0].strip()} and {MARKS[1].strip()}")
    return f"{before}{MARKS[0]}\n{what}\n{mark}{after}"


def data() -> str:
    """Which pictures the examples learn from here."""
    try:
        FashionMNIST(train=False)
    except DownloadError:
        return "without Fashion-MNIST, so with Digits in its place"
    return "with Fashion-MNIST"


def main(
    names: Annotated[
        list[str] | None, typer.Argument(help="Only these examples; the page stays as it is.")
    ] = None,
) -> None:
    """Train the examples as they are written and compiled; write the table in docs/gallery.md."""
    if unknown := set(names or ()) - EXAMPLES.keys():
        known = ", ".join(EXAMPLES)
        raise typer.BadParameter(f"no example {', '.join(unknown)}; there are: {known}")
    facts = {"date": date.today().isoformat(), **machine.described(machine.busy()), "data": data()}
    facts |= {"turns": str(TURNS), "seconds": str(SECONDS)}
    parts = []
    for name in names or EXAMPLES:
        measured = measure(name, TURNS, SECONDS, RUNS)
        for part in measured:
            print(", ".join(cells(part)), flush=True)
        parts += measured
    if not names:
        GALLERY.write_text(between_marks(GALLERY.read_text("utf-8"), text(parts, facts)), "utf-8")
        print(f"wrote {GALLERY}")


if __name__ == "__main__":
    typer.run(main)
