"""What a step depends on is found, wherever a program keeps it and however it changes it."""

import functools
from dataclasses import dataclass
from enum import Enum

import numpy as np
import pytest

import dezero.functions as F
from dezero import Function, Variable
from dezero.compiler import compile
from dezero.compiler.state.places import walk

SCALE = np.array(2.0)
FACTOR = 2.0


def replays(step):
    return sum(path.runs for path in step.all_paths())


def follows(function, change, *args):
    """Compiled and eager agree before a change and after it; the step is replayed each time."""
    step = compile(function, executor="numpy")
    for _ in range(3):
        before = replays(step)
        for _ in range(5):
            np.testing.assert_array_equal(step(*args), function(*args))
        assert replays(step) > before
        change()
        for _ in range(5):
            np.testing.assert_array_equal(step(*args), function(*args))
    assert step.refused is None


X = np.array([-1.0, 2.0])


class Model:
    rate = 2.0
    table = np.array([1.0, 3.0])
    names = ("a", 2)

    def __init__(self):
        self.activation = F.relu

    def __call__(self, x):
        return self.activation(x * self.rate).data + self.table

    @staticmethod
    def scaled(x):
        return x * SCALE

    @classmethod
    def rated(cls, x):
        return x * cls.rate * SCALE

    @property
    def scale(self):
        return FACTOR * 3

    @functools.cached_property
    def doubled(self):
        return FACTOR * 2


class Double(Model):
    pass


def test_a_function_of_the_library_that_is_exchanged():
    model = Model()

    def change():
        model.activation = F.tanh if model.activation is F.relu else F.relu

    follows(lambda x: model(x), change, X)


def test_a_global_function_that_is_exchanged(monkeypatch):
    monkeypatch.setitem(globals(), "chosen", np.exp)

    def change():
        globals()["chosen"] = np.sin

    follows(lambda x: chosen(x), change, X)  # noqa: F821


@pytest.mark.parametrize("kind", [Model, Double])
@pytest.mark.parametrize(
    ("name", "value"), [("rate", 5.0), ("table", np.array([4.0, 5.0])), ("names", ("b", 3))]
)
def test_attributes_of_classes(monkeypatch, kind, name, value):
    model = kind()
    monkeypatch.setattr(Model, name, getattr(Model, name))
    follows(lambda x: model(x) * model.names[1], lambda: setattr(Model, name, value), X)


def test_an_array_of_a_class_that_is_written_into(monkeypatch):
    model = Model()
    monkeypatch.setattr(Model, "table", Model.table.copy())

    def change():
        Model.table += 1

    follows(lambda x: model(x), change, X)


def test_a_class_that_the_step_changes(monkeypatch):
    monkeypatch.setattr(Model, "table", Model.table.copy())
    monkeypatch.setattr(Model, "rate", 1.0)

    def step(x):
        Model.rate = Model.rate + 1
        Model.table += x
        return x * Model.rate

    step = compile(step, executor="numpy")
    for k in range(6):
        np.testing.assert_array_equal(step(X), X * (k + 2))
        np.testing.assert_array_equal(Model.table, [1.0, 3.0] + X * (k + 1))
        assert Model.rate == k + 2
    assert replays(step) == 3


def test_methods_that_are_exchanged(monkeypatch):
    model = Model()
    monkeypatch.setattr(Model, "__call__", Model.__call__)
    follows(lambda x: model(x), lambda: setattr(Model, "__call__", lambda self, x: x - 1), X)
    monkeypatch.setattr(Model, "scaled", staticmethod(lambda x: x * SCALE))
    change = functools.partial(setattr, Model, "scaled", staticmethod(lambda x: x + 5))
    follows(lambda x: model.scaled(x), change, X)


@pytest.mark.parametrize(
    "function",
    [
        lambda model, x: model.scaled(x),
        lambda model, x: model.rated(x),
        lambda model, x: Model.scaled(x),
        lambda model, x: x * model.scale,
    ],
)
def test_globals_that_methods_name(monkeypatch, function):
    model = Model()
    monkeypatch.setitem(globals(), "SCALE", SCALE.copy())
    monkeypatch.setitem(globals(), "FACTOR", FACTOR)

    def change():
        global FACTOR
        SCALE[...] += 1
        FACTOR += 1

    follows(lambda x: function(model, x), change, X)


def test_globals_that_the_methods_of_new_objects_name(monkeypatch):
    monkeypatch.setitem(globals(), "SCALE", SCALE.copy())
    monkeypatch.setitem(globals(), "FACTOR", FACTOR)

    class Scaled(Function):
        def forward(self, x):
            return x * SCALE * FACTOR

    def change():
        global FACTOR
        SCALE[...] += 1
        FACTOR += 1

    follows(lambda x: Scaled()(Variable(x)).data, change, X)


def test_functions_that_are_made_anew_for_each_call():
    def times(n):
        return lambda x: x * n

    step = compile(lambda f, x: f(x), executor="numpy")
    for _ in range(5):
        np.testing.assert_array_equal(step(lambda x: x * 2, X), X * 2)
        np.testing.assert_array_equal(step(lambda x: x * 3, X), X * 3)
        np.testing.assert_array_equal(step(times(4.0), X), X * 4)
        np.testing.assert_array_equal(step(times(5.0), X), X * 5)
        np.testing.assert_array_equal(step(functools.partial(np.add, 1.0), X), X + 1)
        np.testing.assert_array_equal(step(functools.partial(np.subtract, 1.0), X), 1 - X)
    assert step.refused is None
    assert replays(step) > 8


def test_counters_in_closures_that_are_made_anew():
    def counter(n):
        def count(x):
            nonlocal n
            n += 1
            return x * n

        return count, lambda: n

    step = compile(lambda f, x: f(x), executor="numpy")
    for k in range(8):
        count, value = counter(k)
        for j in range(3):
            np.testing.assert_array_equal(step(count, X), X * (k + j + 1))
            assert value() == k + j + 1
    assert replays(step) == 24 - 5  # one eager, two traced for the first, two when it is another


def test_methods_that_are_made_anew_for_each_call():
    one, two = Model(), Double()
    two.activation = F.tanh
    step = compile(lambda f, x: f(x), executor="numpy")
    for _ in range(5):
        for f in (one.__call__, two.__call__, one.scaled, Model.rated):
            np.testing.assert_array_equal(step(f, X), f(X))
    assert step.refused is None


class Mode(Enum):
    ADD = 1
    MULTIPLY = 2


@dataclass
class Settings:
    mode: Mode
    by: float


def test_enums_and_dataclasses():
    settings = Settings(Mode.ADD, 3.0)

    def function(x):
        return x + settings.by if settings.mode is Mode.ADD else x * settings.by

    def change():
        settings.mode = Mode.MULTIPLY if settings.mode is Mode.ADD else Mode.ADD
        settings.by += 1

    follows(function, change, X)


def test_attributes_that_come_and_go():
    model = Model()

    def function(x):
        return x + 1 if hasattr(model, "extra") else x + 2

    def change():
        if hasattr(model, "extra"):
            del model.extra
        else:
            model.extra = True

    follows(function, change, X)


def test_a_step_inside_of_a_step_that_is_called_by_itself_as_well():
    scale = Model()
    inner = compile(lambda x: x * scale.rate, executor="numpy")
    outer = compile(lambda x: inner(x) + 1, executor="numpy")
    for k in range(8):
        scale.rate = k + 1.0
        np.testing.assert_array_equal(outer(X), X * (k + 1) + 1)
        np.testing.assert_array_equal(inner(X), X * (k + 1))
    assert replays(outer) == replays(inner) == 5


def test_attributes_of_functions_stay():
    model = Model()
    model.hook = functools.partial(np.add, 1.0)
    model.hook.note = "mine"
    bound = model.__call__
    step = compile(lambda f, x: model.hook(f(x)), executor="numpy")
    for _ in range(4):
        step(bound, X)
    assert model.hook.note == "mine"


def test_a_tuple_holds_what_changes():
    inside = [2.0]
    holder = (inside, np.array([1.0]), {"n": 3})

    def change():
        inside[0] += 1
        holder[1][...] += 1
        holder[2]["n"] += 1

    follows(lambda x: x * holder[0][0] + holder[1] * holder[2]["n"], change, X)


def test_shapes_and_dtypes_that_change_in_place():
    model = Model()
    model.w = np.arange(4.0)

    def change():
        with np.errstate(all="ignore"):
            model.w.shape = (2, 2) if model.w.ndim == 1 else (4,)

    follows(lambda x: np.sum(model.w * 2, axis=0), change, X)


class Attributes:
    SCALE = 3.0


def test_an_attribute_is_no_global_of_its_name():
    def step(x):
        return x * Attributes.SCALE

    labels = [place.label for place in walk(step, (X,), {})]
    assert "Attributes" in labels
    assert "SCALE" not in labels
    assert "SCALE" in [place.label for place in walk(Model.scaled, (X,), {})]


@dataclass
class Options:
    rate: float = 2.0

    def __post_init__(self):
        self.scale = SCALE


def test_what_the_decorator_of_data_classes_has_written_is_not_followed():
    options = Options()
    labels = [place.label for place in walk(lambda x: x * options.rate, (X,), {})]
    functions = [label for label in labels if label.startswith("options.__class__.")]
    assert functions == ["options.__class__.rate", "options.__class__.__post_init__"]
    assert "SCALE" in labels
