"""Attention: each query's weighted mean of the values whose keys it fits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays import as_array, is_array, mixed_devices, namespace
from ..core import Rule, Variable
from ..errors import DeviceError, DTypeError, ShapeError, complaint, described
from .shape import reshape

__all__ = ["scaled_dot_product_attention"]

Operand = Any  # a Variable, an array or a number; all but Variables are constants


def attention_weights(q: Any, k: Any, bias: Any, scale: float) -> Any:
    """softmax(q @ k.T * scale + bias) over the keys; zeros for a query that may see none."""
    scores = (q * scale) @ np.swapaxes(k, -1, -2)
    if bias is not None:
        scores += bias
    highest = scores.max(axis=-1, keepdims=True)
    scores -= np.maximum(highest, np.finfo(highest.dtype).min)
    weights = np.exp(scores)
    total = weights.sum(axis=-1, keepdims=True)
    weights /= np.where(np.equal(total, 0), 1, total)
    return weights


class ScaledDotProductAttention(Rule):
    __slots__ = ("bias", "scale", "weights")
    broadcasts = True

    def __init__(self, bias: Any, scale: float) -> None:
        self.bias = bias
        self.scale = scale

    def forward(self, q, k, v):
        self.weights = attention_weights(q, k, self.bias, self.scale)
        return self.weights @ v

    def gradient(self, gy, q, k, v):
        # kept from the forward pass, but computed again where it must be differentiable itself
        recorded = isinstance(q, Variable)
        weights = attention_weights(q, k, self.bias, self.scale) if recorded else self.weights
        gscores = gy @ np.swapaxes(v, -1, -2)  # as yet those of the weights
        gscores -= (weights * gscores).sum(axis=-1, keepdims=True)
        gscores *= weights
        gscores *= self.scale
        gq = gscores @ k if self.needs(0) else None
        gk = np.swapaxes(gscores, -1, -2) @ q if self.needs(1) else None
        return gq, gk, np.swapaxes(weights, -1, -2) @ gy if self.needs(2) else None


def scaled_dot_product_attention(
    q: Operand,
    k: Operand,
    v: Operand,
    mask: Any = None,
    causal: bool = False,
    scale: float | None = None,
) -> Variable:
    """softmax(q @ k.T * scale + mask) @ v.

    Args:
        q: Queries, of shape (..., T, D), usually (N, H, T, D) for H heads.
        k: Keys, of shape (..., S, D). It and v may have fewer heads, a divisor of q's: each is
            then shared by a group of q's neighbouring heads.
        v: Values, of shape (..., S, E).
        mask: What queries may see: truth values, or numbers that are added to the scores (-inf
            hides a key), of a shape that broadcasts to (..., T, S). No gradient reaches it.
        causal: Let query i see the keys up to i + S - T only: the last query sees all.
        scale: 1 / sqrt(D) where it is None.

    Returns:
        Of shape (..., T, E), in q's dtype; zeros for a query that may see no key.

    Raises:
        ShapeError: The axes of q, k, v and mask do not fit together.
        DTypeError: The operands are no floating-point numbers, or of different dtypes.

    Gradient:
        To q, k and v; the attention weights are kept for it, (..., T, S) numbers.

    Source:
        Vaswani et al., "Attention is all you need", arXiv:1706.03762; groups of heads:
        Ainslie et al., arXiv:2305.13245.

    >>> import numpy as np, dezero.functions as F
    >>> x = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> F.scaled_dot_product_attention(x, x, x, causal=True)[0]
    variable([1. 0.])
    """
    qs, ks, vs = (_checked(name, x) for name, x in (("q", q), ("k", k), ("v", v)))
    problem = _problem(qs, ks, vs)
    if problem:
        raise (ShapeError if "dtype" not in problem else DTypeError)(
            complaint("scaled_dot_product_attention", [("q", qs), ("k", ks), ("v", vs)], problem)
        )
    scale = 1 / math.sqrt(qs.shape[-1]) if scale is None else scale
    bias = _bias(qs, ks, mask, causal)
    if qs.ndim < 3 or qs.shape[-3] == ks.shape[-3]:
        return ScaledDotProductAttention(bias, scale)(q, k, v)
    heads, groups = qs.shape[-3], ks.shape[-3]
    q = reshape(q, (*qs.shape[:-3], groups, heads // groups, *qs.shape[-2:]))
    k, v = (reshape(x, (*s.shape[:-2], 1, *s.shape[-2:])) for x, s in ((k, ks), (v, vs)))
    if bias is not None and bias.ndim > 2:
        bias = np.broadcast_to(bias, (*bias.shape[:-3], heads, *bias.shape[-2:]))
        bias = bias.reshape(*bias.shape[:-3], groups, heads // groups, *bias.shape[-2:])
    y = ScaledDotProductAttention(bias, scale)(q, k, v)
    return reshape(y, (*qs.shape[:-1], vs.shape[-1]))


def _checked(name: str, x: Any) -> Any:
    """The array behind an operand."""
    data = x.data if isinstance(x, Variable) else as_array(x)
    if data.ndim < 2 or data.dtype.kind != "f":
        raise DTypeError(
            f"scaled_dot_product_attention: {name} is {described(data)}, but must be floating-point"
            " numbers of shape (..., T, D)"
        )
    return data


def _problem(q: Any, k: Any, v: Any) -> str | None:
    """What does not fit, if anything."""
    if not q.dtype == k.dtype == v.dtype:
        return "q, k and v must have one dtype: write x.astype(...)"
    if q.shape[-1] != k.shape[-1]:
        return f"k's last axis ({k.shape[-1]}) must equal q's ({q.shape[-1]})"
    if k.shape[:-1] != v.shape[:-1]:
        return "v must have k's shape, all but the last axis"
    if q.ndim != k.ndim or q.shape[:-3] != k.shape[:-3]:
        return "the axes before the heads must be the same in q and k"
    if q.ndim > 2 and (not k.shape[-3] or q.shape[-3] % k.shape[-3]):
        return f"q's heads ({q.shape[-3]}) must be a multiple of k's ({k.shape[-3]})"
    return None


def _check_device(q: Any, mask: Any) -> None:
    """Raise DeviceError unless the mask is where q is."""
    error = mixed_devices([q, mask])
    if error is not None:
        names = [("q", q), ("mask", mask)]
        raise DeviceError(complaint("scaled_dot_product_attention", names, error))


def _bias(q: Any, k: Any, mask: Any, causal: bool) -> Any:
    """mask and causal as numbers that are added to the scores, or None."""
    xp = namespace(q)
    rows, columns = q.shape[-2], k.shape[-2]
    bias = None
    if mask is not None:
        mask = mask.data if isinstance(mask, Variable) else mask
        mask = mask if is_array(mask) else xp.asarray(mask)
        _check_device(q, mask)
        full = (*q.shape[:-1], columns)
        if len(mask.shape) > len(full) or any(
            m not in (1, n) for m, n in zip(mask.shape[::-1], full[::-1], strict=False)
        ):
            raise ShapeError(
                f"scaled_dot_product_attention: mask is {described(mask)}, but must broadcast to "
                f"{full}"
            )
        bias = xp.where(mask, 0.0, -math.inf) if mask.dtype == bool else mask
        bias = bias.astype(q.dtype)
    if causal:
        visible = xp.tri(rows, columns, columns - rows, dtype=bool)
        hidden = xp.where(visible, 0.0, -math.inf).astype(q.dtype)
        bias = hidden if bias is None else bias + hidden
    return bias
