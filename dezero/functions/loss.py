"""Losses: how far predictions are from targets, as one number. None of them broadcasts.

A mean over an empty batch has no value, so an empty batch is an error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays import Array, namespace
from ..arrays.special import sigmoid, softplus
from ..core import Rule, Variable
from ..core.variable import Constant, constant
from ..errors import DeZeroError, DTypeError, ShapeError, complaint
from .arithmetic import astype, sub
from .elementwise import square
from .probability import log_softmax, softmax
from .shape import reshape

__all__ = ["accuracy", "binary_cross_entropy", "mean_squared_error", "mean_squared_error_simple"]
__all__ += ["sigmoid_cross_entropy", "softmax_cross_entropy", "softmax_cross_entropy_simple"]

Operand = Any  # a Variable, an array or a number; all but Variables are constants


def check_batch(x: Array, t: Array) -> None:
    """Raise ShapeError unless x and t have one shape, or one element, and at least one row."""
    if x.shape != t.shape and not x.size == t.size == 1:
        hint = f": reshape the second with .reshape{x.shape}" if x.size == t.size else ""
        raise ShapeError("losses do not broadcast, so the shapes must be equal" + hint)
    if x.ndim == 0 or len(x) == 0:
        raise ShapeError("a mean over axis 0 needs at least one row there")


def check_labels(x: Array, t: Array) -> None:
    """Raise unless t has an integer label for each row of scores x."""
    if x.ndim != 2:
        raise ShapeError("scores must be of shape (N, C), a row for each label")
    if t.dtype.kind not in "iu":
        raise DTypeError("labels must be integers: write t.astype(int)")
    if t.shape != x.shape[:1]:
        hint = "t.argmax(axis=1) if t is one-hot" if t.shape == x.shape else "t.reshape(-1)"
        raise ShapeError(f"labels must be of shape ({len(x)},), one for each row: write {hint}")
    if len(t) == 0:
        raise ShapeError("a mean over axis 0 needs at least one row there")
    if t.min() < 0 or t.max() >= x.shape[1]:
        raise ShapeError(
            f"labels must be 0 to {x.shape[1] - 1}, as the scores have {x.shape[1]} columns, "
            f"but go from {t.min()} to {t.max()}"
        )


def check_probabilities(p: Array, name: str, instead: str) -> None:
    """Raise ShapeError unless every p is between 0 and 1 (or not a number)."""
    if p.size and (p.min() < 0 or p.max() > 1):
        raise ShapeError(
            f"{name} must be between 0 and 1, but goes from {p.min()} to {p.max()}: {instead}"
        )


def named(check: Callable[[Array, Array], None], op: str, **operands: Array) -> None:
    """Run a check outside a Rule; its errors name the op and its operands as a Rule's do."""
    try:
        check(*operands.values())
    except DeZeroError as error:
        raise type(error)(complaint(op, operands.items(), error)) from None


def operand(x: Operand, *others: Operand) -> Variable:
    """x itself if it is a Variable, else a constant beside the others."""
    return x if isinstance(x, Variable) else constant(x, others)


def matched(x: Operand, t: Operand) -> tuple[Variable, Variable]:
    """Predictions and targets as Variables, the targets in x's dtype and number of axes.

    Labels (N,) of scores (N, 1) are the usual case of one score for each row.
    """
    x = operand(x)
    t = operand(t, x)
    if x.ndim != t.ndim and x.size == t.size:
        t = reshape(t, x.shape)
    return x, astype(t, x.dtype) if x.dtype.kind == "f" and t.dtype != x.dtype else t


class MeanSquaredError(Rule):
    __slots__ = ()
    broadcasts = True  # of one element each: (1, 1) and (1,) are no mistake

    def forward(self, x0, x1):
        check_batch(x0, x1)
        difference = x0 - x1
        return (difference * difference).sum() / len(x0)

    def gradient(self, gy, x0, x1):
        gx0 = (x0 - x1) * (gy * (2 / len(x0)))
        return gx0 if self.needs(0) else None, -gx0 if self.needs(1) else None


def mean_squared_error(x0: Operand, x1: Operand) -> Variable:
    """sum((x0 - x1)^2) / len(x0): summed over all axes but the first, averaged over that.

    Args:
        x0: Predictions, of any shape but ().
        x1: Targets, of the same shape.

    Returns:
        One number.

    Raises:
        ShapeError: The shapes differ, or there is no row.

    Gradient:
        gy * 2 (x0 - x1) / len(x0) to x0, the negative to x1.

    >>> import numpy as np, dezero.functions as F
    >>> F.mean_squared_error(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 0.0], [0.0, 4.0]]))
    variable(6.5)
    """
    return MeanSquaredError().apply2(x0, x1)


def mean_squared_error_simple(x0: Operand, x1: Operand) -> Variable:
    """sum((x0 - x1)^2) / len(x0), step by step: a graph that keeps every step's result.

    Args:
        x0: Predictions, of any shape but ().
        x1: Targets, of the same shape.

    Returns:
        One number.

    Raises:
        ShapeError: The shapes differ, or there is no row.

    Gradient:
        That of the steps.

    >>> import numpy as np, dezero.functions as F
    >>> F.mean_squared_error_simple(np.array([1.0, 2.0]), np.array([1.0, 0.0]))
    variable(2.0)
    """
    x0 = operand(x0)
    x1 = operand(x1, x0)
    named(check_batch, "mean_squared_error_simple", x0=x0.data, x1=x1.data)
    y: Any = square(sub(x0, x1))
    return y.sum() / len(x0)


class SoftmaxCrossEntropy(Rule):
    __slots__ = ("slope",)

    def forward(self, x, t):
        check_labels(x, t)
        rows = namespace(x, t).arange(len(t))
        z = x - x.max(axis=1, keepdims=True)
        p = np.exp(z)
        total = p.sum(axis=1, keepdims=True)
        y = (np.log(total)[:, 0] - z[rows, t]).sum() / len(t)
        p /= total
        p[rows, t] -= 1
        self.slope = p  # the derivative of each row's loss: softmax(x) - onehot(t)
        return y

    def gradient(self, gy, x, t):
        slope = self.slope
        if isinstance(x, Variable):  # what forward kept is a constant: it has no slope itself
            columns = namespace(x.data).arange(x.shape[1])
            slope = softmax(x) - np.equal(t.data[:, np.newaxis], columns)
        return slope * (gy / len(t)), None


def softmax_cross_entropy(x: Operand, t: Operand) -> Variable:
    """mean(-log_softmax(x)[i, t[i]]) over rows i: the cross-entropy of scores and labels.

    Args:
        x: Scores (logits), in nats, (N, C).
        t: Integer labels, (N,), each from 0 to C - 1.

    Returns:
        One number, in nats, in x's dtype; inf where a label's score is -inf.

    Raises:
        DTypeError: t is not of integers.
        ShapeError: x is not (N, C), t is not (N,), a label is out of range, or N is 0.

    Gradient:
        gy * (softmax(x) - onehot(t)) / N to x.

    >>> import numpy as np, dezero.functions as F
    >>> F.softmax_cross_entropy(np.array([[0.0, 0.0], [0.0, 1000.0]]), np.array([0, 1]))
    variable(0.34657359027997264)
    """
    return SoftmaxCrossEntropy().apply2(x, t)


def softmax_cross_entropy_simple(x: Operand, t: Operand) -> Variable:
    """mean(-log_softmax(x)[i, t[i]]) over rows i, step by step.

    Args:
        x: Scores (logits), in nats, (N, C).
        t: Integer labels, (N,), each from 0 to C - 1.

    Returns:
        One number, in nats, in x's dtype.

    Raises:
        DTypeError: t is not of integers.
        ShapeError: x is not (N, C), t is not (N,), a label is out of range, or N is 0.

    Gradient:
        That of the steps, to x.

    >>> import numpy as np, dezero.functions as F
    >>> F.softmax_cross_entropy_simple(np.array([[0.0, 0.0]]), np.array([0]))
    variable(0.6931471805599453)
    """
    x = operand(x)
    t = operand(t, x).data
    named(check_labels, "softmax_cross_entropy_simple", x=x.data, t=t)
    log_p: Any = log_softmax(x)
    return -log_p[namespace(t).arange(len(t)), t].mean()


class SigmoidCrossEntropy(Rule):
    __slots__ = ()
    broadcasts = True  # of one element each: (1, 1) and (1,) are no mistake

    def forward(self, x, t):
        check_batch(x, t)
        check_probabilities(t, "t", "labels are 0 or 1")
        # softplus(x) - t * x, where what cancels (x against 1 * x) cancels exactly
        return (np.maximum(x, 0) - t * x + softplus(np.minimum(x, -x))).sum() / len(x)

    def gradient(self, gy, x, t):
        gy = gy / len(x)
        return gy * (sigmoid(x) - t) if self.needs(0) else None, -gy * x if self.needs(1) else None


def sigmoid_cross_entropy(x: Operand, t: Operand) -> Variable:
    """sum(-t log(p) - (1 - t) log(1 - p)) / len(x) of p = sigmoid(x), stable for any finite x.

    Args:
        x: Scores (logits), in nats, of any shape but ().
        t: Labels 0 or 1, or probabilities between, of x's shape; (N,) for x of (N, 1) too.

    Returns:
        One number, in nats, in x's dtype.

    Raises:
        ShapeError: The shapes differ, there is no row, or t is not between 0 and 1.

    Gradient:
        gy * (sigmoid(x) - t) / len(x) to x, -gy * x / len(x) to t.

    >>> import numpy as np, dezero.functions as F
    >>> F.sigmoid_cross_entropy(np.array([0.0, 1000.0]), np.array([1, 1]))
    variable(0.34657359027997264)
    """
    return SigmoidCrossEntropy().apply2(*matched(x, t))


class BinaryCrossEntropy(Rule):
    __slots__ = ()
    broadcasts = True  # of one element each: (1, 1) and (1,) are no mistake

    def forward(self, p, t):
        check_batch(p, t)
        check_probabilities(p, "p", "write sigmoid_cross_entropy for scores")
        check_probabilities(t, "t", "labels are 0 or 1")
        return (-t * np.log(positive(p)) - (1 - t) * np.log(positive(1 - p))).sum() / len(p)

    def gradient(self, gy, p, t):
        gy = gy / len(p)
        gp = gt = None
        if self.needs(0):
            gp = gy * ((1 - t) / positive(1 - p) - t / positive(p))
        if self.needs(1):
            gt = gy * (np.log(positive(1 - p)) - np.log(positive(p)))
        return gp, gt


def positive(p: Any) -> Any:
    """p, or where it is 0 the smallest normal number, whose logarithm and inverse are finite."""
    dtype = p.dtype if p.dtype.kind == "f" else np.float64
    return np.maximum(p, float(np.finfo(dtype).tiny))


def binary_cross_entropy(p: Operand, t: Operand) -> Variable:
    """sum(-t log(p) - (1 - t) log(1 - p)) / len(p) of probabilities p.

    Where p excludes what t says (0 against 1) the loss is infinite; it counts as that of the
    smallest normal number of p's dtype (708 nats in float64, 87 in float32), so that it and its
    gradient stay finite. Scores are better left to `sigmoid_cross_entropy`.

    Args:
        p: Probabilities, of any shape but ().
        t: Labels 0 or 1, or probabilities between, of p's shape; (N,) for p of (N, 1) too.

    Returns:
        One number, in nats, in p's dtype.

    Raises:
        ShapeError: The shapes differ, there is no row, or p or t is not between 0 and 1.

    Gradient:
        gy * ((1 - t) / (1 - p) - t / p) / len(p) to p, gy * log((1 - p) / p) / len(p) to t.

    >>> import numpy as np, dezero.functions as F
    >>> F.binary_cross_entropy(np.array([0.5, 1.0]), np.array([1, 1]))
    variable(0.34657359027997264)
    """
    return BinaryCrossEntropy().apply2(*matched(p, t))


def accuracy(y: Operand, t: Operand) -> Constant:
    """The share of rows whose largest score is at the label: mean(argmax(y, axis=1) == t).

    Args:
        y: Scores or probabilities, (N, C). The first of equal scores counts as the largest.
        t: Integer labels, (N,), each from 0 to C - 1.

    Returns:
        A constant between 0 and 1, in y's dtype, float64 where y is of integers.

    Raises:
        DTypeError: t is not of integers.
        ShapeError: y is not (N, C), t is not (N,), a label is out of range, or N is 0.

    Gradient:
        None: accuracy is piecewise constant.

    >>> import numpy as np, dezero.functions as F
    >>> F.accuracy(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1]))
    variable(0.5)
    """
    y = operand(y).data
    t = operand(t, y).data
    named(check_labels, "accuracy", y=y, t=t)
    share = (y.argmax(axis=1) == t).mean()
    return constant(share.astype(y.dtype) if y.dtype.kind == "f" else share)
