"""What the image models are compared with: their layers again, by definition, in float64."""

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view


class Reference:
    """Layers on arrays, with the weights of a state by path."""

    def __init__(self, state):
        self.state = state

    def get(self, path):
        return self.state[path].astype(np.float64)

    def conv(self, path, x, stride=1, pad=0):
        x = np.pad(x, [(0, 0), (0, 0), (pad, pad), (pad, pad)])
        W = self.get(f"{path}/W")
        seen = sliding_window_view(x, W.shape[2:], axis=(2, 3))[:, :, ::stride, ::stride]
        y = np.moveaxis(np.tensordot(seen, W, ((1, 4, 5), (1, 2, 3))), -1, 1)
        return y + self.get(f"{path}/b")[:, None, None] if f"{path}/b" in self.state else y

    def linear(self, path, x):
        return x @ self.get(f"{path}/W") + self.get(f"{path}/b")

    def batch_norm(self, path, x):
        gamma, beta, mean, var = (
            self.get(f"{path}/{name}")[:, None, None]
            for name in ("gamma", "beta", "avg_mean", "avg_var")
        )
        return gamma * (x - mean) / np.sqrt(var + 2e-5) + beta

    @staticmethod
    def relu(x):
        return np.maximum(x, 0)

    @staticmethod
    def pool(x, size, stride):
        seen = sliding_window_view(x, (size, size), axis=(2, 3))[:, :, ::stride, ::stride]
        return seen.max(axis=(4, 5))


@pytest.fixture
def reference():
    return Reference


@pytest.fixture
def drawn():
    """Weights of given shapes that keep the size of what passes them. Quicker than `randn`."""

    def draw(shapes):
        rng = np.random.default_rng(0)
        state = {}
        for path, shape in shapes.items():
            x = rng.standard_normal(shape, np.float32)
            if path.endswith("/W"):  # a convolution's (O, C, KH, KW), or a Linear layer's (I, O)
                fan_in = np.prod(shape[1:]) if len(shape) == 4 else shape[0]
                x *= np.float32(np.sqrt(2 / fan_in))
            elif path.endswith(("gamma", "avg_var")):
                x = 1 + np.abs(x) / 4
            state[path] = x
        return state

    return draw


@pytest.fixture
def undrawn(monkeypatch):
    """Let layers take zeros for random numbers: a large model is ready at once."""
    monkeypatch.setattr(np.random, "randn", lambda *shape: np.broadcast_to(0.0, shape))
