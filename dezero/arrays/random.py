"""Random numbers that are a function of a key and a counter, for what is drawn while running.

Number i is `mix(key + (i + 1) * STEP)`, the generator SplitMix64 read at any place: the same bits
on every platform, in any order, in NumPy, on a GPU or in generated C, and all of its state is two
integers. Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (2014).

The state belongs to the process. A lock guards it: threads draw different numbers, but which
thread gets which depends on who comes first.
"""

from __future__ import annotations

from threading import Lock
from typing import Any

import numpy as np

from ..errors import ShapeError, StateError
from .kernels import kernel
from .namespace import Array, namespace

WORD = 2**64
STEP = 0x9E3779B97F4A7C15  # 2^64 over the golden ratio, odd: visits every word once
MIXER = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))
DEFAULT_SEED = 0


class State:
    """Where the stream stands: the key, and how many 64-bit words have been drawn."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.key = self.counter = 0


state = State()


def seed(n: int) -> None:
    """Start a stream of random numbers: the same n gives the same numbers.

    Until it is called the stream is that of `seed(0)`.

    Args:
        n: An integer of any size.

    Raises:
        StateError: n is no integer.

    >>> seed(7)
    >>> x = uniform((2,))
    >>> seed(7)
    >>> bool((uniform((2,)) == x).all())
    True
    """
    # mixed, or the streams of neighbouring seeds would be one stream, shifted
    set_state((mixed(integer(n, "seed") * STEP), 0))


def get_state() -> tuple[int, int]:
    """The key and the counter: with `set_state` the stream goes on from here."""
    with state.lock:
        return state.key, state.counter


def set_state(key_and_counter: Any) -> None:
    """Continue the stream from what `get_state` returned.

    Raises:
        StateError: It is no pair of integers from 0 to 2^64 - 1.
    """
    if not isinstance(key_and_counter, tuple | list) or len(key_and_counter) != 2:
        raise StateError(f"the random state is (key, counter), but got {key_and_counter!r}")
    key, counter = (integer(n, "random state") for n in key_and_counter)
    if not (0 <= key < WORD and 0 <= counter < WORD):
        raise StateError(f"key and counter are 0 to 2^64 - 1, but got {(key, counter)}")
    with state.lock:
        state.key, state.counter = key, counter


def integer(n: Any, what: str) -> int:
    """N as a Python integer."""
    if isinstance(n, bool) or not isinstance(n, int | np.integer):
        raise StateError(f"{what} must be an integer, but got {n!r}")
    return int(n)


def mixed(word: int) -> int:
    """SplitMix64's mixing of one word; `words` does the same to arrays."""
    z = word % WORD
    for shift, factor in MIXER:
        z = (z ^ (z >> shift)) * factor % WORD
    return z ^ (z >> 31)


def reserve(count: int) -> tuple[int, int]:
    """Take the next `count` words out of the stream: the key, and the counter of the first."""
    with state.lock:
        first = state.counter
        state.counter = (first + count) % WORD
        return state.key, first


def words(count: int, xp: Any = np) -> Array:
    """The next random 64-bit words, as an array of uint64 made by the namespace xp."""
    key, first = reserve(count)
    z = xp.arange(count, dtype=np.uint64)
    z *= np.uint64(STEP)
    z += np.uint64((key + (first + 1) * STEP) % WORD)
    for shift, factor in MIXER:
        z ^= z >> np.uint64(shift)
        z *= np.uint64(factor)
    z ^= z >> np.uint64(31)
    return z


def halves(count: int, xp: Any = np) -> Array:
    """The next random 32-bit words: each 64-bit word gives its low half, then its high half."""
    return words((count + 1) // 2, xp).astype("<u8", copy=False).view("<u4")[:count]


def uniform(shape: tuple[int, ...], dtype: Any = np.float64, xp: Any = np) -> Array:
    """Numbers spread evenly over [0, 1): every one of them a multiple of the same power of 2.

    Args:
        shape: The shape of the result.
        dtype: float64 (53 random bits each), float32 (24) or float16 (11).
        xp: The namespace that makes the array.

    >>> seed(0)
    >>> uniform((2, 3), np.float32).dtype
    dtype('float32')
    """
    dtype = np.dtype(dtype)
    count = int(np.prod(shape, dtype=np.int64))
    bits = np.finfo(dtype).nmant + 1
    if dtype == np.float64:
        drawn = words(count, xp) >> np.uint64(64 - bits)
    else:
        drawn = halves(count, xp) >> np.uint32(32 - bits)
    return (drawn.astype(dtype) * dtype.type(2.0**-bits)).reshape(shape)


def normal(shape: tuple[int, ...], dtype: Any = np.float64, xp: Any = np) -> Array:
    """Numbers of the standard normal distribution, by Box and Muller's method.

    The bits behind them are the same everywhere; log, cos and sin round as the platform does.

    Args:
        shape: The shape of the result.
        dtype: float64, float32, or float16 (drawn as float32).
        xp: The namespace that makes the array.

    >>> seed(0)
    >>> normal((2,)).shape
    (2,)
    """
    dtype = np.dtype(dtype)
    wide = np.promote_types(dtype, np.float32)
    count = int(np.prod(shape, dtype=np.int64))
    u = uniform((2, (count + 1) // 2), wide, xp)
    radius = np.sqrt(-2 * np.log(1 - u[0]))  # 1 - u is never 0
    angle = wide.type(2 * np.pi) * u[1]
    pairs = xp.concatenate([radius * np.cos(angle), radius * np.sin(angle)])
    return pairs[:count].reshape(shape).astype(dtype, copy=False)


@kernel
def dropout_mask(x: Array, ratio: float) -> Array:
    """For each element of x: 0 with probability ratio, else 1 / (1 - ratio).

    Args:
        x: Gives the mask its shape, dtype (float64 for integers) and device.
        ratio: At least 0 and below 1.

    Raises:
        ShapeError: ratio is outside [0, 1).

    >>> seed(0)
    >>> sorted(set(dropout_mask(np.ones(100), 0.5)))
    [np.float64(0.0), np.float64(2.0)]
    """
    if not 0 <= ratio < 1:
        raise ShapeError(f"the dropout ratio must be at least 0 and below 1, not {ratio}")
    kept = halves(x.size, namespace(x)) >= np.uint32(ratio * 2**32)
    dtype = x.dtype if x.dtype.kind == "f" else np.dtype(np.float64)
    return kept.reshape(x.shape) * dtype.type(1 / (1 - ratio))


seed(DEFAULT_SEED)
