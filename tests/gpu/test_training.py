"""Training on a GPU (or its double): models, optimizers, data, files, and what is refused."""

import re
from pathlib import Path

import numpy as np
import pytest

import dezero
import dezero.functions as F
from dezero import Variable, cuda
from dezero import layers as L
from dezero import optimizers as O
from dezero.compiler import CompileWarning
from dezero.dataloaders import DataLoader, SeqDataLoader
from dezero.datasets import Digits, SinCurve
from dezero.errors import DeviceError
from dezero.models import GPT, MLP, Sequential, SqueezeNet
from dezero.models.resnet import Stage
from dezero.train import Silent, fit

pytestmark = pytest.mark.usefixtures("gpu")
RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(4, 3, 48, 48)).astype(np.float32)
ROWS = RNG.normal(size=(4, 7)).astype(np.float32)
SEQUENCE = RNG.normal(size=(6, 4, 7)).astype(np.float32)
TOKENS = RNG.integers(0, 5, (4, 3))
MODELS = {
    "MLP": (lambda: MLP((5, 3)), ROWS),
    "dropout": (lambda: Sequential(L.Linear(8), L.Dropout(0.5), L.LayerNorm()), ROWS),
    "batch norm": (lambda: Sequential(L.Conv2d(4, 3), L.BatchNorm(), F.relu), IMAGES),
    "deconvolution": (lambda: Sequential(L.Deconv2d(4, 4, stride=2, pad=1)), IMAGES),
    "SqueezeNet": (SqueezeNet, IMAGES),
    "Stage": (lambda: Stage(2, 4, 2), IMAGES),
    "GPT": (lambda: GPT(5, 4, n_layers=2, n_heads=2, size=8, dropout_ratio=0.1), TOKENS),
}
OPTIMIZERS = {
    "SGD": O.SGD,
    "MomentumSGD": O.MomentumSGD,
    "AdaGrad": O.AdaGrad,
    "AdaDelta": O.AdaDelta,
    "Adam": O.Adam,
    "AdamW": O.AdamW,
}


def trained(build, x, optimizer, moved, steps=4):
    """The losses of some steps on one batch, and the Parameters after them."""
    np.random.seed(0)
    dezero.random.seed(0)
    model = build()
    with dezero.test_mode(), dezero.no_grad():
        model(x)
    if hasattr(model, "reset_state"):
        model.reset_state()
    if moved is cuda.as_cupy:
        model.to_gpu()
    optimizer = optimizer().setup(model)
    optimizer.add_hook(O.WeightDecay(1e-3))
    optimizer.add_hook(O.ClipGrad(1.0))
    losses = []
    for _ in range(steps):
        loss = F.mean(model(moved(x)) ** 2)
        model.cleargrads()
        loss.backward()
        optimizer.update()
        losses.append(float(loss.data))
    return model, optimizer, losses


def close(a, b):
    np.testing.assert_allclose(cuda.as_numpy(a), cuda.as_numpy(b), rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize(("build", "x"), MODELS.values(), ids=MODELS)
def test_models_train_as_on_the_cpu(build, x):
    on_cpu, _, expected = trained(build, x, lambda: O.MomentumSGD(0.01), np.asarray)
    on_gpu, _, losses = trained(build, x, lambda: O.MomentumSGD(0.01), cuda.as_cupy)
    np.testing.assert_allclose(losses, expected, rtol=1e-3)
    moved = dict(on_gpu.named_params())
    for name, param in on_cpu.named_params():
        assert isinstance(moved[name].data, cuda.cupy.ndarray), name
        close(moved[name].data, param.data)
    on_gpu.to_cpu()
    assert all(type(param.data) is np.ndarray for param in on_gpu.params())


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_optimizers_and_their_state(optimizer):
    build = lambda: MLP((5, 3))  # noqa: E731
    on_cpu, _, expected = trained(build, ROWS, optimizer, np.asarray)
    on_gpu, state, losses = trained(build, ROWS, optimizer, cuda.as_cupy)
    np.testing.assert_allclose(losses, expected, rtol=1e-4)
    for a, b in zip(on_gpu.params(), on_cpu.params(), strict=True):
        close(a.data, b.data)
    resumed = optimizer().setup(on_gpu)
    resumed.load_state_dict(state.state_dict())
    for name, array in resumed.state_dict().items():
        np.testing.assert_array_equal(array, state.state_dict()[name], err_msg=name)


@pytest.mark.parametrize("layer", [L.RNN, L.LSTM, L.GRU], ids=lambda layer: layer.__name__)
def test_sequences_with_truncated_backpropagation(layer):
    def run(moved):
        np.random.seed(0)
        net = layer(5, in_size=7)
        if moved is cuda.as_cupy:
            net.to_gpu()
        total = 0
        for x in SEQUENCE:
            total = total + F.sum(net(moved(x)) ** 2)
        total.backward()
        total.unchain_backward()
        return [total.data, *(param.grad.data for param in net.params())]

    for a, b in zip(run(cuda.as_cupy), run(np.asarray), strict=True):
        assert isinstance(a, cuda.cupy.ndarray)
        close(a, b)


def test_weights_are_files_for_both(tmp_path):
    model = MLP((5, 3))
    expected = model(ROWS).data
    model.to_gpu()
    for name in ("w.npz", "w.safetensors"):
        model.save_weights(str(tmp_path / name))
        on_cpu, on_gpu = MLP((5, 3)), MLP((5, 3))
        on_cpu.load_weights(str(tmp_path / name))
        np.testing.assert_array_equal(on_cpu(ROWS).data, expected)
        on_gpu(ROWS)
        on_gpu.to_gpu()
        on_gpu.load_weights(str(tmp_path / name))
        close(on_gpu(cuda.as_cupy(ROWS)).data, expected)


def test_loaders_give_gpu_arrays_and_fit_takes_them():
    losses = {}
    for gpu in (False, True):
        np.random.seed(0)
        model = MLP((32, 10))
        loader = DataLoader(Digits(), 100, seed=0, gpu=gpu)
        test = DataLoader(Digits(train=False), 100, shuffle=False, gpu=gpu)
        if gpu:
            x, t = next(iter(test))
            assert isinstance(x, cuda.cupy.ndarray)
            assert isinstance(t, cuda.cupy.ndarray)
            model.to_gpu()  # before the first batch decides the shapes
        history = fit(model, O.Adam(0.01).setup(model), loader, 8, test=test, progress=Silent())
        losses[gpu] = [epoch.train["loss"] for epoch in history.epochs]
        assert history.epochs[-1].test["accuracy"] > 0.85
    np.testing.assert_allclose(losses[True], losses[False], rtol=1e-3)


def test_sequence_loader():
    x, t = next(SeqDataLoader(SinCurve(), 3, gpu=True))
    assert isinstance(x, cuda.cupy.ndarray)
    assert isinstance(t, cuda.cupy.ndarray)


def test_text_is_generated():
    np.random.seed(0)
    model = GPT(5, 4, n_layers=1, n_heads=2, size=4)
    dezero.random.seed(0)
    expected = model.generate([1, 2], 6)
    model.to_gpu()
    dezero.random.seed(0)
    np.testing.assert_array_equal(model.generate([1, 2], 6), expected)


@pytest.mark.parametrize(
    "op",
    [
        lambda x, y: x + y,
        lambda x, y: F.matmul(x, F.transpose(y)),
        lambda x, y: F.where(x > 0, x, y),
        lambda x, y: F.linear(x, F.transpose(y)),
        lambda x, y: np.concatenate([x, y]),
        lambda x, y: F.softmax_cross_entropy(x, cuda.get_array_module(y).arange(4)),
        lambda x, y: F.scaled_dot_product_attention(x, x, x, mask=y[:, :4].data > 0),
    ],
)
def test_mixed_devices_are_refused(op):
    x, y = Variable(ROWS), Variable(cuda.as_cupy(ROWS))
    with pytest.raises(DeviceError, match=r"CPU.*GPU.*to_gpu\(\) or to_cpu\(\)"):
        op(x, y)
    with pytest.raises(DeviceError):
        op(y, x)


def test_a_model_left_on_the_cpu_is_named():
    model = MLP((5, 3))
    model(ROWS)
    with pytest.raises(DeviceError, match=r"l0.*to_gpu\(\)"):
        model(cuda.as_cupy(ROWS))


def test_variables_move_and_print():
    x = Variable(ROWS)
    x.to_gpu()
    assert isinstance(x.data, cuda.cupy.ndarray)
    assert cuda.get_array_module(x) is cuda.cupy
    assert str(x).startswith("variable([[")
    x.to_cpu()
    np.testing.assert_array_equal(x.data, ROWS)


def test_the_program_of_the_page_about_gpus(capsys):
    page = (Path(__file__).parents[2] / "docs" / "gpu.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"^```python\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    found = {}
    exec(program, found)
    assert found["gpu"]
    assert all(isinstance(param.data, cuda.cupy.ndarray) for param in found["model"].params())
    assert float(capsys.readouterr().out.splitlines()[-1]) > 0.9


def test_numbers_drawn_are_those_of_the_cpu():
    dezero.random.seed(3)
    expected = F.dropout(ROWS).data
    dezero.random.seed(3)
    np.testing.assert_array_equal(F.dropout(cuda.as_cupy(ROWS)).data.get(), expected)


def test_a_compiled_step_runs_eagerly_and_says_why():
    build = lambda: MLP((5, 3))  # noqa: E731
    model, optimizer, _ = trained(build, ROWS, O.SGD, cuda.as_cupy, steps=0)
    twin, other, _ = trained(build, ROWS, O.SGD, cuda.as_cupy, steps=0)

    def one(model, optimizer, x):
        loss = F.mean(model(x) ** 2)
        model.cleargrads()
        loss.backward()
        optimizer.update()
        return loss

    step = dezero.compile(one)
    x = cuda.as_cupy(ROWS)
    for call in range(4):
        if call == 1:
            with pytest.warns(CompileWarning, match="GPU"):
                loss = step(model, optimizer, x)
        else:
            loss = step(model, optimizer, x)
        close(loss.data, one(twin, other, x).data)
    assert "GPU" in step.report()
