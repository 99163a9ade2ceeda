"""Samples of the convolutions and of patches; the references are loops over places."""

from itertools import product

import numpy as np

from ...errors import DTypeError, ShapeError
from ..catalogue import Op, Refusal, Sample, drawn


def each(value, ndim):
    """value for each of ndim axes."""
    return value if isinstance(value, tuple) else (value,) * ndim


def places(sizes, kernel, stride, dilation):
    """Where a kernel stands in padded images: its place, and what it sees there."""
    span = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    counts = [(n - s) // t + 1 for n, s, t in zip(sizes, span, stride, strict=True)]
    for place in product(*map(range, counts)):
        seen = [
            slice(i * t, i * t + s, d)
            for i, t, s, d in zip(place, stride, span, dilation, strict=True)
        ]
        yield place, (slice(None), slice(None), *seen)


def conv(x, W, b=None, stride=1, pad=0, dilation=1, groups=1):
    """Every number of the output by itself."""
    axes = x.ndim - 2
    stride, pad, dilation = each(stride, axes), each(pad, axes), each(dilation, axes)
    x = np.pad(x, [(0, 0), (0, 0), *[(p, p) for p in pad]])
    spots = list(places(x.shape[2:], W.shape[2:], stride, dilation))
    outputs = [i + 1 for i in spots[-1][0]]
    y = np.zeros((len(x), len(W), *outputs), np.result_type(x, W))
    share, out = W.shape[1], len(W) // groups
    for (place, seen), o in product(spots, range(len(W))):
        own = slice(o // out * share, o // out * share + share)
        patch = x[seen][:, own]
        y[:, o][(slice(None), *place)] = (patch * W[o]).reshape(len(x), -1).sum(axis=1)
    return y if b is None else y + b.reshape(-1, *[1] * axes)


def deconv(x, W, b=None, stride=1, pad=0, outsize=None, dilation=1, groups=1):
    """Every number of the input painted by itself."""
    axes = x.ndim - 2
    stride, pad, dilation = each(stride, axes), each(pad, axes), each(dilation, axes)
    span = [d * (k - 1) + 1 for k, d in zip(W.shape[2:], dilation, strict=True)]
    full = [t * (n - 1) + s for t, n, s in zip(stride, x.shape[2:], span, strict=True)]
    cut = tuple([n - 2 * p for n, p in zip(full, pad, strict=True)])
    sizes = each(cut if outsize is None else outsize, axes)
    wide = [max(n + 2 * p, f) for n, p, f in zip(sizes, pad, full, strict=True)]
    share, into = len(W) // groups, W.shape[1]
    y = np.zeros((len(x), into * groups, *wide), np.result_type(x, W))
    for place, seen in places(full, W.shape[2:], stride, dilation):
        for c in range(len(W)):
            own = slice(c // share * into, c // share * into + into)
            brush = x[:, c][(slice(None), *place)]
            y[:, own][seen] += brush.reshape(-1, *[1] * (axes + 1)) * W[c]
    inner = [slice(p, p + n) for p, n in zip(pad, sizes, strict=True)]
    y = y[:, :, *inner]
    return y if b is None else y + b.reshape(-1, *[1] * axes)


def im2col(x, kernel_size, stride=1, pad=0, to_matrix=True, fill=0):
    """One patch after the other."""
    kernel, stride, pad = each(kernel_size, 2), each(stride, 2), each(pad, 2)
    x = np.pad(x, [(0, 0), (0, 0), *[(p, p) for p in pad]], constant_values=fill)
    spots = list(places(x.shape[2:], kernel, stride, (1, 1)))
    outputs = [i + 1 for i in spots[-1][0]]
    col = np.zeros((*x.shape[:2], *kernel, *outputs), x.dtype)
    for place, seen in spots:
        col[(..., *place)] = x[seen]
    if to_matrix:
        return np.moveaxis(col, (0, 4, 5, 1, 2, 3), range(6)).reshape(len(x) * np.prod(outputs), -1)
    return col


def col2im(x, input_shape, kernel_size, stride=1, pad=0, to_matrix=True):
    """The sums over the places at which each pixel is seen."""
    numbers = np.arange(np.prod(input_shape)).reshape(input_shape) + 1
    where = im2col(numbers, kernel_size, stride, pad, to_matrix)
    sums = np.zeros(np.prod(input_shape), x.dtype)
    for i in range(sums.size):
        sums[i] = x[where == i + 1].sum()
    return sums.reshape(input_shape)


def refusals(name, deconvolves=False):
    """Calls that no convolution of images takes."""
    x, W = np.ones((1, 4, 5, 5)), np.ones((4, 4, 3, 3))
    cases = [
        Refusal((np.ones((4, 5, 5)), W), ShapeError, (name, "(4, 5, 5)", "4 axes", "x[None]")),
        Refusal((x, np.ones((4, 4))), ShapeError, (name, "(4, 4)", "4 axes", "KH, KW")),
        Refusal((np.ones((1, 3, 5, 5)), W), ShapeError, (name, "channels", "3", "4")),
        Refusal((np.ones((1, 0, 5, 5)), W), ShapeError, (name, "(1, 0, 5, 5)", "size 0")),
        Refusal((x, W, np.ones(3)), ShapeError, (name, "b must", "(4,)")),
        Refusal((x, W), ShapeError, (name, "stride is 0", "at least 1"), {"stride": 0}),
        Refusal((x, W), ShapeError, (name, "pad is -1", "at least 0"), {"pad": -1}),
        Refusal((x, W), ShapeError, (name, "dilation is 0"), {"dilation": 0}),
        Refusal((x, W), ShapeError, (name, "stride", "one number or 2"), {"stride": (1, 1, 1)}),
        Refusal((x, W), DTypeError, (name, "stride", "whole"), {"stride": 1.5}),
        Refusal((x, W), ShapeError, (name, "groups is 3", "4"), {"groups": 3}),
    ]
    if deconvolves:
        cases += [
            Refusal((x, W), ShapeError, (name, "outsize", "(9, 9)", "(5, 5)"), {"outsize": 9}),
            Refusal((x, W), ShapeError, (name, "nothing is left"), {"pad": 4}),
        ]
    else:
        big = np.ones((4, 4, 6, 6))
        cases += [
            Refusal((x, big), ShapeError, (name, "(6, 6)", "(5, 5)", "larger")),
            Refusal((x, W), ShapeError, (name, "x has 4 channels", "8"), {"groups": 2}),
        ]
    return tuple(cases)


SIMPLE = (
    Sample((drawn(2, 2, 3, 4), drawn(3, 2, 2, 3), drawn(3))),
    Sample((drawn(1, 2, 5, 4), drawn(2, 2, 3, 2)), {"stride": (2, 1), "pad": (1, 0)}),
    Sample((drawn(2, 1, 4, 4), drawn(2, 1, 3, 3), drawn(2)), {"stride": 3, "pad": 2}),
    Sample((drawn(2, 3, 3, 2), drawn(4, 3, 1, 1), drawn(4))),
)

OPS = (
    Op(
        "conv2d",
        conv,
        samples=(
            *SIMPLE,
            Sample((drawn(1, 2, 4, 4), drawn(1, 2, 2, 3)), {"dilation": (3, 2), "pad": 1}),
            Sample((drawn(1, 4, 3, 2), drawn(6, 2, 2, 2), drawn(6)), {"groups": 2}),
            Sample(
                (drawn(2, 3, 3, 2), drawn(3, 1, 2, 3)), {"groups": 3, "pad": 1, "stride": (1, 2)}
            ),
            Sample((drawn(1, 1, 3, 3), drawn(4, 1, 2, 2), drawn(4))),
        ),
        refusals=refusals("conv2d"),
        integers="same",
        empty=(Sample((np.ones((0, 2, 4, 4)), np.ones((3, 2, 3, 3)), np.ones(3))), (0, 3, 2, 2)),
    ),
    Op(
        "conv2d_simple",
        conv,
        samples=SIMPLE,
        refusals=(
            Refusal((np.ones((1, 3, 5, 5)), np.ones((4, 4, 3, 3))), ShapeError, ("27", "36")),
            Refusal((np.ones((1, 4, 5, 5)), np.ones((4, 4, 6, 6))), ShapeError, ("(6, 6)",)),
        ),
        integers="same",
        empty=(Sample((np.ones((0, 2, 4, 4)), np.ones((3, 2, 3, 3)))), (0, 3, 2, 2)),
    ),
    Op(
        "conv1d",
        conv,
        samples=(
            Sample((drawn(2, 2, 6), drawn(3, 2, 3), drawn(3)), {"stride": 2, "pad": 1}),
            Sample((drawn(1, 4, 7), drawn(2, 2, 2)), {"dilation": 3, "groups": 2}),
        ),
        refusals=(
            Refusal((np.ones((1, 2, 4, 4)), np.ones((3, 2, 3))), ShapeError, ("conv1d", "C, L")),
        ),
        integers="same",
        empty=(Sample((np.ones((0, 2, 4)), np.ones((3, 2, 3)))), (0, 3, 2)),
    ),
    Op(
        "conv3d",
        conv,
        samples=(
            Sample((drawn(1, 2, 3, 2, 3), drawn(2, 2, 2, 1, 2), drawn(2)), {"pad": (1, 0, 0)}),
            Sample(
                (drawn(1, 2, 3, 3, 3), drawn(2, 1, 2, 2, 2)), {"stride": (1, 2, 1), "groups": 2}
            ),
        ),
        refusals=(
            Refusal((np.ones((1, 2, 4)), np.ones((3, 2, 3))), ShapeError, ("conv3d", "D, H, W")),
        ),
        integers="same",
        empty=(Sample((np.ones((0, 2, 2, 2, 2)), np.ones((3, 2, 2, 1, 2)))), (0, 3, 1, 2, 1)),
    ),
    Op(
        "deconv2d",
        deconv,
        samples=(
            Sample((drawn(2, 2, 3, 2), drawn(2, 3, 2, 3), drawn(3))),
            Sample((drawn(1, 2, 2, 3), drawn(2, 2, 3, 2)), {"stride": (2, 3), "pad": (1, 0)}),
            Sample((drawn(1, 2, 2, 2), drawn(2, 1, 3, 3)), {"stride": 2, "outsize": (6, 5)}),
            Sample((drawn(1, 6, 2, 2), drawn(6, 1, 2, 2), drawn(1)), {"pad": 1, "dilation": 2}),
            Sample((drawn(2, 4, 2, 2), drawn(4, 2, 2, 2), drawn(4)), {"groups": 2, "stride": 2}),
            Sample((drawn(1, 2, 3, 3), drawn(2, 1, 3, 3)), {"groups": 2}),
            Sample((drawn(2, 5, 2, 3), drawn(5, 2, 1, 1))),
        ),
        refusals=refusals("deconv2d", deconvolves=True),
        integers="same",
        empty=(Sample((np.ones((0, 2, 4, 4)), np.ones((2, 3, 3, 3)), np.ones(3))), (0, 3, 6, 6)),
    ),
    Op(
        "deconv1d",
        deconv,
        samples=(
            Sample((drawn(2, 3, 3), drawn(3, 2, 3), drawn(2)), {"stride": 2, "pad": 1}),
            Sample((drawn(1, 2, 3), drawn(2, 3, 2)), {"stride": 3, "outsize": 10, "dilation": 2}),
        ),
        refusals=(
            Refusal((np.ones((1, 2)), np.ones((2, 3, 3))), ShapeError, ("deconv1d", "C, L")),
        ),
        integers="same",
        empty=(Sample((np.ones((0, 2, 4)), np.ones((2, 3, 3)))), (0, 3, 6)),
    ),
    Op(
        "deconv3d",
        deconv,
        samples=(
            Sample((drawn(1, 2, 2, 1, 2), drawn(2, 2, 2, 2, 1), drawn(2)), {"stride": (2, 1, 2)}),
            Sample((drawn(1, 2, 2, 2, 2), drawn(2, 1, 2, 2, 2)), {"groups": 2, "pad": (0, 1, 0)}),
        ),
        refusals=(
            Refusal((np.ones((1, 2, 4)), np.ones((2, 3, 3))), ShapeError, ("deconv3d", "D, H, W")),
        ),
        integers="same",
        empty=(Sample((np.ones((0, 2, 2, 2, 2)), np.ones((2, 3, 2, 1, 2)))), (0, 3, 3, 2, 3)),
    ),
    Op(
        "im2col",
        im2col,
        samples=(
            Sample((drawn(2, 2, 4, 3), 2)),
            Sample((drawn(1, 2, 4, 5), (2, 3)), {"stride": (2, 1), "pad": (0, 1)}),
            Sample((drawn(2, 1, 3, 3), 3, 2, 1), {"to_matrix": False}),
            Sample((drawn(1, 1, 3, 3), (1, 2), 1, 1), {"fill": -7.0}),
        ),
        refusals=(
            Refusal((np.ones((3, 4, 4)), 2), ShapeError, ("im2col", "4 axes", "(3, 4, 4)")),
            Refusal((np.ones((1, 3, 4, 4)), 5), ShapeError, ("im2col", "(5, 5)", "(4, 4)")),
        ),
        integers="same",
        empty=(Sample((np.ones((0, 2, 4, 4)), 3)), (0, 18)),
    ),
    Op(
        "col2im",
        col2im,
        samples=(
            Sample((drawn(8, 8), (2, 2, 3, 3), 2)),
            Sample((drawn(4, 12), (1, 2, 3, 4), (2, 3)), {"stride": (2, 1), "pad": (0, 1)}),
            Sample((drawn(2, 1, 3, 3, 2, 2), (2, 1, 3, 3), 3, 2, 1), {"to_matrix": False}),
        ),
        refusals=(
            Refusal((np.ones((9, 4)), (1, 1, 3, 3), 2), ShapeError, ("col2im", "(9, 4)", "(4, 4)")),
        ),
        integers="same",
        empty=(Sample((np.ones((0, 18)), (0, 2, 4, 4), 3)), (0, 2, 4, 4)),
    ),
)
