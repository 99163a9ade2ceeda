"""Whatever holds the state of a program, a compiled step changes it as an eager one does."""

import argparse
import collections
import contextvars
import functools
import itertools
import queue
import threading
import types
import weakref
from contextlib import nullcontext

import numpy as np
import pytest

from dezero.compiler import CompileWarning, compile

X = np.array([1.0, 2.0])
CASES = {}


def case(refused=None):
    """Add a case: a function that makes a step and a function that shows the state."""

    def add(make):
        CASES[make.__name__.replace("_", " ")] = make, refused
        return make

    return add


def counting(holder):
    """A step that counts and adds up in attributes."""
    holder.n, holder.w = 0, np.zeros(2)

    def step(x):
        holder.n += 1
        holder.w = holder.w + x
        return x * holder.n

    return step, lambda: (holder.n, holder.w)


class Slots:
    __slots__ = ("__weakref__", "n", "name", "w")


class Private:
    __slots__ = ("__n",)

    def __init__(self):
        self.__n = 0

    def count(self):
        self.__n += 1
        return self.__n


class Attributes(dict):
    """A dict whose keys are attributes."""

    def __init__(self):
        self.__dict__ = self


class Meta(type):
    made = 0

    def __call__(cls, *args):
        Meta.made += 1
        return super().__call__(*args)


class Made(metaclass=Meta):
    pass


class Steps(collections.UserList):
    total = 0


for kind in (types.SimpleNamespace, argparse.Namespace, threading.local, Slots, Attributes):
    CASES[kind.__name__] = functools.partial(lambda kind: counting(kind()), kind), None
CASES["module"] = lambda: counting(types.ModuleType("holder")), None


@case()
def attributes_of_a_function():
    def function(x):
        return x * 2

    step, state = counting(function)
    return (lambda x: function(step(x))), state


@case()
def a_method_of_c():
    names = {"n": 0}
    get, put = names.get, names.__setitem__

    def step(x):
        put("n", get("n") + 1)
        return x * get("n")

    return step, lambda: dict(names)


@case()
def a_setter():
    total = [0.0]

    class Sum:
        add = property(None, lambda self, x: total.__setitem__(0, total[0] + x))

    holder = Sum()

    def step(x):
        holder.add = 2.0
        return x * 2

    return step, lambda: list(total)


@case()
def a_metaclass():
    Meta.made = 0

    def step(x):
        Made()
        return x * 2

    return step, lambda: Meta.made


@case()
def a_weak_reference():
    holder = Slots()
    link = weakref.ref(holder)
    holder.n = 0

    def step(x):
        link().n += 1
        return x * link().n

    return step, lambda: holder.n


@case()
def a_weak_dict():
    holder = Slots()
    holder.n = 0
    links = weakref.WeakValueDictionary(holder=holder)

    def step(x):
        links["holder"].n += 1
        return x * links["holder"].n

    return step, lambda: holder.n


@case("weak proxy")
def a_weak_proxy():
    holder = Slots()
    step, _ = counting(weakref.proxy(holder))
    return step, lambda: (holder.n, holder.w)


@case()
def a_variable_of_the_context():
    count = contextvars.ContextVar("count", default=0)

    def step(x):
        count.set(count.get() + 1)
        return x * count.get()

    return step, count.get


@case()
def slots_with_private_names():
    holder = Private()
    return (lambda x: x * holder.count()), lambda: holder._Private__n


@case()
def attributes_of_a_list():
    holder = Steps([1.0])

    def step(x):
        holder.total += 1
        holder[0] *= 2
        return x * holder.total + holder[0]

    return step, lambda: (list(holder), holder.total)


@case()
def an_iterator_of_ones_own():
    class Counter:
        n = 0

        def __next__(self):
            self.n += 1
            return self.n

    counter = Counter()
    return (lambda x: x * next(counter)), lambda: counter.n


@case("the step changes what is in jobs.queue")
def a_queue():
    jobs = queue.Queue()

    def step(x):
        jobs.put(1)
        return x * 2

    return step, jobs.qsize


@case("it takes from count")
def an_iterator():
    count = itertools.count()
    return (lambda x: x * next(count)), lambda: None


@case("not followed")
def a_function_that_is_made_anew():
    calls = []

    def step(x):
        calls[:] = [lambda: x]
        return x * 2

    return step, lambda: len(calls)


@pytest.mark.parametrize("executor", ["numpy", "c"])
@pytest.mark.parametrize("name", CASES)
def test_state_is_followed_or_refused(name, executor):
    make, refused = CASES[name]
    eager, expected = make()
    calls = [(eager(X * k), expected()) for k in range(10)]
    step, state = make()
    step = compile(step, executor=executor)
    with pytest.warns(CompileWarning, match=refused) if refused else nullcontext():
        for k, (result, held) in enumerate(calls):
            np.testing.assert_array_equal(step(X * k), result)
            np.testing.assert_equal(state(), held)
    if not refused:
        assert step.refused is None
        assert sum(path.runs for path in step.all_paths()) > 3


@pytest.mark.parametrize("name", [name for name, (_, refused) in CASES.items() if not refused])
def test_a_step_that_cannot_be_traced_happens_once(name):
    make, _ = CASES[name]
    eager, expected = make()
    step, state = make()

    def untraceable(x):
        y = step(x)
        return np.asarray(y).item(0)

    compiled = compile(untraceable, executor="numpy")
    with pytest.warns(CompileWarning, match="np.asarray"):
        for k in range(3):
            assert compiled(X * k) == eager(X * k)[0]
            np.testing.assert_equal(state(), expected())
