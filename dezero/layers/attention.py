"""Attention layers: multi-head attention and the transformer block."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import functions as F
from ..core import Variable
from ..errors import ShapeError
from .dropout import Dropout
from .layer import Layer
from .linear import Linear
from .normalization import LayerNorm
from .sizes import positive


class MultiHeadAttention(Layer):
    """Attention of a sequence to itself, in several heads: concat(heads) W_out.

    Args:
        size: The length of x's last axis, C.
        n_heads: The number of query heads, H, a divisor of C.
        n_kv_heads: The number of key and value heads, G, a divisor of H; H where it is None. Each
            serves H / G neighbouring query heads.
        causal: Let a position see itself and what is before it only.
        dropout_ratio: The share of the output's numbers that are dropped in training.
        nobias: Compute without the biases of the two projections.

    Attributes:
        projection: To queries, keys and values: C to C + 2 C G / H, in one product.
        out: The Linear layer of the heads' concatenation, C to C.

    A call takes x of shape (N, T, C) and an optional mask (see
    `F.scaled_dot_product_attention`), and returns (N, T, C).

    Raises:
        ShapeError: The numbers do not divide as they must, or x is not (N, T, C).

    >>> layer = MultiHeadAttention(4, 2, causal=True)
    >>> layer(np.ones((1, 3, 4), np.float32)).shape
    (1, 3, 4)
    """

    def __init__(
        self,
        size: int,
        n_heads: int,
        n_kv_heads: int | None = None,
        causal: bool = False,
        dropout_ratio: float = 0.0,
        nobias: bool = False,
    ) -> None:
        self.size = positive("MultiHeadAttention", "size", size)
        self.n_heads = positive("MultiHeadAttention", "n_heads", n_heads)
        n_kv_heads = n_heads if n_kv_heads is None else n_kv_heads
        self.n_kv_heads = positive("MultiHeadAttention", "n_kv_heads", n_kv_heads)
        if size % n_heads or n_heads % self.n_kv_heads:
            raise ShapeError(
                f"MultiHeadAttention: size ({size}) must be a multiple of n_heads ({n_heads}), and "
                f"n_heads one of n_kv_heads ({self.n_kv_heads})"
            )
        self.causal = causal
        shared = size // n_heads * self.n_kv_heads
        self.projection = Linear(size + 2 * shared, nobias=nobias, in_size=size)
        self.out = Linear(size, nobias=nobias, in_size=size)
        self.dropout = Dropout(dropout_ratio)

    def forward(self, x: Any, mask: Any = None) -> Variable:
        if np.ndim(x) != 3 or np.shape(x)[-1] != self.size:
            raise ShapeError(f"x has the shape {np.shape(x)}, but must have (N, T, {self.size})")
        N, T, C = np.shape(x)
        H, G = self.n_heads, self.n_kv_heads
        heads = F.reshape(self.projection(x), (N, T, H + 2 * G, C // H))
        heads = F.transpose(heads, (0, 2, 1, 3))  # (N, heads, T, C / H)
        q, k, v = heads[:, :H], heads[:, H : H + G], heads[:, H + G :]
        y = F.scaled_dot_product_attention(q, k, v, mask, self.causal)
        y = F.reshape(F.transpose(y, (0, 2, 1, 3)), (N, T, C))
        return self.dropout(self.out(y))


class TransformerBlock(Layer):
    """x + attention(norm(x)), then x + mlp(norm(x)): one block of a GPT.

    Args:
        size: The length of x's last axis, C.
        n_heads: The number of heads, a divisor of C.
        n_kv_heads: The number of key and value heads; n_heads where it is None.
        causal: Let a position see itself and what is before it only.
        expansion: The width of the two-layer network, in multiples of x's last axis.
        dropout_ratio: The share of each branch's numbers that are dropped in training.

    A call takes x of shape (N, T, C) and an optional mask, and returns (N, T, C).

    Source:
        Radford et al., "Language models are unsupervised multitask learners" (GPT-2), 2019.

    >>> block = TransformerBlock(4, 2)
    >>> block(np.ones((1, 3, 4), np.float32)).shape
    (1, 3, 4)
    """

    def __init__(
        self,
        size: int,
        n_heads: int,
        n_kv_heads: int | None = None,
        causal: bool = True,
        expansion: int = 4,
        dropout_ratio: float = 0.0,
    ) -> None:
        self.norm1 = LayerNorm()
        self.attention = MultiHeadAttention(size, n_heads, n_kv_heads, causal, dropout_ratio)
        self.norm2 = LayerNorm()
        width = positive("TransformerBlock", "expansion", expansion) * size
        self.wide = Linear(width, in_size=size)
        self.narrow = Linear(size, in_size=width)
        self.dropout = Dropout(dropout_ratio)

    def forward(self, x: Any, mask: Any = None) -> Variable:
        x = x + self.attention(self.norm1(x), mask)
        hidden = F.gelu(self.wide(self.norm2(x)), approximate="tanh")
        return x + self.dropout(self.narrow(hidden))
