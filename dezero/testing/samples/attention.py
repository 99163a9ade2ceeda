"""Samples of attention."""

import numpy as np

from ...errors import DTypeError, ShapeError
from ..catalogue import Fixed, Op, Refusal, Sample, drawn


def attention(q, k, v, mask=None, causal=False, scale=None):
    """Query by query, key by key, in float64."""
    q, k, v = (np.asarray(x, np.float64) for x in (q, k, v))
    if q.ndim == 2:
        return attention(q[None], k[None], v[None], mask, causal, scale)[0]
    scale = q.shape[-1] ** -0.5 if scale is None else scale
    (heads, T, _), S = q.shape[-3:], k.shape[-2]
    full = np.zeros((*q.shape[:-1], S))
    if mask is not None:
        full = full + (np.where(mask, 0.0, -np.inf) if mask.dtype == bool else mask)
    y = np.zeros((*q.shape[:-1], v.shape[-1]))
    for at in np.ndindex(q.shape[:-2]):
        shared = (*at[:-1], at[-1] // (heads // k.shape[-3]))
        for i in range(T):
            seen = [s for s in range(S) if not causal or s <= i + S - T]
            scores = {s: scale * q[at][i] @ k[shared][s] + full[at][i, s] for s in seen}
            weights = {s: np.exp(score) for s, score in scores.items()}
            total = sum(weights.values())
            for s, w in weights.items():
                y[at][i] += w / total * v[shared][s] if total else 0.0
    return y


Q = drawn(2, 2, 3, 4)
K = drawn(2, 2, 3, 4, seed=1)
V = drawn(2, 2, 3, 2, seed=2)
MASK = np.array([[True, False, True], [False, False, False], [True, True, True]])

OPS = (
    Op(
        "scaled_dot_product_attention",
        attention,
        samples=(
            Sample((drawn(3, 4), drawn(2, 4, seed=1), drawn(2, 5, seed=2))),
            Sample((drawn(1, 2, 3, 2), drawn(1, 2, 3, 2, seed=1), drawn(1, 2, 3, 2, seed=2))),
            Sample((Q[:1], K[:1], V[:1]), {"causal": True}),
            Sample((Q[0], K[0], V[0]), {"mask": MASK, "scale": 0.7}),
            Sample((Q[0], K[0], V[0]), {"mask": drawn(2, 3, 3, seed=3), "causal": True}),
            Sample((drawn(4, 2, 3), drawn(2, 3, 3, seed=1), drawn(2, 3, 2, seed=2))),
            Sample(
                (drawn(2, 2, 3), drawn(1, 3, 3, seed=1), drawn(1, 3, 2, seed=2)),
                {"mask": drawn(2, 2, 3, seed=3), "causal": True},
            ),
        ),
        refusals=(
            Refusal((Q, K[..., :3], V), ShapeError, ("q is", "last axis (3)", "q's (4)")),
            Refusal((Q, K[:, :, :2], V), ShapeError, ("v must have k's shape",)),
            Refusal((Q[:1], K, V), ShapeError, ("before the heads",)),
            Refusal((drawn(3, 2, 2), drawn(2, 2, 2), drawn(2, 2, 2)), ShapeError, ("multiple",)),
            Refusal((Q, K, V), ShapeError, ("mask is (2, 3)",), {"mask": np.ones((2, 3), bool)}),
            Refusal((Fixed(np.ones(3)), K, V), DTypeError, ("q is (3,)",)),
            Refusal((Fixed(Q.astype(np.float32)), K, V), DTypeError, ("one dtype",)),
        ),
        integers=None,
        empty=(Sample((np.ones((0, 2, 3, 4)),) * 3), (0, 2, 3, 4)),
    ),
)
