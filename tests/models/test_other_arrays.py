"""The models on arrays that are not NumPy's, as CuPy's are not."""

import numpy as np
import pytest

import dezero
import dezero.functions as F
from dezero import test_mode as prediction
from dezero.models import GPT, MLP, SqueezeNet
from dezero.models.resnet import Stage
from dezero.testing.duck import DuckArray

IMAGES = np.random.default_rng(0).normal(size=(2, 3, 48, 48)).astype(np.float32)
TOKENS = np.array([[1, 2, 3], [4, 0, 4]])
CASES = {
    "MLP": (lambda: MLP((5, 3)), IMAGES[:, 0, 0]),
    "SqueezeNet": (SqueezeNet, IMAGES),
    "Stage": (lambda: Stage(2, 4, 2), IMAGES),
    "GPT": (lambda: GPT(5, 4, n_layers=1, n_heads=2, size=4), TOKENS),
}


def moved(model):
    for param in model.params():
        param.data = DuckArray(param.data)


@pytest.mark.parametrize(("build", "x"), CASES.values(), ids=CASES)
def test_arrays_decide(build, x):
    model = build()
    with prediction():
        expected = model(x)
        moved(model)
        y = model(DuckArray(x))
        assert isinstance(y.data, DuckArray)
        np.testing.assert_array_equal(y.data.get(), expected.data)
    F.sum(model(DuckArray(x)) ** 2).backward()
    for name, param in model.named_params():
        assert isinstance(param.data, DuckArray), name
        assert "/avg_" in name or isinstance(param.grad.data, DuckArray), name


@pytest.mark.parametrize("options", [{"temperature": 0}, {"top_k": 3}])
def test_text_is_drawn_on_the_cpu(options):
    model = GPT(5, 4, n_layers=1, n_heads=2, size=4)
    dezero.random.seed(0)
    expected = model.generate([1, 2], 6, **options)
    moved(model)
    dezero.random.seed(0)
    sequence = model.generate([1, 2], 6, **options)
    assert type(sequence) is np.ndarray
    np.testing.assert_array_equal(sequence, expected)
