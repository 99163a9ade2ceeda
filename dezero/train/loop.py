"""The training loop and the evaluation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, Protocol

from .. import compiler
from .. import functions as F
from ..core import no_grad, test_mode
from ..errors import DataError
from ..layers import Layer
from ..optimizers import Optimizer
from .history import Epoch, History
from .interrupt import Interrupt
from .progress import Progress, progress_on

Batch = tuple[Any, Any]
Metric = Callable[[Any, Any], Any]
Step = Callable[[Any, Any], dict[str, Any]]  # learns from (x, t); the loss and the metrics
ACCURACY: Mapping[str, Metric] = {"accuracy": F.accuracy}


class Loader(Protocol):
    """Batches `(x, t)`, anew at each loop over it; `len` is their number."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Batch]: ...


def fit(
    model: Layer,
    optimizer: Optimizer,
    loader: Loader,
    epochs: int,
    *,
    test: Loader | None = None,
    loss: Metric = F.softmax_cross_entropy,
    metrics: Mapping[str, Metric] = ACCURACY,
    progress: Progress | None = None,
    compile: bool = False,
) -> History:
    """Train a model: for each batch the loss, its gradients, and one update.

    Ctrl-C ends the run after the batch at hand: the model keeps what it has learned, and the
    history says so and has the part of the epoch that was done. A second Ctrl-C raises
    KeyboardInterrupt at once.

    Args:
        model: Takes the x of a batch.
        optimizer: Set up with the model.
        loader: The training batches, such as a DataLoader.
        epochs: How often to go through them.
        test: Batches to evaluate the model with after each epoch.
        loss: `loss(model(x), t)`, averaged over the batch, is what becomes small.
        metrics: What else to measure, by name: `metric(model(x), t)`, averaged over the batch.
        progress: Where to show how it goes; by default a live bar on a terminal, elsewhere a
            line for each epoch. `Silent()` shows nothing.
        compile: Whether to run the step compiled, with `dezero.compile`: the same to rounding, and
            faster, after the moments that compiling takes. They are waited for, so that the same
            seeds give the same bits.

    Returns:
        What each epoch measured.

    Raises:
        DataError: The loader has no batches.

    >>> from dezero.dataloaders import DataLoader
    >>> from dezero.datasets import Digits
    >>> from dezero.layers import Linear
    >>> from dezero.optimizers import Adam
    >>> from dezero.train import Silent
    >>> model = Linear(10)
    >>> loader = DataLoader(Digits(), batch_size=100, seed=0)
    >>> history = fit(model, Adam().setup(model), loader, epochs=2, progress=Silent())
    >>> [epoch.examples for epoch in history.epochs]
    [1437, 1437]
    """
    if len(loader) == 0:
        raise DataError("fit: the loader has no batches: give it a dataset with items")
    history = History()
    show = progress_on() if progress is None else progress
    learner = _Learner(model, optimizer, loss, metrics)
    step = _waiting(compiler.compile(learner.step)) if compile else learner.step
    show.begin(epochs, len(loader))
    try:
        with Interrupt() as interrupt:
            for number in range(epochs):
                for part in _learned(step, loader):
                    epoch = replace(part, number=number + part.number)
                    show.step(epoch)
                    if interrupt.requested:
                        break
                if test is not None:
                    epoch = replace(epoch, test=evaluate(model, test, loss=loss, metrics=metrics))
                history.epochs.append(epoch)
                show.epoch(epoch)
                history.interrupted = interrupt.requested and epoch.number < epochs
                if history.interrupted:
                    break
    finally:
        show.end()
    return history


def evaluate(
    model: Callable[[Any], Any],
    loader: Iterable[Batch],
    *,
    loss: Metric = F.softmax_cross_entropy,
    metrics: Mapping[str, Metric] = ACCURACY,
) -> dict[str, float]:
    """Measure a model as it is: in test mode, without recording.

    Args:
        model: Takes the x of a batch.
        loader: Batches `(x, t)`, such as a DataLoader.
        loss: `loss(model(x), t)`, averaged over the batch.
        metrics: What else to measure, by name: `metric(model(x), t)`, averaged over the batch.

    Returns:
        Under "loss" and the metrics' names their averages over all examples.

    Raises:
        DataError: There are no batches.

    >>> import numpy as np
    >>> scores = np.array([[5.0, 0.0], [5.0, 0.0]])
    >>> evaluate(lambda x: x, [(scores, np.array([0, 1]))])["accuracy"]
    0.5
    """
    measures = {"loss": loss, **metrics}
    means = _Means()
    with test_mode(), no_grad():
        for x, t in loader:
            y = model(x)
            means.add({name: measure(y, t) for name, measure in measures.items()}, len(x))
    if not means.examples:
        raise DataError("evaluate: the loader has no batches: give it a dataset with items")
    return means.values()


def _learned(step: Step, loader: Loader) -> Iterator[Epoch]:
    """Learn from each batch of an epoch; after each, the epoch so far, counted from 0."""
    means = _Means()
    began = perf_counter()
    for done, (x, t) in enumerate(loader, start=1):
        means.add(step(x, t), len(x))
        seconds = perf_counter() - began
        yield Epoch(done / len(loader), seconds, means.examples, means.values())


def _waiting(compiled: compiler.Step) -> Step:
    """A compiled step that waits for its compiler: then each run has the same bits."""

    def step(x: Any, t: Any) -> dict[str, Any]:
        measured: dict[str, Any] = compiled(x, t)
        compiled.wait()
        return measured

    return step


@dataclass(frozen=True)
class _Learner:
    """What learns from batches; an object, so that the compiler finds the model's state in it."""

    model: Layer
    optimizer: Optimizer
    loss: Metric
    metrics: Mapping[str, Metric]

    def step(self, x: Any, t: Any) -> dict[str, Any]:
        """Learn from one batch; what was measured before the update."""
        y = self.model(x)
        error = self.loss(y, t)
        self.model.cleargrads()
        error.backward()
        self.optimizer.update()
        with no_grad():  # no floats yet: in a compiled step each would be a guard
            return {"loss": error.data, **{name: m(y, t) for name, m in self.metrics.items()}}


class _Means:
    """Averages of metrics over examples, batch by batch."""

    def __init__(self) -> None:
        self.examples = 0
        self.sums: dict[str, float] = {}

    def add(self, values: Mapping[str, Any], examples: int) -> None:
        """Take in the metrics of a batch."""
        self.examples += examples
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + float(value) * examples

    def values(self) -> dict[str, float]:
        """The averages so far."""
        return {name: total / self.examples for name, total in self.sums.items()}
