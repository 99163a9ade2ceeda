"""The process that trains one example of `examples/`, as it is written or compiled.

`python -P -m benchmarks.stopwatch EXAMPLE MODE TURNS SECONDS` runs the example with `--compile`,
but what `dezero.compile` gives it is a stopwatch: around the function itself (MODE is "eager") or
around the compiled step ("compiled"). For each line on the standard input it trains for so many
SECONDS and answers with a line of JSON: the median time of a step. After so many TURNS a stopwatch
gives the last result again and takes no more steps, so that the example soon comes to its end;
then the last line says how many steps the training has, and what compiling took.
"""

from __future__ import annotations

import contextlib
import os
import runpy
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import dezero
from dezero import compiler

from .columns import ROOT
from .compiled import Watched, check, settle
from .worker import answering, bind

Answer = Callable[[dict[str, Any]], None]


class Stopwatch:
    """A step that notes how long its calls take, and stands still between turns.

    Args:
        session: The run that it belongs to.
        step: Takes a step: a function, or a compiled one.
    """

    def __init__(self, session: Session, step: Callable[..., Any]) -> None:
        self.session, self.step = session, step
        self.calls = self.turns = 0
        self.times: list[float] = []  # of the steps of this turn
        self.learning: list[float] = []  # of the calls that made weights, or compiled
        self.result: Any = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.turns < self.session.turns:
            self.measured(args, kwargs)
        self.calls += 1
        return self.result

    def measured(self, args: Any, kwargs: Any) -> None:
        """Take a step; at the end of a turn, wait for the next one."""
        before, start = self.replays(), perf_counter()
        self.result = self.step(*args, **kwargs)
        settle(self.session.watched)
        taken = perf_counter() - start
        is_replay = self.replays() > before if self.session.compiles else self.calls > 0
        (self.times if is_replay else self.learning).append(taken)
        if sum(self.times) >= self.session.seconds:
            self.end_turn()

    def replays(self) -> int:
        """How many calls have been replayed; 0 of an eager step."""
        return sum(path.runs for path in getattr(self.step, "all_paths", list)())

    def end_turn(self) -> None:
        """Tell what the steps of this turn took."""
        self.turns += 1
        times, self.times = self.times, []
        self.session.pause(self.turns, times)

    def wait(self) -> None:
        """For those who wait for a compiled step: every call has waited."""

    def summary(self) -> dict[str, Any]:
        """The number of steps in all, and the seconds of those that were not at full speed."""
        return {"steps": self.calls, "learning": self.learning}


class Session:
    """A run of an example: its stopwatches, one after the other."""

    def __init__(self, compiles: bool, turns: int, seconds: float, answer: Answer) -> None:
        self.compiles, self.turns, self.seconds, self.answer = compiles, turns, seconds, answer
        self.compile = dezero.compile
        self.watched = Watched("c")
        self.stopwatches: list[Stopwatch] = []

    def stopwatch(self, function: Callable[..., Any]) -> Stopwatch:
        """What the example gets for its function."""
        self.finish()
        step = function
        if self.compiles:
            step = self.compile(function, executor="c")
            self.watched.steps.append(step)
        self.stopwatches.append(Stopwatch(self, step))
        return self.stopwatches[-1]

    def pause(self, turn: int, times: list[float]) -> None:
        """Answer, and wait for the next turn; where there is none, that is the end."""
        last = len(self.stopwatches) - 1
        self.answer({"stopwatch": last, "turn": turn, "time": median(times)})
        if not sys.stdin.readline():
            raise SystemExit

    def finish(self) -> None:
        """Answer for a turn that the training has cut short."""
        if self.stopwatches and self.stopwatches[-1].times:
            self.stopwatches[-1].end_turn()

    def train(self, example: Path) -> None:
        """Run the example; what it asserts need not hold when steps are left out."""
        dezero.compile = compiler.compile = self.stopwatch  # type: ignore[assignment]
        with tempfile.TemporaryDirectory() as folder, contextlib.suppress(AssertionError):
            sys.argv = [str(example), "--compile", "--picture", os.path.join(folder, "picture.png")]
            runpy.run_path(str(example), run_name="__main__")
        self.finish()
        if self.compiles:
            check(self.watched)
        self.answer({"parts": [stopwatch.summary() for stopwatch in self.stopwatches]})


def main() -> None:
    """Read the arguments; keep the standard output for answers alone."""
    answer = answering()
    name, mode, turns, seconds = sys.argv[1:]
    bind(1)
    sys.stdin.readline()
    session = Session(mode == "compiled", int(turns), float(seconds), answer)
    session.train(ROOT / "examples" / f"{name}.py")


if __name__ == "__main__":
    main()
