"""Weights that turn an array into one number, so that its gradient can be checked."""

from __future__ import annotations

from typing import Any

import numpy as np


def weights_like(y: Any, seed: int = 0) -> np.ndarray:
    """Seeded weights of y's shape and dtype: they turn an array into one number."""
    drawn = np.random.default_rng([seed, *y.shape]).uniform(0.5, 1.5, y.shape)
    return np.asarray(drawn, y.dtype if y.dtype.kind == "f" else np.float64)
