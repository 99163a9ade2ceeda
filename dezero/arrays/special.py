"""Elementwise functions that NumPy lacks."""

from __future__ import annotations

import math

import numpy as np

from .kernels import kernel
from .namespace import Array
from .pieces import in_pieces

# The normal distribution's tail over its density, at z >= 0, is P(z) / Q(z) up to where the tail
# is 0 in float32 and in float64: that limit, then P's and Q's coefficients, highest power first.
# Fitted to the least maximal relative error (7e-9 and 7e-17) by Lawson's reweighted least squares.
# All coefficients are positive: nothing cancels.
TAIL32 = (
    15.0,
    (
        0.004152650978,
        0.04087795443,
        0.1839605761,
        0.4392730349,
        0.5000000031,
    ),
    (
        0.01040904062,
        0.1024719556,
        0.4713857457,
        1.205514615,
        1.676431068,
        1.0,
    ),
)
TAIL64 = (
    39.0,
    (
        1.3881396740744587e-06,
        3.7308859510501864e-05,
        0.0004910181889262818,
        0.004093455883601256,
        0.02364186349216546,
        0.09776274814456176,
        0.289473350849608,
        0.5942424706944345,
        0.7750086782649925,
        0.5,
    ),
    (
        3.4795501561823066e-06,
        9.351944214114516e-05,
        0.001234279626074424,
        0.01035429168983629,
        0.06048520489215221,
        0.2551285904386372,
        0.7824368875273193,
        1.7150095525299707,
        2.5618396315085055,
        2.3479019173328406,
        1.0,
    ),
)


@kernel
def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), elementwise, without overflow and exact in both tails.

    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    z = np.exp(np.minimum(x, -x))  # e^-|x| is at most 1
    y = np.maximum(z, x >= 0)  # the numerator: 1 on the right, e^x on the left
    z += 1
    y /= z
    return y


def softplus(x: Array) -> Array:
    """log(1 + exp(x)), elementwise, without overflow and exact in both tails.

    >>> softplus(np.array([-1000.0, 0.0, 1000.0]))
    array([0.00000000e+00, 6.93147181e-01, 1.00000000e+03])
    """
    return np.maximum(x, 0) + np.log1p(np.exp(np.minimum(x, -x)))


@kernel
def normal_cdf(x: Array) -> Array:
    """The probability that a standard normal number is below x, exact in the left tail as well.

    (1 + erf(x / sqrt(2))) / 2, elementwise; float16 is computed in float32. The error is at most
    6 + x^2 / 2 units in the last place: rounding x^2 is what grows in the tail.

    >>> normal_cdf(np.array([-10.0, 0.0, 10.0]))
    array([7.61985302e-24, 5.00000000e-01, 1.00000000e+00])
    """
    if x.dtype == np.float16:
        return normal_cdf(x.astype(np.float32)).astype(np.float16)
    return in_pieces(lambda x: share_and_bell(x)[0], 0, x)


@kernel
def gelu(x: Array) -> tuple[Array, Array]:
    """x * normal_cdf(x), and the derivative of that, elementwise; float16 as in `normal_cdf`.

    >>> gelu(np.array([0.0, 10.0]))
    (array([ 0., 10.]), array([0.5, 1. ]))
    """
    if x.dtype == np.float16:
        y, slope = gelu(x.astype(np.float32))
        return y.astype(np.float16), slope.astype(np.float16)
    return in_pieces(gelu_and_slope, 0, x)  # type: ignore[no-any-return]


def gelu_and_slope(x: Array) -> tuple[Array, Array]:
    """Both results of `gelu`."""
    share, slope = share_and_bell(x)
    slope *= math.sqrt(0.5 / math.pi)  # from the bell to the density
    slope *= x
    slope += share
    share *= x
    return share, slope


def share_and_bell(x: Array) -> tuple[Array, Array]:
    """normal_cdf(x), and exp(-x^2 / 2)."""
    limit, p, q = TAIL32 if x.dtype == np.float32 else TAIL64
    z = np.minimum(np.abs(x), limit)
    bell = z * z
    bell *= -0.5
    bell = np.exp(bell)
    tail = polynomial(p, z)
    tail *= bell
    tail /= polynomial(q, z)
    return np.abs((x > 0) - tail), bell  # tail on the left, 1 - tail on the right


def polynomial(coefficients: tuple[float, ...], z: Array) -> Array:
    """The polynomial's value at z, by Horner's rule; the highest power's coefficient first."""
    y = coefficients[0] * z
    for c in coefficients[1:-1]:
        y += c
        y *= z
    y += coefficients[-1]
    return y
