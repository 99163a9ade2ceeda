"""Images as patches, and back: what turns a convolution into a matrix product."""

from __future__ import annotations

from typing import Any

from ..arrays import col2im_array, im2col_array
from ..core import Rule, Variable
from .protocols import implements

__all__ = ["col2im", "im2col"]

Operand = Any  # a Variable, an array or a number; all but Variables are constants


class Im2col(Rule):
    __slots__ = ("fill", "shape", "window")
    keeps = "nothing"

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = 1,
        pad: Any = 0,
        to_matrix: bool = True,
        fill: float = 0,
    ) -> None:
        self.window = kernel_size, stride, pad, to_matrix
        self.fill = fill

    def forward(self, x):
        self.shape = x.shape
        return im2col_array(x, *self.window, self.fill)

    def gradient(self, gy):
        return col2im_array(gy, self.shape, *self.window)


@implements(im2col_array)
def im2col(
    x: Operand,
    kernel_size: int | tuple[int, int],
    stride: int | tuple[int, int] = 1,
    pad: int | tuple[int, int] = 0,
    to_matrix: bool = True,
    fill: float = 0,
) -> Variable:
    """The patches of images that a kernel sees.

    Args:
        x: Images, (N, C, H, W).
        kernel_size: KH and KW: a number or two.
        stride: Pixels from one patch to the next: a number or two.
        pad: Pixels on each side that are added to x: a number or two.
        to_matrix: Whether each patch becomes one row of a matrix.
        fill: What stands in the added pixels.

    Returns:
        (N*OH*OW, C*KH*KW), or (N, C, KH, KW, OH, OW) without to_matrix.

    Raises:
        ShapeError: x has not four axes, or the kernel is larger than the padded image.

    Gradient:
        gy added up at the pixels that each patch was taken from: `col2im`.

    >>> import numpy as np, dezero.functions as F
    >>> F.im2col(np.array([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]]), 2)
    variable([[1. 2. 4. 5.]
              [2. 3. 5. 6.]])
    """
    return Im2col(kernel_size, stride, pad, to_matrix, fill).apply1(x)


class Col2im(Rule):
    __slots__ = ("shape", "window")
    keeps = "nothing"

    def __init__(
        self,
        input_shape: tuple[int, ...],
        kernel_size: Any,
        stride: Any = 1,
        pad: Any = 0,
        to_matrix: bool = True,
    ) -> None:
        self.shape = input_shape
        self.window = kernel_size, stride, pad, to_matrix

    def forward(self, x):
        return col2im_array(x, self.shape, *self.window)

    def gradient(self, gy):
        return im2col_array(gy, *self.window)


@implements(col2im_array)
def col2im(
    x: Operand,
    input_shape: tuple[int, ...],
    kernel_size: int | tuple[int, int],
    stride: int | tuple[int, int] = 1,
    pad: int | tuple[int, int] = 0,
    to_matrix: bool = True,
) -> Variable:
    """Patches added up in images: the adjoint of `im2col`, not its inverse.

    Args:
        x: What `im2col` returns for images of input_shape.
        input_shape: (N, C, H, W).
        kernel_size: KH and KW: a number or two.
        stride: Pixels from one patch to the next: a number or two.
        pad: Pixels that `im2col` added on each side: a number or two.
        to_matrix: Whether x is a matrix, with a patch in each row.

    Returns:
        (N, C, H, W): at each pixel the sum of the patches' elements that lie there.

    Raises:
        ShapeError: x is not of the shape of such patches.

    Gradient:
        The patches of gy: `im2col`.

    >>> import numpy as np, dezero.functions as F
    >>> F.col2im(np.array([[1.0, 2.0, 4.0, 5.0], [2.0, 3.0, 5.0, 6.0]]), (1, 1, 2, 3), 2)
    variable([[[[ 1.  4.  3.]
                [ 4. 10.  6.]]]])
    """
    return Col2im(input_shape, kernel_size, stride, pad, to_matrix).apply1(x)
