"""Convolution layers: their first weights, their lazily found channels, what they compute."""

import numpy as np
import pytest

import dezero.functions as F
import dezero.layers as L
from dezero.errors import DTypeError, ShapeError


def test_the_layer_is_its_function():
    x = np.random.default_rng(0).normal(size=(2, 4, 6, 5))
    conv = L.Conv2d(6, (3, 2), (2, 1), 1, dtype=np.float64, in_channels=4, dilation=2, groups=2)
    conv.b.data = np.arange(6.0)
    expected = F.conv2d(x, conv.W, conv.b, (2, 1), 1, 2, 2)
    np.testing.assert_array_equal(conv(x).data, expected.data)
    deconv = L.Deconv2d(6, (3, 2), (2, 1), 1, dtype=np.float64, in_channels=4, groups=2)
    expected = F.deconv2d(x, deconv.W, deconv.b, (2, 1), 1, groups=2)
    np.testing.assert_array_equal(deconv(x).data, expected.data)


@pytest.mark.parametrize("in_channels", [None, 4])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize(
    "make, shape, fan_in",
    [
        (lambda **k: L.Conv2d(3, (2, 5), **k), (3, 4, 2, 5), 40),
        (lambda **k: L.Deconv2d(3, (2, 5), **k), (4, 3, 2, 5), 40),
        (lambda **k: L.Conv2d(6, 3, groups=2, **k), (6, 2, 3, 3), 18),
        (lambda **k: L.Deconv2d(6, 3, groups=2, **k), (4, 3, 3, 3), 18),
    ],
)
def test_weights_are_those_of_the_seed_in_the_dtype(make, shape, fan_in, dtype, in_channels):
    np.random.seed(7)
    layer = make(dtype=dtype, in_channels=in_channels)
    y = layer(np.ones((1, 4, 6, 6), dtype))
    assert layer.W.dtype == layer.b.dtype == y.dtype == dtype
    drawn = np.random.RandomState(7).randn(*shape)
    tolerance = {np.float16: 2e-3, np.float32: 3e-7, np.float64: 1e-15}[dtype]
    np.testing.assert_allclose(
        layer.W.data, drawn / np.sqrt(fan_in), rtol=tolerance, atol=tolerance
    )
    assert layer.b.shape == y.shape[1:2]
    assert not layer.b.data.any()


@pytest.mark.parametrize(
    "layer, sizes",
    [
        (L.Conv1d(2, 3), (4,)),
        (L.Conv3d(2, 3), (4, 4, 4)),
        (L.Deconv1d(2, 3), (8,)),
        (L.Deconv3d(2, 3), (8, 8, 8)),
    ],
)
def test_other_numbers_of_axes(layer, sizes):
    x = np.ones((2, 3, *[6] * len(sizes)), np.float32)
    assert layer(x).shape == (2, 2, *sizes)


def test_no_bias():
    layer = L.Conv2d(2, 3, nobias=True)
    assert layer.b is None
    assert [name for name, _ in layer.named_params()] == ["W"]
    assert not layer(np.zeros((1, 1, 3, 3), np.float32)).data.any()


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda: L.Conv2d(0, 3), ShapeError, "Conv2d: out_channels is 0"),
        (lambda: L.Conv2d(3, 3, in_channels=0), ShapeError, "Conv2d: in_channels is 0"),
        (lambda: L.Conv2d(3, 0), ShapeError, "Conv2d: kernel_size is 0, but must be at least 1"),
        (lambda: L.Conv2d(3, 3, stride=0), ShapeError, "Conv2d: stride is 0"),
        (lambda: L.Conv2d(3, 3, pad=-1), ShapeError, "Conv2d: pad is -1"),
        (lambda: L.Conv2d(3, (3, 3, 3)), ShapeError, "kernel_size .* one number or 2"),
        (lambda: L.Deconv2d(3, 2.5), DTypeError, "Deconv2d: kernel_size is 2.5"),
        (lambda: L.Conv2d(3, 3, groups=2), ShapeError, r"groups \(2\) .* out_channels \(3\)"),
        (
            lambda: L.Conv2d(4, 3, groups=2, in_channels=3),
            ShapeError,
            r"Conv2d: groups \(2\) must divide in_channels \(3\)",
        ),
        (lambda: L.Conv2d(3, 3)(np.ones((3, 8, 8))), ShapeError, r"Conv2d: x is \(3, 8, 8\)"),
        (lambda: L.Conv2d(3, 9)(np.ones((1, 3, 8, 8))), ShapeError, r"\(9, 9\).*\(8, 8\)"),
    ],
)
def test_bad_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_failed_first_call_leaves_the_layer_as_it_was():
    layer = L.Conv2d(4, 3, groups=2)
    for wrong in (np.ones((3, 8, 8)), np.ones((1, 3, 8, 8))):
        with pytest.raises(ShapeError):
            layer(wrong)
    assert layer(np.ones((1, 2, 8, 8), np.float32)).shape == (1, 4, 6, 6)
