"""Picture files: what they may be called, how they are written, how Jupyter shows them."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from ..errors import ShapeError
from ..files import replacing

FORMATS = ("png", "svg", "pdf")


class Picture:
    """A picture in a file, which Jupyter shows.

    Attributes:
        path: The file.
        format: "png", "svg", "pdf" or "dot".
    """

    def __init__(self, path: Path, format: str, data: bytes) -> None:
        self.path = path
        self.format = format
        self._data = data

    @classmethod
    def written(cls, to_file: str | PathLike[str], format: str, data: bytes) -> Picture:
        """Put a picture into its file: all of it or nothing."""
        with replacing(to_file) as temporary:
            temporary.write_bytes(data)
        return cls(Path(to_file), format, data)

    def _repr_png_(self) -> bytes | None:
        return self._data if self.format == "png" else None

    def _repr_svg_(self) -> str | None:
        return self._data.decode() if self.format == "svg" else None

    def __repr__(self) -> str:
        return f"<picture {self.path}>"


def file_format(caller: str, to_file: str | PathLike[str], *more: str) -> str:
    """The format that the ending of a file name asks for, one of FORMATS or of `more`."""
    format = Path(to_file).suffix.lower().removeprefix(".")
    known = (*FORMATS, *more)
    if format not in known:
        raise ShapeError(
            f"{caller}: to_file is {str(to_file)!r}, but must end in "
            f"{', '.join('.' + ending for ending in known)}"
        )
    return format
