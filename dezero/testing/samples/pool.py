"""Samples of pooling; the references look at one window after the other."""

import numpy as np

from ...errors import DTypeError, ShapeError
from ..catalogue import Op, Refusal, Sample
from .conv import each, places


def pooled(reduce, fill):
    """A pooling that reduces the numbers of each window to one."""

    def reference(x, kernel_size, stride=1, pad=0, dilation=1):
        axes = x.ndim - 2
        kernel, stride, pad = each(kernel_size, axes), each(stride, axes), each(pad, axes)
        x = np.pad(x, [(0, 0), (0, 0), *[(p, p) for p in pad]], constant_values=fill)
        spots = list(places(x.shape[2:], kernel, stride, each(dilation, axes)))
        y = np.zeros((*x.shape[:2], *[i + 1 for i in spots[-1][0]]))
        for place, seen in spots:
            y[(..., *place)] = reduce(x[seen], axis=tuple(range(2, x.ndim)))
        return y

    return reference


def images(*shape):
    """Numbers that are far from each other in every window."""
    order = np.random.default_rng([7, *shape]).permutation(np.prod(shape))
    return order.reshape(shape) / 10.0 - 1


SAMPLES = (
    Sample((images(2, 2, 4, 4), 2, 2)),
    Sample((images(1, 2, 5, 4), (3, 2)), {"stride": (2, 1), "pad": (1, 0)}),
    Sample((images(2, 1, 5, 5), 3, 2, 1)),
    Sample((images(1, 1, 5, 6), (2, 3), (3, 2))),
    Sample((images(1, 1, 3, 3), 3)),
)

OTHER_AXES = (
    Sample((images(2, 2, 6), 3, 2, 1)),
    Sample((images(1, 2, 3, 2, 4), (2, 1, 2)), {"stride": (1, 1, 2)}),
    Sample((images(1, 2, 5, 6), (2, 3)), {"pad": 1, "dilation": (3, 2)}),
)


def refusals(name):
    """Calls that no pooling takes."""
    x = np.ones((1, 1, 4, 4))
    return (
        Refusal((np.ones((4, 4)), 2), ShapeError, (name, "(4, 4)", "N, C, H, W")),
        Refusal((x, 5), ShapeError, (name, "(5, 5)", "(4, 4)")),
        Refusal((x, 2, 0), ShapeError, (name, "stride is 0")),
        Refusal((x, 2, 1, 2), ShapeError, (name, "pad (2, 2)", "smaller")),
        Refusal((x, (2, 2, 2)), ShapeError, (name, "kernel_size", "2")),
        Refusal((x, 2.0), DTypeError, (name, "kernel_size", "whole")),
    )


def max_pooling(name, *samples):
    """Max pooling under one of its names."""
    return Op(
        name,
        pooled(np.max, -np.inf),
        samples=samples,
        refusals=(
            *refusals("pooling"),
            Refusal((np.ones((1, 1, 2, 2), int), 2), DTypeError, ("int64", "astype")),
        ),
        integers=None,
        empty=(Sample((np.ones((0, 2, 4, 4)), 3)), (0, 2, 2, 2)),
    )


OPS = (
    max_pooling("pooling", *SAMPLES, *OTHER_AXES),
    max_pooling("max_pooling", SAMPLES[0]),
    Op(
        "pooling_simple",
        pooled(np.max, -np.inf),
        samples=SAMPLES,
        refusals=(
            Refusal((np.ones((1, 4, 4)), 2), ShapeError, ("(1, 4, 4)", "4 axes")),
            Refusal((np.ones((1, 1, 2, 2)), 3), ShapeError, ("(3, 3)", "(2, 2)")),
        ),
        integers=None,
        empty=(Sample((np.ones((0, 2, 4, 4)), 3)), (0, 2, 2, 2)),
    ),
    Op(
        "average_pooling",
        pooled(np.mean, 0.0),
        samples=(*SAMPLES, *OTHER_AXES),
        refusals=refusals("average_pooling"),
        empty=(Sample((np.ones((0, 2, 4, 4)), 3)), (0, 2, 2, 2)),
    ),
    Op(
        "global_average_pooling",
        lambda x: x.reshape(*x.shape[:2], -1).mean(axis=2),
        samples=(Sample((images(2, 3, 2, 3),)), Sample((images(2, 3, 4),))),
        refusals=(Refusal((np.ones((2, 3)),), ShapeError, ("(2, 3)", "N, C, H, W")),),
        empty=(Sample((np.ones((0, 2, 4, 4)),)), (0, 2)),
    ),
)
