"""Weights that were trained on ImageNet: where they are, and how a model takes them."""

from __future__ import annotations

import numpy as np

from ..core import no_grad, test_mode
from ..datasets.download import get_file
from ..errors import DataError, ShapeError, StateError
from ..layers import Layer

RELEASE = "https://github.com/koki0702/dezero-models/releases/download/v0.1/"
SHA256 = {  # of the files for which it is known
    "vgg16.npz": "2421bd3311c46cf77f89fa081167b0e7e7d0eb93d3500b016803bbc53a9342eb",
}


def load_pretrained(model: Layer, file_name: str) -> None:
    """Give a model that was just made the weights of a released file, for images of 224 x 224.

    The file is downloaded into the cache folder unless it is there. It is data: nothing in it
    is unpickled. It must have every Parameter of the model, of the right shape, and no other.

    Args:
        model: A model of images (N, 3, 224, 224).
        file_name: The name of the file in the release and in the cache.

    Raises:
        DownloadError: The file is neither in the cache nor to be had, or its checksum, where it
            is known, is another. The message says where to put the file by hand.
        DataError: The file is damaged, or does not fit the model.
    """
    path = get_file(RELEASE + file_name, file_name, SHA256.get(file_name))
    try:
        model.load_weights(path)
        # Sizes that a layer takes from its input were open until now: no images show them all.
        with no_grad(), test_mode():
            model(np.zeros((0, 3, 224, 224), np.float32))
    except (DataError, ShapeError, StateError) as error:
        raise DataError(
            f"{type(model).__name__}: {path} does not hold the weights of this model: {error}: "
            "delete the file to download it again"
        ) from error
