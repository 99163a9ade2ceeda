"""The picture of a profile: its bars are the shares of lines and kernels."""

import re
from pathlib import Path

import numpy as np
import pytest

import dezero
from dezero.compiler.profile import PYTHON, WAITING, KernelProfile, Profile
from dezero.errors import DTypeError, ShapeError
from dezero.viz import plot_profile, profile

MAGIC = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}


def kernel(
    number: int, kind: str, share: float, flops: int, lines: dict[str, float]
) -> KernelProfile:
    """A kernel of a step of a millisecond."""
    group = {"loop nest": "loop nests", "matrix product": "matrix products"}.get(kind, "copies")
    size = f"{number} x 2 x 3"
    return KernelProfile(number, kind, group, size, share, share * 1e-3, flops, 0, ("exp",), lines)


KERNELS = (
    kernel(0, "matrix product", 0.4, 4 * 10**7, {"a.py:1": 1.0}),
    kernel(1, "loop nest", 0.2, 0, {"a.py:1": 0.25, "a.py:2": 0.75}),
    kernel(2, "concatenate", 0.1, 0, {"a.py:2": 1.0}),
)
MADE = Profile("train_step", "C", 2, 30, 1e-3, KERNELS, 0.2, 0.1)


def bars(found: list[profile.Bar]) -> list[tuple[str, list[tuple[str, float]], str]]:
    """Bars with their lengths rounded."""
    return [(label, [(c, round(x, 9)) for c, x in parts], said) for label, parts, said in found]


def test_bars_of_lines_are_stacked_by_kind() -> None:
    assert bars(profile._lines(MADE)) == [
        ("a.py:1", [(profile.NEST, 0.05), (profile.PRODUCT, 0.4)], "450 us, 88.9 GFLOP/s"),
        ("a.py:2", [(profile.NEST, 0.15), (profile.CALLED, 0.1)], "250 us"),
        (WAITING, [(profile.GREY, 0.2)], "200 us"),
        (PYTHON, [(profile.GREY, 0.1)], "100 us"),
    ]


def test_bars_of_kernels() -> None:
    assert bars(profile._kernels(MADE)) == [
        ("0: matrix product 0 x 2 x 3", [(profile.PRODUCT, 0.4)], "400 us, 100 GFLOP/s, a.py:1"),
        ("1: loop nest 1 x 2 x 3", [(profile.NEST, 0.2)], "200 us, a.py:1, 2"),
        ("2: concatenate 2 x 2 x 3", [(profile.CALLED, 0.1)], "100 us, a.py:2"),
    ]


def test_what_the_picture_says(tmp_path: Path) -> None:
    plot_profile(MADE, tmp_path / "profile.svg")
    text = (tmp_path / "profile.svg").read_text(encoding="utf-8")
    said = re.findall(r"<!-- +(.*?) +-->", text)
    assert "train_step: 1,000 us a run, C, 2 threads" in said
    assert "kernels" in said
    assert {label for label, _, _ in profile._lines(MADE)} <= set(said)
    assert {spoken for _, _, spoken in profile._kernels(MADE)} <= set(said)
    assert set(profile.NAMES.values()) <= set(said)


def test_the_kernels_that_take_most(tmp_path: Path) -> None:
    kernels = tuple(kernel(k, "loop nest", k / 1000, 0, {"a.py:1": 1.0}) for k in range(25))
    plot_profile(Profile("step", "C", 1, 30, 1e-3, kernels, 0.0, 0.7), tmp_path / "profile.svg")
    text = (tmp_path / "profile.svg").read_text(encoding="utf-8")
    assert "kernels that take most (5 more are not shown)" in text
    assert [k for k in range(25) if f"<!-- {k}: loop nest" in text] == list(range(5, 25))


@pytest.mark.parametrize("format", MAGIC)
def test_every_format(format: str, tmp_path: Path) -> None:
    file = tmp_path / f"profile.{format}"
    assert plot_profile(MADE, file).path == file
    assert file.read_bytes().startswith(MAGIC[format])


def test_a_step_without_kernels(tmp_path: Path) -> None:
    step = dezero.compile(lambda x: x)
    for _ in range(3):
        step(np.ones(2))
    found = step.profile(np.ones(2))
    assert (found.kernels, found.python) == ((), 1.0)
    assert plot_profile(found, tmp_path / "profile.svg").format == "svg"


def test_what_can_not_be_drawn_says_why(tmp_path: Path) -> None:
    step = dezero.compile(lambda x: x)
    with pytest.raises(DTypeError, match=r"profile is .*, but must be what profile\(...\) of a"):
        plot_profile(step, tmp_path / "profile.png")
    with pytest.raises(ShapeError, match=r"plot_profile: to_file .* must end in \.png"):
        plot_profile(MADE, tmp_path / "profile.dot")
    assert not list(tmp_path.iterdir())
