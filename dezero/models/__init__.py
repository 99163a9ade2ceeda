"""Models: Layers that stand for themselves."""

from .mlp import MLP
from .model import Model
from .sequential import Sequential

__all__ = ["MLP", "Model", "Sequential"]
