"""MNIST and Fashion-MNIST: 70,000 grey images of 28x28 pixels each."""

from __future__ import annotations

import os

import numpy as np

from ..errors import DataError
from ..transforms import Compose, Flatten, Normalize, ToFloat
from .base import Dataset, Transform
from .download import cache_path, get_file
from .idx import read_idx
from .image_grid import show_images

_ROW_IN_UNIT_RANGE = Compose([Flatten(), ToFloat(), Normalize(0, 255)])


class MNIST(Dataset):
    """Handwritten digits: 60,000 images for training, 10,000 for testing.

    The files are downloaded at first use (12 MB) and kept in the cache.

    Args:
        train: The training part (True) or the test part (False).
        transform: Of an image `(1, 28, 28)` uint8 from 0 to 255. The default makes it a row
            of 784 float32 in [0, 1]; None leaves it as it is.
        target_transform: Of the label, an int64 from 0 to 9; None leaves it as it is.

    Attributes:
        data: The images, `(N, 1, 28, 28)` uint8.
        label: The labels, `(N,)` int64.

    Raises:
        DownloadError: The files are neither in the cache nor to be had.
        DataError: A file is damaged or another than it should be.

    Source:
        Y. LeCun, C. Cortes and C. J. C. Burges, The MNIST database of handwritten digits,
        http://yann.lecun.com/exdb/mnist/.
    """

    _url = "https://ossci-datasets.s3.amazonaws.com/mnist/"
    _prefix = ""  # of the names in the cache
    _sha256 = {
        "train-images-idx3-ubyte.gz": (
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
        ),
        "train-labels-idx1-ubyte.gz": (
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"
        ),
        "t10k-images-idx3-ubyte.gz": (
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"
        ),
        "t10k-labels-idx1-ubyte.gz": (
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"
        ),
    }

    def __init__(
        self,
        train: bool = True,
        transform: Transform | None = _ROW_IN_UNIT_RANGE,
        target_transform: Transform | None = None,
    ) -> None:
        super().__init__(train, transform, target_transform)

    def prepare(self) -> None:
        """Read the images and labels of this part."""
        part = "train" if self.train else "t10k"
        images = read_idx(self._path(f"{part}-images-idx3-ubyte.gz"))
        labels = read_idx(self._path(f"{part}-labels-idx1-ubyte.gz"))
        _check(type(self).__name__, images, labels)
        self.data = images[:, np.newaxis]  # (N, 1, 28, 28)
        self.label = labels.astype(np.int64)

    def show(self, row: int = 10, col: int = 10) -> None:
        """Show the first `row * col` images in a window of matplotlib.

        Raises:
            MissingDependencyError: matplotlib is not installed.
        """
        show_images(self.data, row, col)

    @staticmethod
    def labels() -> dict[int, str]:
        """The name of each class."""
        return {digit: str(digit) for digit in range(10)}

    def _path(self, name: str) -> str:
        """Where the file `name` is, after downloading it if necessary."""
        return get_file(self._url + name, self._prefix + name, self._sha256[name])


class FashionMNIST(MNIST):
    """Pictures of clothes: 60,000 for training, 10,000 for testing, in the form of MNIST.

    The files come from the cache; else from Debian's package `dataset-fashion-mnist` where it
    is installed; else they are downloaded (31 MB) and kept in the cache.

    Args:
        train: The training part (True) or the test part (False).
        transform: Of an image `(1, 28, 28)` uint8 from 0 to 255. The default makes it a row
            of 784 float32 in [0, 1]; None leaves it as it is.
        target_transform: Of the label, an int64 from 0 to 9; None leaves it as it is.

    Attributes:
        data: The images, `(N, 1, 28, 28)` uint8.
        label: The labels, `(N,)` int64.

    Raises:
        DownloadError: The files are neither in the cache nor to be had.
        DataError: A file is damaged or another than it should be.

    Source:
        H. Xiao, K. Rasul and R. Vollgraf (2017), Fashion-MNIST, arXiv:1708.07747, licence MIT.
    """

    _url = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
    _prefix = "fashion-mnist-"  # its files have the same names as MNIST's
    _debian_folder = "/usr/share/datasets/fashion-mnist"
    _sha256 = {
        "train-images-idx3-ubyte.gz": (
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"
        ),
        "train-labels-idx1-ubyte.gz": (
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"
        ),
        "t10k-images-idx3-ubyte.gz": (
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"
        ),
        "t10k-labels-idx1-ubyte.gz": (
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"
        ),
    }

    @staticmethod
    def labels() -> dict[int, str]:
        """The name of each class."""
        names = (
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        )
        return dict(enumerate(names))

    def _path(self, name: str) -> str:
        """Where the file `name` is: in the cache, in Debian's folder, or downloaded."""
        installed = os.path.join(self._debian_folder, name)
        in_cache = os.path.isfile(cache_path(self._prefix + name))
        if os.path.isfile(installed) and not in_cache:
            return installed
        return super()._path(name)


def _check(name: str, images: np.ndarray, labels: np.ndarray) -> None:
    """Refuse images and labels that are not those of ten classes of 28x28 pixels."""
    if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1:] != (28, 28):
        raise DataError(
            f"{name}: the images are {images.shape} {images.dtype}, expected (N, 28, 28) uint8"
        )
    if labels.dtype != np.uint8 or labels.shape != images.shape[:1]:
        raise DataError(
            f"{name}: the labels are {labels.shape} {labels.dtype}, expected "
            f"({len(images)},) uint8: one for each image"
        )
    if labels.max() > 9:
        raise DataError(f"{name}: a label is {labels.max()}, expected 0 to 9")
