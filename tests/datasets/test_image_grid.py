import sys

import matplotlib
import numpy as np
import pytest

from dezero.datasets.image_grid import image_grid, show_images
from dezero.errors import MissingDependencyError, ShapeError


def test_images_lie_side_by_side_row_by_row():
    images = np.arange(6 * 2 * 3).reshape(6, 1, 2, 3)
    grid = image_grid(images, row=2, col=3)
    assert grid.shape == (4, 9)
    for place, image in enumerate(images[:, 0]):
        i, j = divmod(place, 3)
        assert np.array_equal(grid[2 * i : 2 * i + 2, 3 * j : 3 * j + 3], image)


def test_colours_come_last():
    images = np.arange(2 * 3 * 4).reshape(2, 3, 2, 2)
    grid = image_grid(images, row=1, col=2)
    assert grid.shape == (2, 4, 3)
    assert np.array_equal(grid[:, 2:, 1], images[1, 1])


def test_too_few_images_leave_zeros_and_too_many_are_left_out():
    images = np.ones((3, 1, 1, 1), dtype=np.uint8)
    assert image_grid(images, 2, 2).tolist() == [[1, 1], [1, 0]]
    assert image_grid(images, 1, 2).tolist() == [[1, 1]]


@pytest.mark.parametrize(
    ("shape", "row", "col"), [((3, 4, 4), 1, 1), ((1, 1, 2, 2), 0, 1), ((1, 1, 2, 2), 1, -1)]
)
def test_what_is_no_grid_is_refused(shape, row, col):
    with pytest.raises(ShapeError, match=r"expected \(N, C, H, W\) and a grid"):
        image_grid(np.zeros(shape), row, col)


def test_showing_draws_the_grid(monkeypatch):
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    shown = []
    monkeypatch.setattr(plt, "show", lambda: shown.append(plt.gca().images[0].get_array()))
    images = np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1)
    show_images(images, 2, 2)
    plt.close("all")
    assert np.array_equal(shown[0], [[0, 1], [2, 3]])


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(MissingDependencyError, match="pip install matplotlib"):
        show_images(np.zeros((1, 1, 2, 2)), 1, 1)
