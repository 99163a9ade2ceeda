"""`dezero demo`: learn real images, then show what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryFile
from time import perf_counter
from typing import Any

import numpy as np
from rich.console import Console

from .. import functions as F
from .. import random
from ..core import Variable, no_grad, test_mode
from ..dataloaders import DataLoader
from ..datasets import Dataset, Digits, FashionMNIST
from ..layers import Dropout, Linear
from ..models import Sequential
from ..optimizers import AdamW, WarmupCosine
from ..train import History, evaluate, fit, progress_on
from ..viz import plot_curves, plot_dot_graph, plot_predictions
from . import INTERRUPTED
from .report import class_table, result_table

EVALUATION_BATCH = 1000
GRID = 60  # images in the picture of predictions
MISTAKES = 20  # of them at most, so that the picture is not of mistakes alone


@dataclass(frozen=True)
class Recipe:
    """What to learn, and how.

    Attributes:
        title: What the data are called.
        dataset: Makes the training part and the test part.
        hidden: The sizes of the hidden layers.
        dropout: The part of their outputs that is dropped.
        batch_size: Images in a training batch.
        epochs: How often to go through the training images.
        rate: The highest learning rate.
    """

    title: str
    dataset: type[Digits] | type[FashionMNIST]
    hidden: tuple[int, ...]
    dropout: float
    batch_size: int
    epochs: int
    rate: float


# The products of a digits batch stay just below the size from which OpenBLAS uses several
# threads: at this size they would only wait for each other, most of all on a busy machine.
RECIPES = {
    "digits": Recipe("Digits", Digits, (128, 64), 0.25, batch_size=32, epochs=30, rate=0.01),
    "fashion-mnist": Recipe(
        "Fashion-MNIST", FashionMNIST, (256, 128), 0.2, batch_size=128, epochs=10, rate=0.004
    ),
}


@dataclass(frozen=True)
class Learned:
    """A model after its training, with what it was trained and tested on.

    Attributes:
        recipe: How it was made.
        model: The trained model.
        history: What was measured meanwhile.
        train: The training images.
        test: The test images.
    """

    recipe: Recipe
    model: Sequential
    history: History
    train: Digits | FashionMNIST
    test: Digits | FashionMNIST

    def predictions(self) -> np.ndarray:
        """The class that the model finds most likely for each test image, `(N,)`."""
        with test_mode(), no_grad():
            return np.concatenate([self.model(x).data.argmax(axis=1) for x, _ in _all(self.test)])


def run_demo(recipe: Recipe, epochs: int | None, seed: int, out: Path) -> int:
    """Train by a recipe, print what was measured, write pictures and weights into `out`.

    Args:
        recipe: What to learn, and how.
        epochs: How often to go through the training images; None leaves it to the recipe.
        seed: Where the random numbers of weights, batches and dropout start.
        out: The folder; it is made if it is not there.

    Returns:
        The exit code: 0, or INTERRUPTED after Ctrl-C.

    Raises:
        OSError: `out` is no folder that can be written into.
        DeZeroError: The data cannot be had.
    """
    began = perf_counter()
    _check_folder(out)
    console = Console(highlight=False)
    np.random.seed(seed)
    random.seed(seed)
    learned = _learn(recipe, epochs or recipe.epochs, seed, console)
    if learned.history.interrupted:
        done = learned.history.epochs[-1].number
        console.print(f"Stopped by Ctrl-C after {done:.3g} epochs. This is what was reached:")
    _report(learned, console)
    _write(learned, out, console)
    console.print(f"\n{perf_counter() - began:.1f} s in all.")
    return INTERRUPTED if learned.history.interrupted else 0


def _check_folder(out: Path) -> None:
    """Make the folder and try to write into it."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=out):
            pass
    except OSError as error:
        reason = error.strerror or error
        raise type(error)(
            f"{out} is no folder to write into ({reason}): name one with --out"
        ) from error


def _learn(recipe: Recipe, epochs: int, seed: int, console: Console) -> Learned:
    """Load the data, make the model, train it."""
    train, test = recipe.dataset(train=True), recipe.dataset(train=False)
    sizes = (train[0][0].size, *recipe.hidden, len(train.labels()))
    model = _model(sizes, recipe.dropout)
    height, width = train.data.shape[-2:]
    console.print(
        f"[bold]{recipe.title}[/bold]: {len(train):,} images of {height}x{width} pixels to learn "
        f"from, {len(test):,} others to test with.\n"
        f"Layers of {' - '.join(map(str, sizes))} units, {_count(model):,} parameters.\n"
    )
    loader = DataLoader(train, recipe.batch_size, seed=seed)
    optimizer = AdamW(weight_decay=0.01).setup(model)
    total = epochs * len(loader)
    optimizer.add_hook(WarmupCosine(optimizer, recipe.rate, warmup=total // 10, total=total))
    progress = progress_on("images")
    history = fit(
        model, optimizer, loader, epochs, test=_all(test), progress=progress, compile=True
    )
    return Learned(recipe, model, history, train, test)


def _model(sizes: tuple[int, ...], dropout: float) -> Sequential:
    """Linear layers with ReLU and dropout between them."""
    layers: list[Any] = []
    for before, after in pairwise(sizes):
        layers += [Linear(after, in_size=before), F.relu, Dropout(dropout)]
    return Sequential(*layers[:-2])


def _all(data: Dataset) -> DataLoader:
    """Every image in order, in large batches."""
    return DataLoader(data, EVALUATION_BATCH, shuffle=False)


def _count(model: Sequential) -> int:
    """The number of parameters."""
    return sum(param.size for param in model.params())


def _report(learned: Learned, console: Console) -> None:
    """Print what the model can do, in all and class by class."""
    history, names = learned.history, learned.test.labels()
    measured = {
        "training": (len(learned.train), evaluate(learned.model, _all(learned.train))),
        "test": (len(learned.test), evaluate(learned.model, _all(learned.test))),
    }
    console.print()
    console.print(result_table(f"{learned.recipe.title} after training", measured))
    console.print(
        class_table("Test images by class", learned.predictions(), learned.test.label, names)
    )
    console.print(
        f"Learned {history.examples:,} images in {history.seconds:.1f} s, "
        f"{history.examples / history.seconds:,.0f} images/s."
    )


def _write(learned: Learned, out: Path, console: Console) -> None:
    """Write pictures and weights, and say where they are."""
    console.print()
    for name, content, write in (
        ("curves.png", "learning curves", _write_curves),
        ("predictions.png", "test images and what the model takes them for", _write_predictions),
        ("graph.png", "the graph of one training step", _write_graph),
        ("weights.safetensors", "the weights", _write_weights),
    ):
        write(learned, out / name)
        console.print(f"{out / name}: {content}", soft_wrap=True, markup=False)


def _write_curves(learned: Learned, path: Path) -> None:
    """Loss and accuracy over the epochs."""
    history = learned.history
    panels = {
        "loss [nats]": _curves(history, "loss", 1),
        "accuracy [%]": _curves(history, "accuracy", 100),
    }
    accuracy = panels["accuracy [%]"]["test"][-1]
    title = f"{learned.recipe.title}: {accuracy:.1f} % of the test images are right"
    plot_curves([epoch.number for epoch in history.epochs], panels, title, path)


def _curves(history: History, metric: str, scale: float) -> dict[str, list[float]]:
    """A metric's curves, with what a reader must know about the first."""
    curves = {name: [scale * y for y in values] for name, values in history.curves(metric).items()}
    return {"training, while learning": curves["train"], "test": curves["test"]}


def _write_predictions(learned: Learned, path: Path) -> None:
    """A grid of test images: mistakes, then images that are right."""
    taken, true = learned.predictions(), learned.test.label
    wrong = np.flatnonzero(taken != true)
    right = np.flatnonzero(taken == true)
    chosen = np.concatenate([wrong[:MISTAKES], right])[:GRID]
    shown = min(len(wrong), MISTAKES)
    title = (
        f"{learned.recipe.title}: {len(wrong):,} of {len(true):,} test images are mistaken (×), "
        f"{'all' if shown == len(wrong) else shown} of them shown first"
    )
    names = learned.test.labels()
    images = learned.test.data[chosen, 0]
    plot_predictions(images, taken[chosen], true[chosen], names, title, path)


def _write_graph(learned: Learned, path: Path) -> None:
    """The graph of the loss of one batch."""
    x, t = learned.train.batch(range(learned.recipe.batch_size))
    loss = F.softmax_cross_entropy(
        learned.model(Variable(x, name="images")), Variable(t, name="labels")
    )
    loss.name = "loss"
    plot_dot_graph(loss, to_file=path, names=dict(learned.model.named_params()))


def _write_weights(learned: Learned, path: Path) -> None:
    """All parameters."""
    learned.model.save_weights(path)
