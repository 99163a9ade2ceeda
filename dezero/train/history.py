"""What a training run measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Epoch:
    """One pass over the training data, or the part of it that was done.

    Attributes:
        number: Epochs done at its end: 3.0 after the third, 2.25 after a quarter of it.
        seconds: How long the learning took; the evaluation comes on top.
        examples: How many examples it learned from.
        train: Each metric, averaged over these examples as they were met: the model was
            learning meanwhile, and its dropout was on.
        test: Each metric of the model as it then was, on the test data in test mode; empty
            where there are none.
    """

    number: float
    seconds: float
    examples: int
    train: Mapping[str, float]
    test: Mapping[str, float] = field(default_factory=dict)


@dataclass
class History:
    """The epochs of a training run, in order.

    Attributes:
        epochs: What each epoch measured.
        interrupted: Whether Ctrl-C ended the run early.
    """

    epochs: list[Epoch] = field(default_factory=list)
    interrupted: bool = False

    @property
    def seconds(self) -> float:
        """How long the learning took; the evaluations come on top."""
        return sum(epoch.seconds for epoch in self.epochs)

    @property
    def examples(self) -> int:
        """How many examples the run learned from, each counted as often as it was met."""
        return sum(epoch.examples for epoch in self.epochs)

    def curves(self, metric: str) -> dict[str, list[float]]:
        """A metric over the epochs, as `dezero.viz.plot_curves` takes it.

        Args:
            metric: "loss" or the name of another metric that the run measured.

        Returns:
            The values under "train" and, where there were test data, under "test".

        >>> first = Epoch(1.0, 0.1, 100, {"loss": 2.0}, {"loss": 2.5})
        >>> History([first]).curves("loss")
        {'train': [2.0], 'test': [2.5]}
        """
        curves = {"train": [epoch.train[metric] for epoch in self.epochs]}
        if any(epoch.test for epoch in self.epochs):
            curves["test"] = [epoch.test[metric] for epoch in self.epochs]
        return curves
