"""Random programs with state, that the outside changes between calls, and that may fail."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dezero.functions as F
from dezero import Parameter, Variable
from dezero.compiler import compile

LIMIT = 6.0


class State:
    """Numbers, arrays, a list of arrays and a parameter."""

    def __init__(self):
        self.n, self.k = 2.0, 3
        self.a, self.b = np.arange(4.0), np.ones(4)
        self.held = [np.full(4, 0.5), np.zeros(4)]
        self.w = Parameter(np.array([1.0, -1.0, 0.5, 2.0]))

    def arrays(self):
        return [self.a, self.b, *self.held, self.w.data]

    def snapshot(self):
        """What `restore` gives back, to the same objects."""
        grad = self.w.grad
        return dict(vars(self)), list(self.held), [(x, x.copy()) for x in self.arrays()], grad

    def restore(self, saved):
        attributes, self.held[:], arrays, grad = saved
        vars(self).update(attributes)
        for x, values in arrays:
            x[...] = values
        self.w.data, self.w.grad = arrays[-1][0], grad

    def values(self):
        grad = self.w.grad
        found = [self.n, self.k, *self.arrays(), grad.data if grad is not None else 0.0]
        return [np.copy(x) for x in found]

    def aliases(self):
        arrays = self.arrays()
        return [[x is y for x in arrays] for y in arrays]


def assign(s, x):
    s.a = s.a * 0.5 + x


def alias(s, x):
    s.b = s.a


def swap(s, x):
    s.held[0], s.held[1] = s.held[1], s.held[0]


def renew(s, x):
    s.held[0] = np.tanh(s.held[0] + x * s.n)


def accumulate(s, x):
    s.a += x


def scatter(s, x):
    s.a[::2] = x[1::2] - s.b[::2]


def through_a_view(s, x):
    s.b[1:].reshape(-1)[0] = s.n


def count(s, x):
    s.k += 1


def halve(s, x):
    s.n /= 2


def floor(s, x):
    s.k //= 2


def divide(s, x):
    s.a *= 1 / s.k


def branch(s, x):
    if s.a.sum() > 2:
        s.n += 1
    else:
        s.a -= 1


def branch_on_numbers(s, x):
    s.a = s.a + s.n if s.n > s.k else s.a - s.k


def fail(s, x):
    if x.sum() > LIMIT:
        raise ValueError("too large")


def descend(s, x):
    s.w.cleargrad()
    F.sum(F.tanh(s.w * x + s.n)).backward()
    s.w.data -= 0.1 * s.w.grad.data


def gather(s, x):
    F.sum(s.w * Variable(x)).backward()


STATEMENTS = (assign, alias, swap, renew, accumulate, scatter, through_a_view, count, halve, floor)
STATEMENTS += (divide, branch, branch_on_numbers, fail, descend, gather)


def replace(s, k):
    s.a = np.arange(4.0) - k


def replace_by_a_view(s, k):
    s.b = (np.arange(8.0) * k)[::2]


def rewrite(s, k):
    s.b[...] = k


def renumber(s, k):
    s.n, s.k = float(k % 3), k % 2


def join(s, k):
    s.a = s.b


def exchange(s, k):
    s.w.data, s.held[0] = s.held[0], s.w.data


def forget(s, k):
    s.w.grad = None


CHANGES = (replace, replace_by_a_view, rewrite, renumber, join, exchange, forget)
ARGUMENTS = (
    lambda s, k: np.full(4, 0.1 * k),
    lambda s, k: np.linspace(-1, k, 4),
    lambda s, k: np.linspace(2, -2, 8)[1::2],
    lambda s, k: s.b,
    lambda s, k: np.full(4, 4.0),
)


def interpreted(state, statements):
    """A step that carries out statements."""

    def step(x):
        for statement in statements:
            statement(state, x)
        return state.a * 1, state.b, state.n, [state.w.data * state.k]

    return step


def outcome(step, x):
    """What a step gives, or the type of what it raises."""
    try:
        return step(x)
    except (ValueError, ZeroDivisionError) as error:
        return type(error)


def same(found, expected):
    if isinstance(expected, type):
        assert found is expected
    elif isinstance(expected, tuple | list):
        assert type(found) is type(expected)
        for a, b in zip(found, expected, strict=True):
            same(a, b)
    else:
        assert type(found) is type(expected)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("executor", ["numpy", "c"])
@pytest.mark.filterwarnings("ignore::dezero.compiler.CompileWarning", "ignore::RuntimeWarning")
def test_random_programs_with_state(executor):
    events = st.tuples(st.integers(0, len(ARGUMENTS) - 1), st.none() | st.sampled_from(CHANGES))

    @settings(max_examples=60, deadline=None, derandomize=True, database=None)
    @given(st.lists(st.sampled_from(STATEMENTS), min_size=1, max_size=6), st.data())
    def check(statements, data):
        one, two = State(), State()
        eager = interpreted(one, statements)
        step = compile(interpreted(two, statements), executor=executor)
        usual = data.draw(st.integers(0, 1))
        odd = data.draw(st.lists(events, max_size=5))
        calls = [(usual, None)] * 5 + [e for event in odd for e in (event, (usual, None))]
        kept = []
        for k, (argument, change) in enumerate(calls):
            for s in (one, two):
                if change is not None:
                    change(s, k)
            before, given = one.snapshot(), ARGUMENTS[argument](one, k)
            expected = outcome(eager, given)
            found = outcome(step, ARGUMENTS[argument](two, k))
            if isinstance(expected, type):
                one.restore(before)
            same(found, expected)
            same(two.values(), one.values())
            assert two.aliases() == one.aliases()
            kept.append((found, expected))
        for found, expected in kept:
            same(found, expected)

    check()
