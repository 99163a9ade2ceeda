"""Pictures: graphs of computations, compiled steps, learning curves, images with predictions."""

from .compiled import plot_kernels, plot_tape
from .curves import plot_curves
from .graph import get_dot_graph, plot_dot_graph
from .memory import plot_memory
from .pictures import Picture
from .predictions import plot_predictions
from .profile import plot_profile

__all__ = [
    "Picture",
    "get_dot_graph",
    "plot_curves",
    "plot_dot_graph",
    "plot_kernels",
    "plot_memory",
    "plot_predictions",
    "plot_profile",
    "plot_tape",
]
