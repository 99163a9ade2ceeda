"""SqueezeNet 1.0: names, shapes, the published number of parameters, values."""

import numpy as np
import pytest

import dezero.functions as F
from dezero import no_grad
from dezero import test_mode as prediction
from dezero.errors import DownloadError, ShapeError
from dezero.models import SqueezeNet

# Table 1 of the paper: input channels, s1x1, e1x1 and e3x3 of each fire module.
FIRES = {
    "fire2": (96, 16, 64, 64),
    "fire3": (128, 16, 64, 64),
    "fire4": (128, 32, 128, 128),
    "fire5": (256, 32, 128, 128),
    "fire6": (256, 48, 192, 192),
    "fire7": (384, 48, 192, 192),
    "fire8": (384, 64, 256, 256),
    "fire9": (512, 64, 256, 256),
}


def shapes():
    found = {"conv1/W": (96, 3, 7, 7), "conv1/b": (96,)}
    for name, (before, squeezed, one, three) in FIRES.items():
        found |= {f"{name}/squeeze1x1/W": (squeezed, before, 1, 1)}
        found |= {f"{name}/squeeze1x1/b": (squeezed,)}
        found |= {f"{name}/expand1x1/W": (one, squeezed, 1, 1), f"{name}/expand1x1/b": (one,)}
        found |= {f"{name}/expand3x3/W": (three, squeezed, 3, 3), f"{name}/expand3x3/b": (three,)}
    return found | {"conv10/W": (1000, 512, 1, 1), "conv10/b": (1000,)}


@pytest.mark.parametrize("size", [224, 227])
def test_names_shapes_and_number_of_parameters(undrawn, size):
    model = SqueezeNet()
    with no_grad(), prediction():
        assert model(np.zeros((0, 3, size, size), np.float32)).shape == (0, 1000)
    assert {name: param.shape for name, param in model.named_params()} == shapes()
    assert sum(param.size for param in model.params()) == 1_248_424  # as published


def test_values_and_weight_files(drawn, reference, tmp_path):
    state = drawn(shapes())
    np.savez(tmp_path / "weights.npz", **state)
    model = SqueezeNet()
    model.load_weights(tmp_path / "weights.npz")
    x = np.random.randn(2, 3, 59, 67).astype(np.float32)
    with no_grad(), prediction():
        y = model(x)
    ref = reference(state)
    h = ref.pool(ref.relu(ref.conv("conv1", x.astype(np.float64), 2)), 3, 2)
    for name in FIRES:
        s = ref.relu(ref.conv(f"{name}/squeeze1x1", h))
        sides = [ref.conv(f"{name}/expand1x1", s), ref.conv(f"{name}/expand3x3", s, pad=1)]
        h = ref.relu(np.concatenate(sides, axis=1))
        if name in ("fire4", "fire8"):
            h = ref.pool(h, 3, 2)
    expected = ref.relu(ref.conv("conv10", h)).mean(axis=(2, 3))
    assert y.dtype == np.float32 and expected.any()
    np.testing.assert_allclose(y.data, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def test_the_feature_maps_of_the_paper(undrawn):
    model = SqueezeNet()
    found = {}

    def watched(name, layer):
        def forward(x):
            found[name] = x.shape[2:]
            return layer.forward(x)

        return forward

    for name in ("fire2", "fire5", "fire9", "conv10"):
        setattr(model, name, watched(name, getattr(model, name)))
    with no_grad(), prediction():
        model(np.zeros((0, 3, 227, 227), np.float32))
    assert found == {"fire2": (55, 55), "fire5": (27, 27), "fire9": (13, 13), "conv10": (13, 13)}


def test_training_reaches_every_parameter_through_dropout(drawn):
    model = SqueezeNet()
    model.load_state_dict(drawn(shapes()))
    x = np.random.randn(2, 3, 48, 48).astype(np.float32)
    F.softmax_cross_entropy(model(x), np.array([3, 999])).backward()
    for name, param in model.named_params():
        assert param.grad.shape == param.shape and param.grad.dtype == np.float32, name
        assert np.isfinite(param.grad.data).all() and param.grad.data.any(), name
    with no_grad():
        assert (model(x).data != model(x).data).any()  # dropout draws anew


def test_images_that_are_too_small(undrawn):
    model = SqueezeNet()
    with no_grad():
        assert model(np.zeros((1, 3, 35, 35), np.float32)).shape == (1, 1000)
        with pytest.raises(ShapeError, match=r"^SqueezeNet: pooling: x is"):
            model(np.zeros((1, 3, 34, 34), np.float32))


def test_there_are_no_trained_weights():
    with pytest.raises(DownloadError, match=r"SqueezeNet: no trained weights.*load_weights"):
        SqueezeNet(pretrained=True)
