"""Transforms: what happens to each image or label between a dataset and the network.

Images are Pillow images, or arrays with the channels first, `(C, H, W)`. A transform that
has a method `batch` also takes a stack of items `(N, ...)` in one step; loaders use it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import DTypeError, MissingDependencyError, ShapeError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike

Transform = Callable[[Any], Any]


class Compose:
    """Several transforms, one after the other.

    Args:
        transforms: Functions of one argument; an empty list leaves items as they are.

    Example:
        >>> prepare = Compose([Flatten(), ToFloat(), Normalize(0, 255)])
        >>> prepare(np.full((1, 2, 2), 51, dtype=np.uint8))
        array([0.2, 0.2, 0.2, 0.2], dtype=float32)
    """

    def __init__(self, transforms: Sequence[Transform] = ()) -> None:
        self.transforms = list(transforms)

    def __call__(self, item: Any) -> Any:
        for transform in self.transforms:
            item = transform(item)
        return item

    @property
    def batch(self) -> Transform | None:
        """The same over a stack `(N, ...)`, or None if one of the transforms cannot."""
        steps = [getattr(transform, "batch", None) for transform in self.transforms]
        if None in steps:
            return None
        return Compose([step for step in steps if step is not None])


class Convert:
    """A Pillow image in another mode, for example 'RGB', 'L' (grey) or 'RGBA'.

    Mode 'BGR' gives the colours in the order that VGG16's weights expect.

    Args:
        mode: The mode of the result.

    Raises:
        DTypeError: The item is not a Pillow image.
    """

    def __init__(self, mode: str = "RGB") -> None:
        self.mode = mode

    def __call__(self, image: Any) -> Any:
        _expect_image("Convert", image)
        if self.mode != "BGR":
            return image.convert(self.mode)
        red, green, blue = image.convert("RGB").split()
        return _pillow().merge("RGB", (blue, green, red))


class Resize:
    """A Pillow image scaled to `size`.

    Args:
        size: `(width, height)` in pixels; one number for a square.
        mode: One of Pillow's resampling filters; bilinear if None.

    Raises:
        DTypeError: The item is not a Pillow image.
    """

    def __init__(self, size: int | tuple[int, int], mode: int | None = None) -> None:
        self.size = _pair("Resize", size)
        self.mode = mode

    def __call__(self, image: Any) -> Any:
        _expect_image("Resize", image)
        mode = _pillow().Resampling.BILINEAR if self.mode is None else self.mode
        return image.resize(self.size, mode)


class CenterCrop:
    """The middle of a Pillow image, `size` large.

    Args:
        size: `(width, height)` in pixels; one number for a square.

    Raises:
        DTypeError: The item is not a Pillow image.
        ShapeError: The image is smaller than `size`.
    """

    def __init__(self, size: int | tuple[int, int]) -> None:
        self.size = _pair("CenterCrop", size)

    def __call__(self, image: Any) -> Any:
        _expect_image("CenterCrop", image)
        width, height = self.size
        if image.width < width or image.height < height:
            raise ShapeError(
                f"CenterCrop: the image is {image.width}x{image.height} pixels, smaller than "
                f"{width}x{height}: resize it first"
            )
        left, top = (image.width - width) // 2, (image.height - height) // 2
        return image.crop((left, top, left + width, top + height))


class ToArray:
    """A Pillow image as an array `(C, H, W)` of `dtype`; an array stays as it is.

    Args:
        dtype: Type of the result; the pixel values are not scaled.

    Raises:
        DTypeError: The item is neither a Pillow image nor an array.
    """

    def __init__(self, dtype: DTypeLike = np.float32) -> None:
        self.dtype = dtype

    def __call__(self, image: Any) -> np.ndarray:
        if isinstance(image, np.ndarray):
            return image
        _expect_image("ToArray", image)
        pixels = np.asarray(image, dtype=self.dtype)  # (H, W) or (H, W, C)
        if pixels.ndim == 2:
            return pixels[np.newaxis]  # (1, H, W)
        return np.ascontiguousarray(pixels.transpose(2, 0, 1))  # (C, H, W)


class ToPIL:
    """An array `(C, H, W)` of pixel values 0 to 255 as a Pillow image: the way back.

    One channel gives a grey image, three give RGB, four RGBA.

    Raises:
        DTypeError: The item is not an array.
        ShapeError: Its shape is not that of an image.
    """

    def __call__(self, array: np.ndarray) -> Any:
        if not isinstance(array, np.ndarray):
            raise DTypeError(f"ToPIL: the item is {type(array).__name__}, expected an array")
        if array.ndim != 3 or array.shape[0] not in (1, 3, 4):
            raise ShapeError(
                f"ToPIL: the array is {array.shape} {array.dtype}: expected (C, H, W) "
                "with 1, 3 or 4 channels"
            )
        pixels = np.ascontiguousarray(array.transpose(1, 2, 0)).astype(np.uint8)
        return _pillow().fromarray(pixels[:, :, 0] if array.shape[0] == 1 else pixels)


class RandomHorizontalFlip:
    """Left and right exchanged with probability one half.

    Takes Pillow images and arrays whose last axis is the width. The coin is NumPy's global
    generator, so `np.random.seed(0)` repeats the run.

    Raises:
        DTypeError: The item is neither a Pillow image nor an array.
    """

    def __call__(self, image: Any) -> Any:
        if not isinstance(image, np.ndarray):
            _expect_image("RandomHorizontalFlip", image)
        if np.random.random() < 0.5:
            return image
        if isinstance(image, np.ndarray):
            return image[..., ::-1]
        return image.transpose(_pillow().Transpose.FLIP_LEFT_RIGHT)


class Normalize:
    """(x - mean) / std, with one mean and deviation for all, or one of each per channel.

    Args:
        mean: A number, or a sequence of C numbers for arrays `(C, H, W)`.
        std: A number other than 0, or a sequence of C of them.

    Returns:
        An array of the same shape; the dtype stays if it is a floating one, integers become
        float32.

    Raises:
        ShapeError: `std` contains 0, or the number of channels is another.

    Example:
        >>> Normalize(mean=[1, 2], std=2)(np.zeros((2, 1, 1), dtype=np.float32)).ravel()
        array([-0.5, -1. ], dtype=float32)
    """

    def __init__(self, mean: ArrayLike = 0, std: ArrayLike = 1) -> None:
        self.mean = np.asarray(mean, dtype=np.float64)
        self.std = np.asarray(std, dtype=np.float64)
        if self.mean.ndim > 1 or self.std.ndim > 1 or not np.all(self.std):
            raise ShapeError(
                f"Normalize: mean is {self.mean.tolist()}, std is {self.std.tolist()}: "
                "each must be a number or a list with one per channel, std without 0"
            )

    def __call__(self, array: np.ndarray) -> np.ndarray:
        return self._normalized(array, channel_axis=0)

    def batch(self, arrays: np.ndarray) -> np.ndarray:
        """The same for a stack `(N, C, H, W)`."""
        return self._normalized(arrays, channel_axis=1)

    def _normalized(self, array: np.ndarray, channel_axis: int) -> np.ndarray:
        """`array` normalized along `channel_axis`."""
        dtype = array.dtype if np.issubdtype(array.dtype, np.floating) else np.dtype(np.float32)
        mean = _per_channel("mean", self.mean, array, channel_axis).astype(dtype)
        std = _per_channel("std", self.std, array, channel_axis).astype(dtype)
        return (array.astype(dtype, copy=False) - mean) / std


class Flatten:
    """All numbers of an array in one row, `(C, H, W)` to `(C*H*W,)`."""

    def __call__(self, array: np.ndarray) -> np.ndarray:
        return array.reshape(-1)

    def batch(self, arrays: np.ndarray) -> np.ndarray:
        """The same for a stack: `(N, C, H, W)` to `(N, C*H*W)`."""
        return arrays.reshape(len(arrays), -1)


class AsType:
    """An array or number as `dtype`.

    Args:
        dtype: Type of the result.

    Example:
        >>> AsType(np.float16)(np.array([1, 2]))
        array([1., 2.], dtype=float16)
    """

    def __init__(self, dtype: DTypeLike = np.float32) -> None:
        self.dtype = dtype

    def __call__(self, item: Any) -> Any:
        return np.asarray(item).astype(self.dtype)[()]

    def batch(self, items: np.ndarray) -> np.ndarray:
        """The same for a stack."""
        return items.astype(self.dtype)


class ToFloat(AsType):
    """An array or number as float32."""


class ToInt(AsType):
    """An array or number as integers, cut off towards zero.

    Args:
        dtype: The integer type; `int` is int64.
    """

    def __init__(self, dtype: DTypeLike = int) -> None:
        super().__init__(dtype)


def _pair(name: str, size: int | tuple[int, int]) -> tuple[int, int]:
    """`size` as (width, height)."""
    width, height = (size, size) if isinstance(size, int) else size
    if width < 1 or height < 1:
        raise ShapeError(f"{name}: size is {size}: expected one or two numbers above 0")
    return width, height


def _per_channel(name: str, values: np.ndarray, array: np.ndarray, axis: int) -> np.ndarray:
    """`values` in the shape that broadcasts along `axis` of `array`."""
    if values.ndim == 0:
        return values
    if array.ndim <= axis or array.shape[axis] != len(values):
        raise ShapeError(
            f"Normalize: {name} has {len(values)} numbers, the array is {array.shape} "
            f"{array.dtype}: its axis {axis} holds the channels and must be as long"
        )
    shape = [1] * array.ndim
    shape[axis] = len(values)
    return values.reshape(shape)


def _pillow() -> Any:
    """Pillow's module Image."""
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingDependencyError(
            "transforms of images need Pillow: pip install 'dezero[images]'"
        ) from error
    return Image


def _expect_image(name: str, image: Any) -> None:
    """Refuse what is not a Pillow image."""
    if not isinstance(image, _pillow().Image):
        raise DTypeError(
            f"{name}: the item is {type(image).__name__}, expected a Pillow image: "
            "for an array put ToPIL() before it"
        )
