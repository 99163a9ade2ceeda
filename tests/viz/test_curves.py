"""Learning curves show what they were given."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from dezero.errors import ShapeError
from dezero.viz import plot_curves

PANELS = {
    "loss [nats]": {"train": [2.0, 1.0, 0.5], "test": [2.5, 1.5, 1.25]},
    "accuracy [%]": {"train": [20.0, 60.0, 90.0], "test": [15.0, 55.0, 80.0]},
}


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that were turned into files."""
    figures = []

    def keep(fig: Figure, format: str) -> bytes:
        figures.append(fig)
        return encoded(fig, format)

    from dezero.viz.figures import encoded

    monkeypatch.setattr("dezero.viz.figures.encoded", keep)
    return figures


def test_lines_labels_and_units(tmp_path: Path, drawn: list[Figure]) -> None:
    plot_curves([1, 2, 3], PANELS, title="Digits", to_file=tmp_path / "curves.png")
    assert drawn[0].get_suptitle() == "Digits"
    for axes, (label, panel) in zip(drawn[0].axes, PANELS.items(), strict=True):
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch", label)
        for line, (name, values) in zip(axes.lines, panel.items(), strict=True):
            assert line.get_label() == name
            assert list(line.get_xdata()) == [1, 2, 3]
            assert list(line.get_ydata()) == values


def test_lines_differ_by_more_than_colour(tmp_path: Path, drawn: list[Figure]) -> None:
    plot_curves([1, 2, 3], PANELS, to_file=tmp_path / "curves.png")
    looks = [(x.get_color(), x.get_linestyle(), x.get_marker()) for x in drawn[0].axes[0].lines]
    assert all(ours != theirs for ours, theirs in zip(*looks, strict=True))


@pytest.mark.parametrize("epochs", [[], [0.4], [1]])
def test_short_runs_can_be_drawn(epochs: list[float], tmp_path: Path) -> None:
    plot_curves(epochs, {"loss": {"train": [1.0] * len(epochs)}}, to_file=tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_svg_is_well_formed(tmp_path: Path) -> None:
    plot_curves([1, 2, 3], PANELS, title="a < b & c", to_file=tmp_path / "curves.svg")
    assert ElementTree.parse(tmp_path / "curves.svg").getroot().tag.endswith("svg")


def test_lengths_must_agree(tmp_path: Path) -> None:
    with pytest.raises(ShapeError, match="train of 'loss' has 2 values for 3 epochs"):
        plot_curves([1, 2, 3], {"loss": {"train": [1.0, 2.0]}}, to_file=tmp_path / "curves.png")
    assert list(tmp_path.iterdir()) == []


def test_unknown_endings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ShapeError, match=r"must end in \.png, \.svg, \.pdf"):
        plot_curves([1], {}, to_file=tmp_path / "curves.dot")
