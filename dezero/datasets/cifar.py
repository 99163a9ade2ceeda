"""CIFAR-10 and CIFAR-100: 60,000 colour images of 32x32 pixels each."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Sequence

import numpy as np

from ..errors import DataError
from ..transforms import Compose, Normalize, ToFloat
from .base import Dataset, Transform
from .cifar_labels import (
    CIFAR10_NAMES,
    CIFAR100_COARSE_NAMES,
    CIFAR100_FINE_NAMES,
)
from .download import get_file
from .image_grid import show_images

_BETWEEN_MINUS_ONE_AND_ONE = Compose([ToFloat(), Normalize(127.5, 127.5)])
_PIXELS = 3 * 32 * 32
_MAX_ARCHIVE_BYTES = 1 << 28  # uncompressed; the real ones have less than 200 MB
_URL = "https://www.cs.toronto.edu/~kriz/"


class CIFAR10(Dataset):
    """Small photographs of ten kinds: 50,000 for training, 10,000 for testing.

    The binary archive (170 MB) is downloaded at first use and kept in the cache.

    Args:
        train: The training part (True) or the test part (False).
        transform: Of an image `(3, 32, 32)` uint8, red, green, blue from 0 to 255. The
            default makes it float32 in [-1, 1]; None leaves it as it is.
        target_transform: Of the label, an int64; None leaves it as it is.

    Attributes:
        data: The images, `(N, 3, 32, 32)` uint8.
        label: The labels, `(N,)` int64.

    Raises:
        DownloadError: The archive is neither in the cache nor to be had.
        DataError: The archive is damaged.

    Source:
        A. Krizhevsky (2009), Learning Multiple Layers of Features from Tiny Images,
        https://www.cs.toronto.edu/~kriz/cifar.html.
    """

    _archive = "cifar-10-binary.tar.gz"
    _sha256 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
    _train_files = tuple(f"cifar-10-batches-bin/data_batch_{i}.bin" for i in range(1, 6))
    _test_files = ("cifar-10-batches-bin/test_batch.bin",)
    _images_per_file = {True: 10_000, False: 10_000}  # by train

    def __init__(
        self,
        train: bool = True,
        transform: Transform | None = _BETWEEN_MINUS_ONE_AND_ONE,
        target_transform: Transform | None = None,
    ) -> None:
        super().__init__(train, transform, target_transform)

    def prepare(self) -> None:
        """Read the images and labels of this part."""
        self.data, labels = self._read(label_bytes=1)
        self.label = _checked_labels(type(self).__name__, labels[:, 0], len(CIFAR10_NAMES))

    def show(self, row: int = 10, col: int = 10) -> None:
        """Show the first `row * col` images in a window of matplotlib.

        Raises:
            MissingDependencyError: matplotlib is not installed.
        """
        show_images(self.data, row, col)

    @staticmethod
    def labels() -> dict[int, str]:
        """The name of each class."""
        return dict(enumerate(CIFAR10_NAMES))

    def _read(self, label_bytes: int) -> tuple[np.ndarray, np.ndarray]:
        """Images and label bytes of this part, from the archive."""
        path = get_file(_URL + self._archive, sha256=self._sha256)
        members = self._train_files if self.train else self._test_files
        return read_cifar(path, members, self._images_per_file[self.train], label_bytes)


class CIFAR100(CIFAR10):
    """Small photographs of a hundred kinds, in twenty groups: 50,000 and 10,000.

    The binary archive (169 MB) is downloaded at first use and kept in the cache.

    Args:
        train: The training part (True) or the test part (False).
        transform: Of an image `(3, 32, 32)` uint8, red, green, blue from 0 to 255. The
            default makes it float32 in [-1, 1]; None leaves it as it is.
        target_transform: Of the label, an int64; None leaves it as it is.
        label_type: 'fine' for the hundred kinds, 'coarse' for the twenty groups.

    Attributes:
        data: The images, `(N, 3, 32, 32)` uint8.
        label: The labels, `(N,)` int64.

    Raises:
        DownloadError: The archive is neither in the cache nor to be had.
        DataError: The archive is damaged, or `label_type` is neither of the two.

    Source:
        A. Krizhevsky (2009), Learning Multiple Layers of Features from Tiny Images,
        https://www.cs.toronto.edu/~kriz/cifar.html.
    """

    _archive = "cifar-100-binary.tar.gz"
    _sha256 = "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec"
    _train_files = ("cifar-100-binary/train.bin",)
    _test_files = ("cifar-100-binary/test.bin",)
    _images_per_file = {True: 50_000, False: 10_000}

    def __init__(
        self,
        train: bool = True,
        transform: Transform | None = _BETWEEN_MINUS_ONE_AND_ONE,
        target_transform: Transform | None = None,
        label_type: str = "fine",
    ) -> None:
        self.label_type = label_type
        _names_of(label_type)
        super().__init__(train, transform, target_transform)

    def prepare(self) -> None:
        """Read the images and labels of this part."""
        self.data, labels = self._read(label_bytes=2)  # of the group, then of the kind
        column = 1 if self.label_type == "fine" else 0
        count = len(_names_of(self.label_type))
        self.label = _checked_labels(type(self).__name__, labels[:, column], count)

    @staticmethod
    def labels(label_type: str = "fine") -> dict[int, str]:
        """The name of each class.

        Args:
            label_type: 'fine' or 'coarse'.

        Raises:
            DataError: `label_type` is neither.
        """
        return dict(enumerate(_names_of(label_type)))


def read_cifar(
    path: str, members: Sequence[str], images: int, label_bytes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels from some files of a CIFAR archive, one after the other.

    Nothing is unpacked onto the disk. A file in the archive counts only if it has exactly the
    name and size that are expected; everything else in it is passed over.

    Args:
        path: The archive, a tar file compressed with gzip.
        members: Full names of the files in it, in the order of the result.
        images: Images in each of these files.
        label_bytes: Bytes of labels before each image's 3072 bytes of pixels.

    Returns:
        The images, `(N, 3, 32, 32)` uint8, and the labels, `(N, label_bytes)` uint8.

    Raises:
        DataError: The archive cannot be read or does not hold these files.
    """
    pixels = np.empty((len(members), images, 3, 32, 32), dtype=np.uint8)
    labels = np.empty((len(members), images, label_bytes), dtype=np.uint8)
    found = set()
    for name, content in _files(path, members, images * (label_bytes + _PIXELS)):
        place = members.index(name)
        records = np.frombuffer(content, dtype=np.uint8).reshape(images, -1)
        labels[place] = records[:, :label_bytes]
        pixels[place] = records[:, label_bytes:].reshape(images, 3, 32, 32)
        found.add(name)
    missing = [name for name in members if name not in found]
    if missing:
        raise DataError(f"read_cifar: {path} has no file {missing[0]} with {images} images")
    return pixels.reshape(-1, 3, 32, 32), labels.reshape(-1, label_bytes)


def _files(path: str, members: Sequence[str], size: int) -> Iterator[tuple[str, bytes]]:
    """Name and content of those of `members` that are in the archive and have `size` bytes."""
    import tarfile  # here: it would double the time that `import dezero.datasets` takes

    try:
        with _BoundedGzip(path) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                if member.name in members and member.isreg() and member.size == size:
                    file = archive.extractfile(member)
                    if file is not None:
                        yield member.name, file.read()
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise DataError(f"read_cifar: {path} cannot be read: {error}") from error


class _BoundedGzip(gzip.GzipFile):
    """A gzip file that ends with an error after `_MAX_ARCHIVE_BYTES`, however long it is."""

    def read(self, size: int | None = -1) -> bytes:
        """At most `size` bytes."""
        content = super().read(size)
        if self.tell() > _MAX_ARCHIVE_BYTES:
            raise OSError(f"it expands to more than {_MAX_ARCHIVE_BYTES} bytes")
        return content


def _checked_labels(name: str, labels: np.ndarray, classes: int) -> np.ndarray:
    """`labels` as int64, each below `classes`."""
    if labels.max() >= classes:
        raise DataError(f"{name}: a label is {labels.max()}, expected 0 to {classes - 1}")
    return labels.astype(np.int64)


def _names_of(label_type: str) -> tuple[str, ...]:
    """The names of CIFAR-100's kinds or groups."""
    if label_type not in ("fine", "coarse"):
        raise DataError(f"CIFAR100: label_type is {label_type!r}, expected 'fine' or 'coarse'")
    return CIFAR100_FINE_NAMES if label_type == "fine" else CIFAR100_COARSE_NAMES
