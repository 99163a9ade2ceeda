"""GPT: a language model of transformer blocks."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import functions as F
from ..arrays import as_numpy, namespace, random
from ..core import Variable, no_grad, test_mode
from ..errors import ShapeError
from ..layers import Dropout, Embedding, LayerNorm, Linear, TransformerBlock
from .model import Model


class GPT(Model):
    """Predicts the next token of a sequence from all tokens before it.

    Args:
        vocabulary: How many tokens there are, V.
        context: The longest sequence, in tokens.
        n_layers: The number of transformer blocks.
        n_heads: The number of attention heads, a divisor of size.
        size: The length of a token's vector, C.
        n_kv_heads: The number of key and value heads; n_heads where it is None.
        dropout_ratio: The share of numbers dropped in training, in each branch and after the
            embeddings.

    A call takes token numbers (N, T), T at most `context`, and returns logits (N, T, V): row t
    are those of token t + 1. Linear weights and embeddings are drawn from N(0, 0.02^2), those
    that end a branch divided by sqrt(2 n_layers).

    Raises:
        ShapeError: T exceeds the context, or the sizes do not divide.

    Source:
        Radford et al., "Language models are unsupervised multitask learners" (GPT-2), 2019.

    >>> model = GPT(vocabulary=11, context=8, n_layers=1, n_heads=2, size=4)
    >>> model(np.array([[1, 2, 3]])).shape
    (1, 3, 11)
    """

    def __init__(
        self,
        vocabulary: int,
        context: int,
        n_layers: int = 4,
        n_heads: int = 4,
        size: int = 128,
        n_kv_heads: int | None = None,
        dropout_ratio: float = 0.0,
    ) -> None:
        self.context = context
        self.tokens = Embedding(vocabulary, size)
        self.positions = Embedding(context, size)
        self.dropout = Dropout(dropout_ratio)
        self.blocks = [
            TransformerBlock(size, n_heads, n_kv_heads, dropout_ratio=dropout_ratio)
            for _ in range(n_layers)
        ]
        self.norm = LayerNorm()
        self.head = Linear(vocabulary, nobias=True, in_size=size)
        self._draw()

    def _draw(self) -> None:
        """Draw the weights as GPT-2 does."""
        for path, param in self.named_params():
            if path.endswith("W"):
                ends_branch = path.endswith(("out/W", "narrow/W"))
                spread = 0.02 / ((2 * len(self.blocks)) ** 0.5 if ends_branch else 1.0)
                param.data = (np.random.randn(*param.shape) * spread).astype(param.dtype)

    def forward(self, tokens: Any) -> Variable:
        shape = np.shape(tokens)
        if len(shape) != 2 or shape[1] > self.context:
            raise ShapeError(
                f"tokens have the shape {shape}, but must have (N, T) with T at most "
                f"{self.context}, the context"
            )
        places = namespace(self.positions.W.data).arange(shape[1])
        x = self.dropout(self.tokens(tokens) + self.positions(places))
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))

    def generate(
        self, tokens: Any, length: int, temperature: float = 1.0, top_k: int | None = None
    ) -> np.ndarray:
        """Continue a sequence, token by token, each drawn from the model's prediction.

        Args:
            tokens: The sequence to continue, at least one token: (T,) integers.
            length: How many tokens to add.
            temperature: What logits are divided by: below 1 is bolder; 0 takes the likeliest.
            top_k: Draw from the k likeliest tokens only; all where it is None.

        Returns:
            (T + length,) integers. `dezero.random.seed` repeats them.

        Raises:
            ShapeError: There is no token to begin with, temperature is negative, or top_k is
                below 1.
        """
        sequence = np.array(tokens, np.int64).reshape(-1)
        if not len(sequence):
            raise ShapeError("GPT.generate: tokens is empty, but must have at least one to go on")
        xp = namespace(self.tokens.W.data)
        with no_grad(), test_mode():
            for _ in range(length):
                logits = self(xp.asarray(sequence[None, -self.context :])).data[0, -1]
                sequence = np.append(sequence, sample(as_numpy(logits), temperature, top_k))
        return sequence


def sample(logits: np.ndarray, temperature: float = 1.0, top_k: int | None = None) -> int:
    """One index, drawn with the probabilities softmax(logits / temperature).

    Args:
        logits: Of shape (V,).
        temperature: 0 takes the largest logit.
        top_k: Draw from the k largest logits, and those equal to the k-th, only; all where it is
            None.

    Raises:
        ShapeError: temperature is negative, or top_k is below 1.

    >>> sample(np.array([0.0, 5.0, 1.0]), temperature=0)
    1
    """
    if temperature < 0 or (top_k is not None and top_k < 1):
        raise ShapeError(
            f"sample: temperature is {temperature} and top_k is {top_k}, but they must be at least "
            "0 and 1"
        )
    if temperature == 0:
        return int(np.argmax(logits))
    logits = logits.astype(np.float64) / temperature
    if top_k is not None and top_k < len(logits):
        logits = np.where(logits < np.sort(logits)[-top_k], -np.inf, logits)
    heights = np.cumsum(F.softmax(logits, axis=-1).data)
    return int(np.searchsorted(heights, random.uniform((), np.float64) * heights[-1], "right"))
