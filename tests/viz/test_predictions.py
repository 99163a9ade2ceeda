"""The grid shows every image once, and every mistake as one."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from dezero.errors import ShapeError
from dezero.viz import plot_predictions

IMAGES = np.random.RandomState(0).randint(0, 17, (13, 8, 8)).astype(np.uint8)
LABELS = np.arange(13) % 10


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that were turned into files."""
    from dezero.viz.figures import encoded

    figures = []

    def keep(fig: Figure, format: str) -> bytes:
        figures.append(fig)
        return encoded(fig, format)

    monkeypatch.setattr("dezero.viz.figures.encoded", keep)
    return figures


def test_images_and_captions(tmp_path: Path, drawn: list[Figure]) -> None:
    taken = LABELS.copy()
    taken[[2, 11]] = [7, 0]
    plot_predictions(IMAGES, taken, LABELS, title="Test", to_file=tmp_path / "grid.png")
    axes = drawn[0].axes[0]
    assert drawn[0].get_suptitle() == "Test"
    for image, shown in zip(IMAGES, axes.images, strict=True):
        np.testing.assert_array_equal(shown.get_array(), image)
    captions = [text.get_text() for text in axes.texts]
    right = [str(label) for i, label in enumerate(LABELS) if i not in (2, 11)]
    assert sorted(captions) == sorted([*right, "× 7\nis 2", "× 0\nis 1"])


def test_mistakes_are_framed_where_they_are(tmp_path: Path, drawn: list[Figure]) -> None:
    taken = LABELS.copy()
    taken[11] = 0
    plot_predictions(IMAGES, taken, LABELS, to_file=tmp_path / "grid.png")
    axes = drawn[0].axes[0]
    [frame] = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    left, right, bottom, top = axes.images[11].get_extent()
    assert frame.get_xy() == (left, top)
    assert (frame.get_width(), frame.get_height()) == pytest.approx((right - left, bottom - top))


def test_nothing_overlaps_or_is_cut_off(tmp_path: Path, drawn: list[Figure]) -> None:
    plot_predictions(IMAGES, 9 - LABELS, LABELS, to_file=tmp_path / "grid.png", columns=4)
    axes = drawn[0].axes[0]
    boxes = [image.get_window_extent() for image in axes.images]
    boxes += [text.get_window_extent() for text in axes.texts]
    canvas = drawn[0].bbox
    assert all(canvas.x0 <= box.x0 and box.x1 <= canvas.x1 for box in boxes)
    assert all(canvas.y0 <= box.y0 and box.y1 <= canvas.y1 for box in boxes)
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_classes_have_names(tmp_path: Path, drawn: list[Figure]) -> None:
    names = {0: "shirt", 1: "bag"}
    plot_predictions(IMAGES[:2], [0, 0], [0, 1], names, to_file=tmp_path / "grid.png")
    assert [text.get_text() for text in drawn[0].axes[0].texts] == ["shirt", "× shirt\nis bag"]


@pytest.mark.parametrize(
    ("images", "taken", "labels"),
    [(IMAGES, LABELS[:5], LABELS), (IMAGES, LABELS, LABELS[:5]), (IMAGES[0], LABELS, LABELS)],
)
def test_shapes_must_agree(
    images: np.ndarray, taken: np.ndarray, labels: np.ndarray, tmp_path: Path
) -> None:
    with pytest.raises(ShapeError, match=r"expected \(N, H, W\), \(N,\), \(N,\)"):
        plot_predictions(images, taken, labels, to_file=tmp_path / "grid.png")
