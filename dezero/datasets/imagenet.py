"""The names of ImageNet's thousand classes."""

from __future__ import annotations

import ast

from ..errors import DataError
from .download import get_file

_URL = (
    "https://gist.githubusercontent.com/yrevar/942d3a0ac09ec9e5eb3a/raw/"
    "238f720ff059c1f82f368259d1ca4ffa5dd8f9f5/imagenet1000_clsidx_to_labels.txt"
)
_MAX_BYTES = 1 << 17
_CLASSES = 1000


class ImageNet:
    """What VGG16 and ResNet recognise. The images themselves are too many to fetch."""

    @staticmethod
    def labels() -> dict[int, str]:
        """The name of each of the 1000 classes, from a file downloaded at first use.

        Returns:
            Names by number, 0 to 999.

        Raises:
            DownloadError: The file is neither in the cache nor to be had.
            DataError: The file is not a table of a thousand names.
        """
        path = get_file(_URL, max_bytes=_MAX_BYTES)
        with open(path, "rb") as file:
            content = file.read(_MAX_BYTES + 1)
        labels = _parsed(content)
        if labels is None:
            raise DataError(
                f"ImageNet.labels: {path} is not a table of {_CLASSES} names: "
                "delete it to download it again"
            )
        return labels


def _parsed(content: bytes) -> dict[int, str] | None:
    """The table that `content` spells as a Python literal, or None if it does not."""
    if len(content) > _MAX_BYTES:
        return None
    try:
        labels = ast.literal_eval(content.decode("utf-8").strip())
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    if not isinstance(labels, dict) or list(labels) != list(range(_CLASSES)):
        return None
    return labels if all(isinstance(name, str) for name in labels.values()) else None
