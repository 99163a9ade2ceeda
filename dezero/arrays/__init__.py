"""Arrays: which library they belong to, and the kernels that NumPy lacks."""

from .convolution import conv, conv_transposed, conv_weights
from .device import as_cupy, as_numpy
from .namespace import (
    Array,
    as_array,
    beside,
    is_array,
    mixed_devices,
    namespace,
    ones_like,
    spread,
    sum_to,
)
from .operand import Operand
from .patches import (
    Window,
    col2im_array,
    get_conv_outsize,
    get_deconv_outsize,
    im2col_array,
    pair,
)
from .pieces import in_pieces
from .pooling import (
    largest_taps,
    max_windows,
    put_taps,
    spread_windows,
    sum_windows,
    take_taps,
)
from .scatter import scatter_add

__all__ = [
    "Array",
    "Operand",
    "Window",
    "as_array",
    "as_cupy",
    "as_numpy",
    "beside",
    "col2im_array",
    "conv",
    "conv_transposed",
    "conv_weights",
    "get_conv_outsize",
    "get_deconv_outsize",
    "im2col_array",
    "in_pieces",
    "is_array",
    "largest_taps",
    "max_windows",
    "mixed_devices",
    "namespace",
    "ones_like",
    "pair",
    "put_taps",
    "scatter_add",
    "spread",
    "spread_windows",
    "sum_to",
    "sum_windows",
    "take_taps",
]
