"""The profile of a compiled step: which lines and which kernels take its time."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import DTypeError, described
from .compiled import CALLED, GREY, NEST, PRODUCT, color
from .pictures import Picture, file_format

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 20  # kernels, and lines
WIDTH, BAR, REST = 9.0, 0.23, 1.9  # inches: the picture, the height for a bar, titles and key
ROOM = 1.55  # of the longest bar: what is said of it stands behind it
EDGE = "0.25"
NAMES = {NEST: "loop nests", PRODUCT: "matrix products", CALLED: "other kernels"}
NAMES[GREY] = "outside of kernels"
Bar = tuple[str, list[tuple[str, float]], str]  # label, colours and shares, what is said of it


class Profiled(Protocol):
    """What `step.profile(...)` gives."""

    kernels: tuple[Any, ...]

    def by_line(self) -> list[Any]:
        """The lines of the program."""


def plot_profile(profile: Profiled, to_file: str | PathLike[str] = "profile.png") -> Picture:
    """Draw where the time of a compiled step goes.

    Above are the lines of the program, below the kernels that take most, with the numbers and
    colours of `plot_kernels`; bars are shares of the whole time. Behind them stand the time and,
    where there is arithmetic, 10⁹ floating-point operations a second.

    Args:
        profile: From `profile` of a step that `dezero.compile` has made.
        to_file: Where to write; .png, .svg or .pdf says in which format. What is there is
            replaced in one step.

    Returns:
        The picture, which Jupyter shows.

    Raises:
        DTypeError: The profile is none.
        ShapeError: The file name has another ending.
        OSError: The file cannot be written.

    >>> import dezero, numpy as np, tempfile
    >>> step = dezero.compile(lambda x: np.tanh(x @ x), executor="numpy")
    >>> for _ in range(3):
    ...     y = step(np.ones((3, 3)))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     plot_profile(step.profile(np.ones((3, 3))), f"{folder}/profile.svg").format
    'svg'
    """
    format = file_format("plot_profile", to_file)
    if not hasattr(profile, "by_line"):
        raise DTypeError(
            f"plot_profile: profile is {described(profile)}, but must be what profile(...) of a "
            "compiled step gives"
        )
    from .figures import encoded, figure

    lines, kernels = _lines(profile)[:MOST], _kernels(profile)[:MOST]
    fig = figure(WIDTH, BAR * (len(lines) + len(kernels)) + REST)
    fig.set_layout_engine("constrained", w_pad=0.1, h_pad=0.08)
    above, below = fig.subplots(2, height_ratios=[len(lines) + 0.5, len(kernels) + 0.5])
    _draw(above, lines, _title(profile))
    left = len(profile.kernels) - len(kernels)
    title = f"kernels that take most ({left} more are not shown)" if left else "kernels"
    _draw(below, kernels, title)
    below.set_xlabel("share of the time [%]")
    fig.legend(handles=_key([*lines, *kernels]), loc="outside lower center", ncols=4, frameon=False)
    return Picture.written(to_file, format, encoded(fig, format))


def _title(profile: Any) -> str:
    """What was measured."""
    threads = f"{profile.threads} thread{'s' * (profile.threads != 1)}"
    return f"{profile.name}: {1e6 * profile.seconds:,.0f} us a run, {profile.executor}, {threads}"


def _lines(profile: Any) -> list[Bar]:
    """The lines of the program, what takes most first, and what belongs to none."""
    bars = []
    for part in profile.by_line():
        shares: dict[str, float] = {}
        for kernel in profile.kernels:
            fill = color(kernel.kind)
            found = kernel.share * kernel.lines.get(part.name, 0)
            shares[fill] = shares.get(fill, 0) + found
        ordered = [(fill, shares[fill]) for fill in NAMES if shares.get(fill)]
        bars.append((part.name, ordered, _said(part.seconds, part.flops)))
    for part in profile.by_kind():
        if not part.kernels:
            bars.append((part.name, [(GREY, part.share)], _said(part.seconds, 0)))
    return sorted(bars, key=lambda bar: -sum(share for _, share in bar[1]))


def _kernels(profile: Any) -> list[Bar]:
    """The kernels, what takes most first."""
    return [
        (
            f"{kernel.number}: {kernel.kind} {kernel.size}",
            [(color(kernel.kind), kernel.share)],
            f"{_said(kernel.seconds, kernel.flops)}, {kernel.where}",
        )
        for kernel in sorted(profile.kernels, key=lambda kernel: -kernel.share)
    ]


def _said(seconds: float, flops: float) -> str:
    """A time, and the arithmetic in it."""
    rate = f", {flops / seconds / 1e9:.3g} GFLOP/s" if flops and seconds else ""
    return f"{1e6 * seconds:,.0f} us{rate}"


def _draw(axes: Axes, bars: list[Bar], title: str) -> None:
    """Bars from the top down."""
    longest = max([sum(share for _, share in parts) for _, parts, _ in bars], default=1.0)
    axes.set(xlim=(0, 100 * longest * ROOM), ylim=(len(bars) - 0.4, -0.6))
    axes.set_title(title, size=10, parse_math=False)
    axes.set_yticks(range(len(bars)), [label for label, _, _ in bars], size=8, parse_math=False)
    axes.tick_params(axis="x", labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    for k, (_, parts, said) in enumerate(bars):
        left = 0.0
        for fill, share in parts:
            axes.barh(k, 100 * share, left=left, color=fill, edgecolor=EDGE, linewidth=0.7)
            left += 100 * share
        axes.text(left, k, f" {said}", size=8, va="center", parse_math=False)


def _key(bars: list[Bar]) -> list[Any]:
    """What the colours mean, as far as they occur."""
    from matplotlib.patches import Patch

    seen = {fill for _, parts, _ in bars for fill, _ in parts}
    return [
        Patch(facecolor=fill, edgecolor=EDGE, label=name)
        for fill, name in NAMES.items()
        if fill in seen
    ]
