"""Many small images as one picture."""

from __future__ import annotations

import numpy as np

from ..errors import MissingDependencyError, ShapeError


def image_grid(images: np.ndarray, row: int, col: int) -> np.ndarray:
    """The first `row * col` images side by side, row by row.

    Args:
        images: `(N, C, H, W)`; where there are too few, the rest of the grid stays 0.
        row: Images in a column of the grid.
        col: Images in a row of the grid.

    Returns:
        `(row * H, col * W)` for one channel, `(row * H, col * W, C)` for more; dtype of
        `images`.

    Raises:
        ShapeError: `images` has not four axes, or the grid has no cells.

    Example:
        >>> image_grid(np.arange(3).reshape(3, 1, 1, 1), row=2, col=2)
        array([[0, 1],
               [2, 0]])
    """
    if images.ndim != 4 or row < 1 or col < 1:
        raise ShapeError(
            f"image_grid: images is {images.shape} {images.dtype}, the grid {row} x {col}: "
            "expected (N, C, H, W) and a grid of at least 1 x 1"
        )
    _, channels, height, width = images.shape
    cells = np.zeros((row * col, channels, height, width), dtype=images.dtype)
    chosen = images[: row * col]
    cells[: len(chosen)] = chosen
    grid = cells.reshape(row, col, channels, height, width).transpose(0, 3, 1, 4, 2)
    picture = grid.reshape(row * height, col * width, channels)  # from (row, H, col, W, C)
    return picture[:, :, 0] if channels == 1 else picture


def show_images(images: np.ndarray, row: int, col: int) -> None:
    """Show the first `row * col` of `images` (N, C, H, W) in a window of matplotlib.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise MissingDependencyError(
            "showing images needs matplotlib: pip install matplotlib"
        ) from error
    plt.imshow(image_grid(images, row, col), cmap="gray", interpolation="nearest")
    plt.axis("off")
    plt.show()
