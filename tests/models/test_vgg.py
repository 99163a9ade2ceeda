"""VGG16: names, shapes, the published number of parameters, values, preprocessing."""

import numpy as np
import pytest
from PIL import Image

import dezero.functions as F
from dezero import no_grad
from dezero import test_mode as prediction
from dezero.errors import DTypeError, ShapeError
from dezero.models import VGG16, vgg

CHANNELS = [3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512]
NAMES = ["1_1", "1_2", "2_1", "2_2", "3_1", "3_2", "3_3", "4_1", "4_2", "4_3", "5_1", "5_2", "5_3"]


def shapes(size):
    """The paper's configuration D for square images."""
    found = {}
    for name, before, after in zip(NAMES, CHANNELS, CHANNELS[1:], strict=False):
        found |= {f"conv{name}/W": (after, before, 3, 3), f"conv{name}/b": (after,)}
    sizes = [512 * (size // 32) ** 2, 4096, 4096, 1000]
    for name, before, after in zip(("fc6", "fc7", "fc8"), sizes, sizes[1:], strict=False):
        found |= {f"{name}/W": (before, after), f"{name}/b": (after,)}
    return found


def test_names_shapes_and_number_of_parameters(undrawn):
    model = VGG16()
    with no_grad(), prediction():
        assert model(np.zeros((0, 3, 224, 224), np.float32)).shape == (0, 1000)
    found = {name: param.shape for name, param in model.named_params()}
    assert found == shapes(224)
    assert sum(param.size for param in model.params()) == 138_357_544  # as published
    assert {param.dtype for param in model.params()} == {np.dtype(np.float32)}


def test_values_with_a_weight_file_of_the_original(drawn, reference, tmp_path):
    state = drawn(shapes(32))
    np.savez(tmp_path / "vgg16.npz", **state)
    model = VGG16()
    model.load_weights(tmp_path / "vgg16.npz")
    x = np.random.randn(2, 3, 32, 32).astype(np.float32)
    with no_grad(), prediction():
        y = model(x)
    ref = reference(state)
    expected = x.astype(np.float64)
    for i, name in enumerate(NAMES):
        expected = ref.relu(ref.conv(f"conv{name}", expected, pad=1))
        if NAMES[i + 1 : i + 2] == [] or NAMES[i + 1][0] != name[0]:
            expected = ref.pool(expected, 2, 2)
    expected = expected.reshape(2, 512)
    for name in ("fc6", "fc7"):
        expected = ref.relu(ref.linear(name, expected))
    expected = ref.linear("fc8", expected)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y.data, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def test_training_reaches_every_parameter_through_dropout(drawn):
    model = VGG16()
    model.load_state_dict(drawn(shapes(32)))
    x = np.random.randn(2, 3, 32, 32).astype(np.float32)
    F.softmax_cross_entropy(model(x), np.array([3, 999])).backward()
    for name, param in model.named_params():
        assert param.grad.shape == param.shape and param.grad.dtype == np.float32, name
        assert np.isfinite(param.grad.data).all() and param.grad.data.any(), name
    for following in (model.fc7, model.fc8):
        # an image leaves a number idle with 1/2 in ReLU, else with 1/2 in dropout: 3/4; both
        # images do with (3/4)^2 = 0.56, and would with 1/4 without dropout
        idle = ~following.W.grad.data.any(axis=1)
        assert 0.5 < idle.mean() < 0.65
    with no_grad():
        assert (model(x).data != model(x).data).any()  # dropout draws anew


@pytest.mark.parametrize("size", [16, 31])
def test_images_that_are_too_small(undrawn, size):
    with pytest.raises(ShapeError, match=r"^VGG16: pooling: x is \(1, 512, 1, 1\) float32"):
        VGG16()(np.zeros((1, 3, size, size), np.float32))


def test_preprocess():
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    x = VGG16.preprocess(Image.fromarray(pixels), size=None)
    assert x.shape == (3, 20, 30) and x.dtype == np.float32
    means = {0: 103.939, 1: 116.779, 2: 123.68}  # blue, green, red
    for channel, mean in means.items():
        expected = pixels[:, :, 2 - channel] - mean
        np.testing.assert_allclose(x[channel], expected, rtol=1e-6, atol=1e-5)


def test_preprocess_scales_as_pillow_does():
    gradient = np.tile(np.arange(100, dtype=np.uint8)[:, None, None], (1, 50, 3))
    image = Image.fromarray(gradient)
    x = VGG16.preprocess(image)
    assert x.shape == (3, 224, 224)
    bicubic = np.asarray(image.resize((224, 224), Image.Resampling.BICUBIC), np.float64)
    np.testing.assert_allclose(x[0], bicubic[:, :, 2] - 103.939, rtol=1e-6, atol=1e-5)
    assert VGG16.preprocess(image, (40, 20)).shape == (3, 20, 40)  # (width, height)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK"])
def test_preprocess_takes_any_mode(mode):
    image = Image.new("RGB", (8, 8), (204, 204, 204)).convert(mode)
    x = VGG16.preprocess(image, (4, 4), np.float64)
    assert x.dtype == np.float64
    np.testing.assert_allclose(x[:, 0, 0], 204 - np.array([103.939, 116.779, 123.68]), atol=1)


def test_preprocess_takes_images_only():
    with pytest.raises(DTypeError, match="the item is ndarray, expected a Pillow image"):
        VGG16.preprocess(np.zeros((4, 4, 3), np.uint8))


def test_pretrained_loads_the_released_file(monkeypatch):
    calls = []
    monkeypatch.setattr(vgg, "load_pretrained", lambda *arguments: calls.append(arguments))
    VGG16()
    assert calls == []
    model = VGG16(pretrained=True)
    assert calls == [(model, "vgg16.npz")]
