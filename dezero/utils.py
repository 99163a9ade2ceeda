"""The book's import path of what surrounds the ops: pictures, checks, downloads, shapes."""

from .arrays.book import (
    array_allclose,
    array_equal,
    logsumexp,
    max_backward_shape,
    reshape_sum_backward,
)
from .arrays.namespace import sum_to
from .arrays.patches import get_conv_outsize, get_deconv_outsize, pair
from .autodiff.numerical import gradient_check, numerical_grad
from .datasets.download import cache_dir, get_file, show_progress
from .viz.graph import get_dot_graph, plot_dot_graph
