"""What every figure has in common: size, fonts, colours, and how it becomes a file."""

from __future__ import annotations

import warnings
from io import BytesIO

from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager

# Okabe and Ito: told apart with every kind of colour vision, and on grey paper with the markers.
BLUE, VERMILION, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#6E6E6E"

# Fonts with Chinese, Japanese and Korean glyphs that systems bring along; DejaVu Sans has none.
EAST_ASIAN = (
    "Noto Sans CJK KR",
    "Noto Sans CJK JP",
    "Noto Sans KR",
    "NanumGothic",
    "Malgun Gothic",
    "Apple SD Gothic Neo",
    "AppleGothic",
    "Hiragino Sans",
    "PingFang SC",
    "Yu Gothic",
    "Microsoft YaHei",
    "WenQuanYi Zen Hei",
)


def figure(width: float, height: float) -> Figure:
    """An empty white figure of a size in inches, known to no window system."""
    return Figure(figsize=(width, height), facecolor="white")


def font_families() -> list[str]:
    """DejaVu Sans, which matplotlib brings along, then what has the glyphs it lacks."""
    installed = set(fontManager.get_font_names())
    return ["DejaVu Sans", *[name for name in EAST_ASIAN if name in installed]]


def encoded(figure: Figure, format: str, dpi: float = 144) -> bytes:
    """The bytes of a file. A letter that no font has becomes an empty box, in silence."""
    file = BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(file, format=format, dpi=dpi)
    return file.getvalue()
