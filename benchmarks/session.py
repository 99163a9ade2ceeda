"""Runs the workers of a row in turn: A B C, A B C, ..., so that all see the same machine."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from .columns import ROOT, Column, environment
from .results import Result
from .row import OURS, Row

CALIBRATIONS = 8
PATIENCE = 5  # seconds until a worker that does not end is ended


@dataclass(frozen=True)
class Effort:
    """How much is measured."""

    rounds: int  # at most
    slice: float  # seconds that a library works before the next one's turn
    limit: float  # seconds after which a row ends, once it has `least` rounds
    least: int
    checks: int  # steps whose values are compared: our compiler replays the last two
    quick: bool = False


FULL = Effort(rounds=25, slice=0.06, limit=60, least=5, checks=5)
QUICK = Effort(rounds=2, slice=0.002, limit=0, least=2, checks=5, quick=True)


class WorkerError(Exception):
    """A worker that cannot go on, and why."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column


class Worker:
    """A process that does one row for one library; it stands still while others run."""

    def __init__(
        self, row: Row, column: Column, threads: int, effort: Effort, original: Path | None
    ) -> None:
        self.column = column
        self.steps = 1  # in a slice
        self.grown = 0
        self.complaints = tempfile.TemporaryFile("w+")  # noqa: SIM115 (closed in close)
        size = row.quick_size if effort.quick else row.size
        numbers = [str(n) for n in (threads, size, effort.checks)]
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "benchmarks.worker", row.key, column.name, *numbers],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.complaints,
            text=True,
            cwd=ROOT,
            env=environment(column, threads, original),
        )

    def answer(self) -> dict[str, Any]:
        """The worker's next line; it stands still from then on."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            code = self.process.wait()
            self.complaints.seek(0)
            last = (self.complaints.read().strip() or "no message").splitlines()[-1]
            raise WorkerError(self.column.name, f"its process ended with code {code}: {last}")
        self._signal("SIGSTOP")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def run(self, steps: int) -> float:
        """Seconds (or bytes) that a step took, on average over so many."""
        assert self.process.stdin
        self._signal("SIGCONT")
        print(steps, file=self.process.stdin, flush=True)
        answer = self.answer()
        self.grown = answer["grown"]
        return float(answer["amount"])

    def calibrate(self, row: Row, seconds: float) -> None:
        """Find how many steps fill a slice."""
        if row.measure != "time":
            return
        for _ in range(CALIBRATIONS):
            start = perf_counter()
            self.run(self.steps)
            taken = (perf_counter() - start) / self.steps
            enough = taken * self.steps > seconds / 4
            self.steps = max(1, min(round(seconds / taken), 10 * self.steps))
            if enough:
                return

    def close(self) -> None:
        """End the process: by itself if it can, so that it removes its temporary files."""
        assert self.process.stdin
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self._signal("SIGCONT")
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for stream in (self.process.stdout, self.complaints):
            if stream:
                stream.close()

    def _signal(self, name: str) -> None:
        """Stop or continue, on systems that can."""
        number = getattr(signal, name, None)
        if number is not None:
            self.process.send_signal(number)


def measure(
    row: Row,
    threads: int,
    columns: list[Column],
    effort: Effort,
    original: Path | None,
    tell: Callable[[str], None],
) -> Result:
    """Measure one row with so many threads in every library."""
    result = Result(row, threads)
    here: list[Column] = []
    for column in columns:
        if column.name in row.cases:
            here.append(column)
        elif column.name in row.absent or column.name not in (*OURS, "numpy"):
            result.reasons[column.name] = row.why_absent(column.name)
    tell("starting " + ", ".join(column.title for column in here))
    workers = [Worker(row, column, threads, effort, original) for column in here]
    try:
        ready = agreeing(row, result, [w for w in workers if is_ready(w, result)])
        for worker in ready:
            tell(f"calibrating {worker.column.title}")
            worker.calibrate(row, effort.slice)
        interleave(row, result, ready, effort, tell)
        for worker in ready:
            result.peaks[worker.column.name] = worker.grown
    except WorkerError as error:
        result.failures[error.column] = str(error)
        result.amounts.pop(error.column, None)
    finally:
        for worker in workers:
            worker.close()
    return result


def is_ready(worker: Worker, result: Result) -> bool:
    """Wait until a worker has built its case; note its version and values, or why it cannot."""
    name = worker.column.name
    try:
        hello = worker.answer()
    except WorkerError as error:
        result.failures[name] = str(error)
        return False
    if "lacks" in hello:
        result.reasons[name] = hello["lacks"]
        return False
    result.versions[name] = hello["version"]
    result.values[name] = hello["values"]
    return True


def agreeing(row: Row, result: Result, workers: list[Worker]) -> list[Worker]:
    """The workers that compute what the first one does."""
    agreed = []
    for worker in workers:
        name, first = worker.column.name, workers[0].column.name
        ours, theirs = np.array(result.values[first]), np.array(result.values[name])
        if ours.shape == theirs.shape and np.allclose(theirs, ours, row.tolerance, 0):
            agreed.append(worker)
        else:
            result.differing.append(name)
            result.failures[name] = f"computes {brief(theirs)} where {first} has {brief(ours)}"
    return agreed


def brief(values: Any) -> str:
    """The first few values, for an error."""
    return "[" + ", ".join(f"{value:.6g}" for value in values[:4]) + "]"


def interleave(
    row: Row,
    result: Result,
    workers: list[Worker],
    effort: Effort,
    tell: Callable[[str], None],
) -> None:
    """Round after round, a slice of each worker."""
    for worker in workers:
        result.amounts[worker.column.name] = []
    start = perf_counter()
    for round in range(effort.rounds):
        if round >= effort.least and perf_counter() - start > effort.limit:
            return
        for worker in workers:
            tell(f"round {round + 1} of {effort.rounds}: {worker.column.title}")
            result.amounts[worker.column.name].append(worker.run(worker.steps))
