"""Pictures: graphs of computations, learning curves, images with predictions."""

from .curves import plot_curves
from .graph import get_dot_graph, plot_dot_graph
from .pictures import Picture
from .predictions import plot_predictions

__all__ = ["Picture", "get_dot_graph", "plot_curves", "plot_dot_graph", "plot_predictions"]
