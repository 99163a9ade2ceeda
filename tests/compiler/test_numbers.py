"""Numbers that change from call to call are Python's: exact, and as ready to raise."""

import math

import numpy as np
import pytest

import dezero.functions as F
from dezero import Variable
from dezero.compiler import compile

EXECUTORS = pytest.mark.parametrize("executor", ["numpy", "c"])
X = np.array([1.0, 2.0])
SMALL = np.array([1, 2], np.int8)


class Settings:
    n = 1.0


def down(n, k):
    return n - 1


def times(factor):
    return lambda n, k: n * factor


CASES = {  # the first number, the next, and what is computed of it
    "1 / 0.0": (7.0, down, lambda n, x: x * (1 / n)),
    "1 / 0": (7, down, lambda n, x: x * (1 / n)),
    "10 // 0": (7, down, lambda n, x: x * (10 // n)),
    "10.5 % 0.0": (7.0, down, lambda n, x: x * (10.5 % n)),
    "divmod by 0": (7.0, down, lambda n, x: x * divmod(10.5, n)[0]),
    "0.0**-1": (7.0, down, lambda n, x: x * n**-1),
    "a root of less than 0": (7.0, down, lambda n, x: x * abs(n**0.5)),
    "a power that overflows": (10.0, times(3), lambda n, x: x * 10.0**n),
    "an integer to less than 0": (3, down, lambda n, x: x * 2**n),
    "large integers": (3, times(2), lambda n, x: x * (3**n % 1000)),
    "products beyond 64 bits": (10, times(1000), lambda n, x: x * (n * n % 7)),
    "shifts beyond 64 bits": (1, lambda n, k: n + 10, lambda n, x: x * ((1 << n) % 1013)),
    "a shift by less than 0": (5, down, lambda n, x: x * (1 << n)),
    "bits": (5, lambda n, k: n + 3, lambda n, x: x * ((n & 6) | (n ^ 3)) + ~n - -n + abs(n)),
    "integers of 54 bits": (2**53, lambda n, k: n + 1, lambda n, x: x if n == 2.0**53 else -x),
    "quotients and remainders": (5, down, lambda n, x: x * (n / 3) + n // 3 + -n // 3 + -n % 3),
    "int8 that overflows": (5, lambda n, k: n + 30, lambda n, x: SMALL * n),
    "float32 that overflows": (5.0, times(1e8), lambda n, x: x.astype(np.float32) * n),
    "np.sqrt, which gives float64": (5.0, down, lambda n, x: x.astype(np.float32) * np.sqrt(n)),
    "round": (5.5, lambda n, k: n - 0.75, lambda n, x: x * round(n) + round(n, 1)),
    "ceil and floor": (3.7, down, lambda n, x: x * math.ceil(n) + math.floor(n) + math.trunc(n)),
    "math's functions": (5.0, down, lambda n, x: x * math.sqrt(n)),
    "its own methods": (3.5, down, lambda n, x: x * 2 if n.is_integer() else x * n.real),
    "repeated lists": (1, lambda n, k: n + 1, lambda n, x: x * len([0] * n)),
    "keys of dicts": (0, lambda n, k: (n + 1) % 3, lambda n, x: x * {0: 1.0, 1: 2.0, 2: 3.0}[n]),
    "ranges": (1, lambda n, k: n % 3 + 1, lambda n, x: sum([x * i for i in range(n)])),
    "chains of comparisons": (3.0, down, lambda n, x: x if 0 < n < 2 else -x),
    "an alternative": (3.0, down, lambda n, x: x * (n or 7.0)),
    "a sign of zero": (0.0, lambda n, k: -n, lambda n, x: x * math.copysign(1, n)),
    "not a number": (1.0, lambda n, k: math.nan if k % 2 else 1.0, lambda n, x: x * n),
    "bias corrections": (1, lambda n, k: n + 1, lambda n, x: x * (1 - 0.999**n) ** 0.5),
    "results": (1, lambda n, k: n + 1, lambda n, x: (n, n / 2, x * n)),
    "Variables": (3.0, down, lambda n, x: (Variable(x) * n + n).data),
    "a slope": (0.5, lambda n, k: n / 2, lambda n, x: F.leaky_relu(x - 1.5, n).data),
}


def outcome(function, x):
    """The results of a call, or the type of what it raises."""
    try:
        result = function(x)
    except (ArithmeticError, ValueError) as error:
        return type(error)
    return result if isinstance(result, tuple) else (result,)


def same(found, expected):
    """Values, types and dtypes are the same."""
    if isinstance(expected, type):
        assert found is expected
        return
    for a, b in zip(found, expected, strict=True):
        assert type(a) is type(b)
        np.testing.assert_allclose(a, b, rtol=1e-6)
        assert np.asarray(a).dtype == np.asarray(b).dtype


@EXECUTORS
@pytest.mark.parametrize("case", CASES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::dezero.compiler.CompileWarning")
def test_numbers_of_python(case, executor):
    start, change, function = CASES[case]
    settings = Settings()
    settings.n = start
    step = compile(lambda x: function(settings.n, x), executor=executor)
    for k in range(12):
        expected = outcome(lambda x: function(settings.n, x), X)
        found = outcome(step, X)
        same(found, expected)
        settings.n = change(settings.n, k)


@EXECUTORS
def test_numbers_that_a_step_computes(executor):
    def made():
        settings = Settings()
        settings.n, settings.power, settings.half = 1, 1, 100

        def step(x):
            settings.n += 1
            settings.power *= 37
            settings.half //= 2
            return x * (settings.power % 11) + settings.half

        return settings, step

    (expected, eager), (found, step) = made(), made()
    step = compile(step, executor=executor)
    for _ in range(20):
        np.testing.assert_array_equal(step(X), eager(X))
        assert vars(found) == vars(expected)
    assert found.power == 37**20
    assert sum(path.runs for path in step.all_paths()) > 10


@EXECUTORS
def test_a_division_by_zero_leaves_all_as_it_was(executor):
    settings = Settings()
    settings.n, settings.total = 8.0, np.zeros(2)

    def function(x):
        settings.n -= 1
        settings.total += x
        return x * (1 / settings.n)

    step = compile(function, executor=executor)
    for k in range(7):
        np.testing.assert_array_equal(step(X), X * (1 / (7.0 - k)))
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            step(X)
        assert settings.n == 1.0
        np.testing.assert_array_equal(settings.total, X * 7)
