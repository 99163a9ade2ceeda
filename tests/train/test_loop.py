"""The loop does what one would write by hand, and ends cleanly."""

import signal
import threading
from collections.abc import Iterator

import numpy as np
import pytest

import dezero
import dezero.functions as F
from dezero import Variable
from dezero.dataloaders import DataLoader
from dezero.datasets import Digits
from dezero.errors import DataError
from dezero.layers import Dropout, Layer, Linear
from dezero.models import Sequential
from dezero.optimizers import SGD, AdamW, WarmupCosine
from dezero.train import Epoch, History, Silent, evaluate, fit

RNG = np.random.RandomState(0)
X = RNG.randn(10, 3)
T = X @ np.array([[1.0], [-2.0], [0.5]]) + 0.3
BATCHES = [(X[:4], T[:4]), (X[4:8], T[4:8]), (X[8:], T[8:])]  # the last one is short


class Recorder(Silent):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def begin(self, epochs: int, batches: int) -> None:
        self.told.append((epochs, batches))

    def step(self, epoch: Epoch) -> None:
        self.told.append(epoch.number)

    def epoch(self, epoch: Epoch) -> None:
        self.told.append(epoch)

    def end(self) -> None:
        self.told.append("end")


def linear() -> Linear:
    layer = Linear(1, in_size=3, dtype=np.float64)
    layer.W.data = np.zeros((3, 1))
    return layer


def test_equals_gradient_descent_by_hand() -> None:
    model = linear()
    fit(
        model,
        SGD(lr=0.1).setup(model),
        BATCHES,
        epochs=5,
        loss=F.mean_squared_error,
        metrics={},
        progress=Silent(),
    )
    W, b = np.zeros((3, 1)), np.zeros(1)
    for _ in range(5):
        for x, t in BATCHES:
            error = x @ W + b - t
            gradient = 2 / len(x) * error
            W, b = W - 0.1 * x.T @ gradient, b - 0.1 * gradient.sum(axis=0)
    np.testing.assert_allclose(model.W.data, W, rtol=1e-12)
    np.testing.assert_allclose(model.b.data, b, rtol=1e-12)


def schooled(compile: bool) -> History:
    """A network with dropout and a schedule, after some epochs, each with a short last batch."""
    np.random.seed(0)
    dezero.random.seed(0)
    model = Sequential(Linear(32, in_size=64), F.relu, Dropout(0.25), Linear(10, in_size=32))
    loader = DataLoader(Digits(), batch_size=100, seed=0)
    optimizer = AdamW().setup(model)
    optimizer.add_hook(WarmupCosine(optimizer, 0.01, warmup=10, total=4 * len(loader)))
    return fit(model, optimizer, loader, epochs=4, progress=Silent(), compile=compile)


@pytest.mark.filterwarnings("error::dezero.compiler.CompileWarning")  # it must not run eagerly
def test_a_compiled_step_learns_the_same() -> None:
    eager, compiled = schooled(compile=False), schooled(compile=True)
    assert len(Digits()) % 100
    for metric in ("loss", "accuracy"):
        expected = eager.curves(metric)["train"]
        np.testing.assert_allclose(compiled.curves(metric)["train"], expected, rtol=1e-5)


def test_averages_are_over_examples_not_batches() -> None:
    model = linear()
    history = fit(
        model,
        SGD(lr=0.0).setup(model),
        BATCHES,
        epochs=1,
        test=BATCHES[:1],
        loss=F.mean_squared_error,
        metrics={"miss": lambda y, t: F.mean(abs(y - t))},
        progress=Silent(),
    )
    [epoch] = history.epochs
    assert (epoch.number, epoch.examples) == (1.0, 10)
    assert epoch.train == pytest.approx({"loss": np.mean(T**2), "miss": np.mean(np.abs(T))})
    assert epoch.test == pytest.approx({"loss": np.mean(T[:4] ** 2), "miss": np.abs(T[:4]).mean()})
    assert history.curves("miss") == {"train": [epoch.train["miss"]], "test": [epoch.test["miss"]]}


def test_what_progress_is_told() -> None:
    model, recorder = linear(), Recorder()
    history = fit(
        model,
        SGD().setup(model),
        BATCHES,
        epochs=2,
        loss=F.mean_squared_error,
        metrics={},
        progress=recorder,
    )
    first, second = history.epochs
    steps = [1 / 3, 2 / 3, 1, 4 / 3, 5 / 3, 2]
    assert [x for x in recorder.told if isinstance(x, float)] == pytest.approx(steps)
    assert recorder.told[0] == (2, 3)
    assert recorder.told[4] is first
    assert recorder.told[-2:] == [second, "end"]


def test_evaluation_is_in_test_mode_and_records_nothing() -> None:
    seen = []

    class Model(Layer):
        def __init__(self) -> None:
            self.drop = Dropout(0.9)

        def forward(self, x: np.ndarray) -> Variable:
            y = self.drop(Variable(x))
            seen.append(y)
            return y

    evaluate(Model(), BATCHES, loss=lambda y, t: F.sum(y), metrics={})
    for y, (x, _) in zip(seen, BATCHES, strict=True):
        assert y.creator is None
        np.testing.assert_array_equal(y.data, x)


def test_training_is_in_train_mode() -> None:
    seen = []

    class Model(Linear):
        def forward(self, x: np.ndarray) -> Variable:
            seen.append(dezero.Config.train)
            return super().forward(x)

    model = Model(1)
    options = {"loss": F.mean_squared_error, "metrics": {}, "progress": Silent()}
    fit(model, SGD().setup(model), BATCHES, 1, test=BATCHES[:1], **options)
    assert seen == [True, True, True, False]


def test_classifiers_are_the_default() -> None:
    scores = np.array([[5.0, 0.0], [0.0, 5.0], [5.0, 0.0]])
    batches = [(scores, np.array([0, 1, 1]))]
    measured = evaluate(lambda x: x, batches)
    right, wrong = np.log1p(np.exp(-5.0)), np.log1p(np.exp(5.0))
    assert measured == pytest.approx({"loss": (2 * right + wrong) / 3, "accuracy": 2 / 3})


def test_no_batches_is_a_clear_error() -> None:
    model = linear()
    with pytest.raises(DataError, match="fit: the loader has no batches"):
        fit(model, SGD().setup(model), [], epochs=1)
    with pytest.raises(DataError, match="evaluate: the loader has no batches"):
        evaluate(model, [])


# Ctrl-C


class Pressed:
    """The batches; Ctrl-C is pressed while one of them is fetched."""

    def __init__(self, *places: int) -> None:
        self.places = places
        self.count = 0

    def __len__(self) -> int:
        return len(BATCHES)

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for batch in BATCHES:
            if self.count in self.places:
                signal.raise_signal(signal.SIGINT)
            self.count += 1
            yield batch


def run(loader: Pressed, progress: Silent, epochs: int = 3) -> tuple[Linear, dezero.train.History]:
    model = linear()
    options = {"loss": F.mean_squared_error, "metrics": {}, "progress": progress}
    return model, fit(model, SGD().setup(model), loader, epochs, test=BATCHES, **options)


def test_ctrl_c_keeps_what_was_reached() -> None:
    recorder = Recorder()
    model, history = run(Pressed(4), recorder)
    assert history.interrupted
    assert [epoch.number for epoch in history.epochs] == pytest.approx([1, 1 + 2 / 3])
    assert [epoch.examples for epoch in history.epochs] == [10, 8]
    assert history.examples == 18
    assert history.epochs[-1].test["loss"] == pytest.approx(
        float(np.mean((X @ model.W.data + model.b.data - T) ** 2))
    )
    assert recorder.told[-1] == "end"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_in_the_last_batch_interrupts_nothing() -> None:
    _, history = run(Pressed(8), Silent())
    assert not history.interrupted
    assert history.epochs[-1].number == 3


def test_ctrl_c_at_the_end_of_an_epoch_starts_no_other() -> None:
    _, history = run(Pressed(2), Silent())
    assert history.interrupted
    assert [epoch.number for epoch in history.epochs] == [1]


def test_a_second_ctrl_c_is_obeyed_at_once() -> None:
    recorder = Recorder()

    class Impatient(Pressed):
        def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            yield from BATCHES

    with pytest.raises(KeyboardInterrupt):
        run(Impatient(), recorder)
    assert recorder.told[-1] == "end"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_other_threads_can_train() -> None:
    results = []
    thread = threading.Thread(target=lambda: results.append(run(Pressed(), Silent())))
    thread.start()
    thread.join()
    [(_, history)] = results
    assert len(history.epochs) == 3


def test_programs_that_handle_ctrl_c_keep_doing_so() -> None:
    pressed = []
    before = signal.signal(signal.SIGINT, lambda *_: pressed.append(True))
    try:
        _, history = run(Pressed(0), Silent())
    finally:
        signal.signal(signal.SIGINT, before)
    assert pressed == [True]
    assert not history.interrupted
