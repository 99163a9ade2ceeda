"""The convolution ops under the module name that older programs import them from."""

from .arrays import col2im_array, im2col_array
from .functions.conv import Conv2d, conv2d, conv2d_simple
from .functions.deconv import Deconv2d, deconv2d
from .functions.patches import Col2im, Im2col, col2im, im2col
from .functions.pool import (
    AveragePooling,
    Pooling,
    average_pooling,
    pooling,
    pooling_simple,
)
