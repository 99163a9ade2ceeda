import builtins

import numpy as np
import pytest
from PIL import Image

from dezero.errors import DTypeError, MissingDependencyError, ShapeError
from dezero.transforms import (
    AsType,
    CenterCrop,
    Compose,
    Convert,
    Flatten,
    Normalize,
    RandomHorizontalFlip,
    Resize,
    ToArray,
    ToFloat,
    ToInt,
    ToPIL,
)


def picture(width, height):
    """An RGB image whose red is the column, green the row, blue 7."""
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[..., 0] = np.arange(width)
    pixels[..., 1] = np.arange(height)[:, None]
    pixels[..., 2] = 7
    return Image.fromarray(pixels)


def test_compose_applies_from_first_to_last():
    assert Compose([lambda x: x + 1, lambda x: x * 10])(2) == 30


def test_compose_of_nothing_is_the_identity():
    assert Compose()("x") == "x"
    assert Compose([]).batch(np.arange(2)).tolist() == [0, 1]


def test_compose_has_a_batch_only_if_every_step_has_one():
    assert Compose([Flatten(), lambda x: x]).batch is None
    steps = Compose([Flatten(), ToFloat(), Normalize(0, 2)])
    stack = np.arange(24, dtype=np.uint8).reshape(2, 3, 2, 2)
    assert np.array_equal(steps.batch(stack), np.stack([steps(item) for item in stack]))


def test_nested_compose_works_on_stacks():
    inner = Compose([ToFloat(), Normalize([1, 2], [3, 4])])
    stack = np.arange(8).reshape(2, 2, 2, 1)
    outer = Compose([inner, Flatten()])
    assert np.array_equal(outer.batch(stack), np.stack([outer(item) for item in stack]))


def test_convert_to_rgb_grey_and_bgr():
    image = picture(3, 2)
    assert Convert()(image.convert("RGBA")).mode == "RGB"
    assert Convert("L")(image).mode == "L"
    assert Convert("BGR")(image).getpixel((2, 1)) == (7, 1, 2)


def test_resize_takes_width_and_height():
    assert Resize((5, 3))(picture(10, 9)).size == (5, 3)
    assert Resize(4)(picture(10, 9)).size == (4, 4)


def test_resize_mode_is_pillows():
    image = Image.fromarray(np.array([[0, 255]], dtype=np.uint8))
    nearest = np.asarray(Resize((4, 1), Image.Resampling.NEAREST)(image))
    assert nearest.tolist() == [[0, 0, 255, 255]]
    assert np.asarray(Resize((4, 1))(image)).tolist() != nearest.tolist()


def test_center_crop_keeps_the_middle():
    cropped = np.asarray(CenterCrop((4, 2))(picture(10, 6)))
    assert cropped[0, :, 0].tolist() == [3, 4, 5, 6]
    assert cropped[:, 0, 1].tolist() == [2, 3]


def test_center_crop_of_a_smaller_image_is_refused():
    with pytest.raises(ShapeError, match="image is 10x6 pixels, smaller than 8x8"):
        CenterCrop(8)(picture(10, 6))


@pytest.mark.parametrize("transform", [Resize, CenterCrop])
def test_sizes_below_one_are_refused(transform):
    with pytest.raises(ShapeError, match="expected one or two numbers above 0"):
        transform((3, 0))


def test_to_array_puts_channels_first():
    array = ToArray()(picture(3, 2))
    assert array.shape == (3, 2, 3)
    assert array.dtype == np.float32
    assert array[0].tolist() == [[0, 1, 2], [0, 1, 2]]
    assert array[1].tolist() == [[0, 0, 0], [1, 1, 1]]
    assert array.flags.c_contiguous


def test_to_array_of_a_grey_image_has_one_channel():
    assert ToArray(np.uint8)(picture(3, 2).convert("L")).shape == (1, 2, 3)


def test_to_array_leaves_arrays_alone():
    array = np.arange(3)
    assert ToArray()(array) is array


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
def test_to_pil_undoes_to_array(mode):
    image = picture(3, 2).convert(mode)
    back = ToPIL()(ToArray()(image))
    assert back.mode == mode
    assert back.tobytes() == image.tobytes()


@pytest.mark.parametrize("shape", [(2, 3), (2, 4, 4), (1, 1, 1, 1)])
def test_to_pil_refuses_what_is_not_an_image(shape):
    with pytest.raises(ShapeError, match="expected"):
        ToPIL()(np.zeros(shape))


def test_to_pil_refuses_lists():
    with pytest.raises(DTypeError, match="the item is list, expected an array"):
        ToPIL()([[1]])


@pytest.mark.parametrize(
    "transform", [Convert(), Resize(2), CenterCrop(2), ToArray(), RandomHorizontalFlip()]
)
def test_image_transforms_refuse_other_things(transform):
    with pytest.raises(DTypeError, match="expected a Pillow image"):
        transform([1, 2])


def test_flip_happens_half_the_time_and_is_seeded_by_numpy():
    array = np.array([[[1, 2, 3]]])
    np.random.seed(0)
    flips = [RandomHorizontalFlip()(array)[0, 0, 0] == 3 for _ in range(400)]
    assert 150 < sum(flips) < 250  # 5 standard deviations of 400 throws of a coin
    np.random.seed(0)
    assert flips == [RandomHorizontalFlip()(array)[0, 0, 0] == 3 for _ in range(400)]


def test_flip_of_an_image_mirrors_it():
    image = picture(3, 2)
    np.random.seed(0)
    results = {RandomHorizontalFlip()(image).getpixel((0, 0)) for _ in range(50)}
    assert results == {(0, 0, 7), (2, 0, 7)}


def test_normalize_by_numbers():
    x = np.array([1.0, 3.0])
    assert Normalize(1, 2)(x).tolist() == [0.0, 1.0]
    assert Normalize()(x).tolist() == [1.0, 3.0]


def test_normalize_per_channel():
    x = np.ones((2, 1, 3), dtype=np.float32)
    y = Normalize([0, 1], [2, 4])(x)
    assert y.tolist() == [[[0.5, 0.5, 0.5]], [[0.0, 0.0, 0.0]]]
    assert np.array_equal(Normalize([0, 1], 2).batch(x[None]), Normalize([0, 1], 2)(x)[None])


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [("float16", "float16"), ("float32", "float32"), ("float64", "float64"), ("u1", "float32")],
)
def test_normalize_keeps_floating_dtypes(dtype, expected):
    y = Normalize(mean=0.5, std=[0.5])(np.array([[[2]]], dtype=dtype))
    assert y.dtype == expected
    assert y.item() == 3.0


def test_normalize_does_not_write_into_its_argument():
    x = np.ones(3, dtype=np.float32)
    Normalize(5, 2)(x)
    assert x.tolist() == [1.0, 1.0, 1.0]


def test_normalize_refuses_another_number_of_channels():
    with pytest.raises(ShapeError, match=r"mean has 3 numbers, the array is \(2, 4, 4\)"):
        Normalize([0, 0, 0])(np.zeros((2, 4, 4)))
    with pytest.raises(ShapeError, match="std has 3 numbers"):
        Normalize(0, [1, 1, 1]).batch(np.zeros((3, 2, 4, 4)))


@pytest.mark.parametrize(("mean", "std"), [(0, 0), (0, [1, 0]), ([[1]], 1)])
def test_normalize_refuses_zero_and_matrices(mean, std):
    with pytest.raises(ShapeError, match="std without 0"):
        Normalize(mean, std)


def test_flatten_gives_one_row():
    assert Flatten()(np.zeros((2, 3, 4))).shape == (24,)
    assert Flatten().batch(np.zeros((2, 3, 4))).shape == (2, 12)


def test_as_type_of_arrays_and_numbers():
    assert AsType()(np.arange(2)).dtype == np.float32
    assert AsType(np.int8)(3.7) == 3
    assert ToFloat()(np.arange(2)).dtype == np.float32
    assert ToInt()(np.array([1.9, -1.9])).tolist() == [1, -1]
    assert ToInt()(2.5).dtype == np.int64
    assert ToInt(np.uint8).batch(np.ones(3)).dtype == np.uint8


def test_without_pillow_the_error_names_the_extra(monkeypatch):
    real_import = builtins.__import__

    def without_pillow(name, *args, **kwargs):
        if name.split(".")[0] == "PIL":
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_pillow)
    with pytest.raises(MissingDependencyError, match=r"dezero\[images\]"):
        Convert()(object())
