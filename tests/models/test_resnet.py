"""ResNet: names, shapes, numbers of parameters, values, running averages."""

import numpy as np
import pytest

import dezero.functions as F
from dezero import no_grad
from dezero import test_mode as prediction
from dezero.errors import ShapeError
from dezero.models import ResNet, ResNet50, ResNet101, ResNet152, resnet

# Parameters of the usual architecture: what PyTorch's documentation gives for each.
USUAL = {50: 25_557_032, 101: 44_549_160, 152: 60_192_808}
MODELS = {50: ResNet50, 101: ResNet101, 152: ResNet152}
BLOCKS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}  # table 1 of the paper


def shapes(n_layers):
    """Table 1 of the paper, with the names of the weight files."""
    found = {"conv1/W": (64, 3, 7, 7), "conv1/b": (64,)} | norm("bn1", 64)
    before = 64
    for stage, (n_blocks, width) in enumerate(
        zip(BLOCKS[n_layers], (64, 128, 256, 512), strict=True), 2
    ):
        for i in range(n_blocks):
            path = f"res{stage}/" + (f"b{i}" if i else "a")
            after = 4 * width
            found |= {f"{path}/conv1/W": (width, before, 1, 1)} | norm(f"{path}/bn1", width)
            found |= {f"{path}/conv2/W": (width, width, 3, 3)} | norm(f"{path}/bn2", width)
            found |= {f"{path}/conv3/W": (after, width, 1, 1)} | norm(f"{path}/bn3", after)
            if not i:
                found |= {f"{path}/conv4/W": (after, before, 1, 1)} | norm(f"{path}/bn4", after)
            before = after
    return found | {"fc6/W": (2048, 1000), "fc6/b": (1000,)}


def norm(path, channels):
    return {f"{path}/{name}": (channels,) for name in ("gamma", "beta", "avg_mean", "avg_var")}


@pytest.mark.parametrize("n_layers", MODELS)
def test_names_shapes_and_number_of_parameters(undrawn, n_layers):
    model = MODELS[n_layers]()
    with no_grad(), prediction():
        assert model(np.zeros((0, 3, 224, 224), np.float32)).shape == (0, 1000)
    params = dict(model.named_params())
    assert {name: param.shape for name, param in params.items()} == shapes(n_layers)
    trained = sum(param.size for name, param in params.items() if "/avg_" not in name)
    assert trained == USUAL[n_layers] + 64  # the bias of conv1
    assert f"{trained:,}" in ResNet.__doc__
    averages = sum(param.size for param in params.values()) - trained
    assert f"{averages:,}" in ResNet.__doc__


def test_the_default_is_152_layers():
    assert [name for name, _ in ResNet().named_params()] == list(shapes(152))


@pytest.mark.parametrize("n_layers", [18, 34, 0, "50", None])
def test_other_depths(n_layers):
    with pytest.raises(ShapeError, match=r"ResNet: n_layers is .* but must be 50, 101 or 152"):
        ResNet(n_layers)


@pytest.fixture
def weights(drawn, tmp_path):
    """A file in the original's format and what it holds."""
    state = drawn(shapes(50))
    np.savez(tmp_path / "resnet50.npz", **state)
    return tmp_path / "resnet50.npz", state


def test_values_with_a_weight_file_of_the_original(weights, reference, tmp_path):
    path, state = weights
    model = ResNet50()
    model.load_weights(path)
    x = np.random.randn(2, 3, 64, 64).astype(np.float32)
    with no_grad(), prediction():
        y = model(x)
    ref = reference(state)
    h = ref.relu(ref.batch_norm("bn1", ref.conv("conv1", x.astype(np.float64), 2, 3)))
    h = ref.pool(h, 3, 2)
    assert h.shape == (2, 64, 15, 15)  # 16 x 16 with padding
    for stage, n_blocks in enumerate(BLOCKS[50], 2):
        for i in range(n_blocks):
            at = f"res{stage}/" + (f"b{i}" if i else "a")
            stride = 2 if stage > 2 and not i else 1
            skip = h
            if not i:
                skip = ref.batch_norm(f"{at}/bn4", ref.conv(f"{at}/conv4", h, stride))
            h = ref.relu(ref.batch_norm(f"{at}/bn1", ref.conv(f"{at}/conv1", h, stride)))
            h = ref.relu(ref.batch_norm(f"{at}/bn2", ref.conv(f"{at}/conv2", h, pad=1)))
            h = ref.relu(ref.batch_norm(f"{at}/bn3", ref.conv(f"{at}/conv3", h)) + skip)
    expected = ref.linear("fc6", h.mean(axis=(2, 3)))
    assert y.shape == (2, 1000) and y.dtype == np.float32
    np.testing.assert_allclose(y.data, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())

    model.save_weights(tmp_path / "again.npz")
    with np.load(tmp_path / "again.npz", allow_pickle=False) as again:
        assert sorted(again.files) == sorted(state)
        for name in state:
            np.testing.assert_array_equal(again[name], state[name])


def test_training_reaches_every_parameter_and_moves_the_averages(weights):
    path, state = weights
    model = ResNet50()
    model.load_weights(path)
    x = np.random.randn(4, 3, 33, 47).astype(np.float32)  # of any size
    F.softmax_cross_entropy(model(x), np.array([3, 999, 0, 1])).backward()
    for name, param in model.named_params():
        if "/avg_" in name:
            assert param.grad is None
            assert (param.data != state[name]).any(), name
        else:
            assert param.grad.shape == param.shape and param.grad.dtype == np.float32, name
            assert np.isfinite(param.grad.data).all() and param.grad.data.any(), name


@pytest.mark.parametrize("n_layers", MODELS)
def test_pretrained_loads_the_released_file(monkeypatch, n_layers):
    calls = []
    monkeypatch.setattr(resnet, "load_pretrained", lambda *arguments: calls.append(arguments))
    MODELS[n_layers]()
    assert calls == []
    model = MODELS[n_layers](pretrained=True)
    assert calls == [(model, f"resnet{n_layers}.npz")]


def test_images_that_are_too_small(undrawn):
    with pytest.raises(ShapeError, match=r"^ResNet50: pooling: x is \(1, 64, 2, 2\) float32"):
        ResNet50()(np.ones((1, 3, 4, 4), np.float32))
