"""Samples of the normalisations."""

import numpy as np

from ...errors import ShapeError
from ..catalogue import Fixed, Op, Refusal, Sample, drawn

AVERAGES = (Fixed(np.zeros(3)), Fixed(np.ones(3)))


def batch_norm(x, gamma, beta, mean, var, decay=0.9, eps=2e-5):
    """One channel after the other."""
    y = np.zeros(x.shape)
    for c in range(x.shape[1]):
        channel = x[:, c]
        y[:, c] = gamma[c] * (channel - np.mean(channel)) / np.sqrt(np.var(channel) + eps) + beta[c]
    return y


def layer_norm(x, gamma, beta, eps=1e-5):
    """The definition, with NumPy's mean and variance."""
    mean, var = np.mean(x, -1, keepdims=True), np.var(x, -1, keepdims=True)
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


def rms_norm(x, gamma, eps=1e-6):
    """The definition."""
    return gamma * x / np.sqrt(np.mean(np.square(x), -1, keepdims=True) + eps)


CHANNELS = (drawn(3, low=0.5, high=1.5), drawn(3, seed=1), *AVERAGES)
ROWS = Sample((drawn(5, 3), *CHANNELS))


def batch_norm_op(name, *samples):
    """Batch normalisation under one of its names."""
    return Op(
        name,
        batch_norm,
        samples=samples,
        refusals=(
            Refusal((np.ones(3), np.ones(3), np.ones(3), *AVERAGES), ShapeError, ("(N, C)",)),
            Refusal(
                (np.ones((2, 3)), np.ones(2), np.ones(3), *AVERAGES),
                ShapeError,
                ("batch_norm", "gamma", "(2,)", "(3,)"),
            ),
            Refusal(
                (np.ones((2, 4)), np.ones(4), np.ones(4), *AVERAGES),
                ShapeError,
                ("mean and var", "(4,)"),
            ),
            Refusal(
                (np.ones((0, 3)), np.ones(3), np.ones(3), *AVERAGES), ShapeError, ("empty batch",)
            ),
        ),
    )


def row_norm(name, reference, parameters):
    """A normalisation of rows, with this many parameters."""
    given = [drawn(4, seed=i, low=0.5, high=1.5) for i in range(parameters)]
    ones = (np.ones(4),) * parameters
    return Op(
        name,
        reference,
        samples=(
            Sample((drawn(3, 4), *given)),
            Sample((drawn(2, 3, 4), *given), {"eps": 0.1}),
            Sample((drawn(4), *given)),
        ),
        refusals=(
            Refusal((np.ones((2, 3)), *ones), ShapeError, (name, "(3,)", "(4,)")),
            Refusal((np.ones((2, 0)), *ones), ShapeError, (name, "last axis")),
        ),
        empty=(Sample((np.ones((0, 4)), *ones)), (0, 4)),
    )


OPS = (
    batch_norm_op(
        "batch_norm",
        ROWS,
        Sample((drawn(2, 3, 2, 3), *CHANNELS)),
        Sample((drawn(3, 3, 2), *CHANNELS), {"decay": 0.5, "eps": 0.1}),
    ),
    batch_norm_op("batch_nrom", ROWS),
    row_norm("layer_norm", layer_norm, 2),
    row_norm("rms_norm", rms_norm, 1),
)
