"""GPT: values by definition, causality, training, and what it draws."""

import numpy as np
import pytest

import dezero
import dezero.functions as F
from dezero import test_mode as prediction
from dezero.errors import IndexingError, ShapeError
from dezero.models import GPT
from dezero.models.gpt import sample
from dezero.optimizers import Adam

V, CONTEXT, LAYERS, HEADS, C = 11, 8, 2, 2, 8
TOKENS = np.array([[1, 2, 3, 10, 0], [4, 4, 9, 1, 1]])


def small(**options):
    return GPT(V, CONTEXT, LAYERS, HEADS, C, **options)


def bold(model):
    """The model with weights so large that every token matters."""
    model(TOKENS)
    rng = np.random.default_rng(1)
    for param in model.params():
        param.data = rng.normal(size=param.shape).astype(np.float32)
    return model


def logits(state, tokens, n_kv_heads=HEADS):
    """The model by definition, in float64, one example, position and head after the other."""
    state = {path: array.astype(np.float64) for path, array in state.items()}
    D = C // HEADS

    def linear(path, x):
        return x @ state[f"{path}/W"] + state[f"{path}/b"]

    def norm(path, x):
        centered = x - x.mean(axis=-1, keepdims=True)
        spread = np.sqrt((centered**2).mean(axis=-1, keepdims=True) + 1e-5)
        return state[f"{path}/gamma"] * centered / spread + state[f"{path}/beta"]

    def attention(path, x):
        y = linear(f"{path}/projection", x)
        heads = np.split(y, y.shape[-1] // D, axis=-1)
        result = np.zeros_like(x)
        for t in range(len(x)):
            for h in range(HEADS):
                shared = HEADS + h // (HEADS // n_kv_heads)
                keys, values = heads[shared], heads[shared + n_kv_heads]
                weights = np.exp(heads[h][t] @ keys[: t + 1].T / np.sqrt(D))
                result[t, h * D : (h + 1) * D] = weights / weights.sum() @ values[: t + 1]
        return linear(f"{path}/out", result)

    def gelu(x):
        return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))

    found = []
    for row in tokens:
        x = state["tokens/W"][row] + state["positions/W"][: len(row)]
        for i in range(LAYERS):
            at = f"blocks/{i}"
            x = x + attention(f"{at}/attention", norm(f"{at}/norm1", x))
            x = x + linear(f"{at}/narrow", gelu(linear(f"{at}/wide", norm(f"{at}/norm2", x))))
        found.append(norm("norm", x) @ state["head/W"])
    return np.array(found)


@pytest.mark.parametrize("n_kv_heads", [None, 2, 1])
def test_values(n_kv_heads):
    model = bold(small(n_kv_heads=n_kv_heads))
    y = model(TOKENS)
    assert y.shape == (2, 5, V) and y.dtype == np.float32
    expected = logits(model.state_dict(), TOKENS, n_kv_heads or HEADS)
    np.testing.assert_allclose(y.data, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("n_kv_heads", [None, 1])
def test_a_later_token_changes_no_earlier_logits(n_kv_heads):
    model = bold(small(n_kv_heads=n_kv_heads))
    y = model(TOKENS).data
    for t in range(5):
        other = TOKENS.copy()
        other[:, t] = (other[:, t] + 1) % V
        same = (model(other).data == y).all(axis=(0, 2))
        assert same.tolist() == [i < t for i in range(5)]
        np.testing.assert_allclose(model(TOKENS[:, : t + 1]).data, y[:, : t + 1], 1e-4, 1e-4)


def test_number_of_parameters():
    model = small()
    model(TOKENS)
    block = 2 * 2 * C + (C * 3 * C + 3 * C) + (C * C + C) + (C * 4 * C + 4 * C) + (4 * C * C + C)
    expected = V * C + CONTEXT * C + LAYERS * block + 2 * C + C * V
    assert sum(param.size for param in model.params()) == expected


def test_first_weights():
    model = GPT(vocabulary=400, context=300, n_layers=8, n_heads=2, size=64)
    for path, param in model.named_params():
        if path.endswith("W"):
            deep = path.endswith(("attention/out/W", "narrow/W"))
            spread = 0.02 / np.sqrt(2 * 8) if deep else 0.02
            assert param.dtype == np.float32
            assert 0.95 * spread < param.data.std() < 1.05 * spread, path
            assert abs(param.data.mean()) < 0.1 * spread, path
    loss = F.softmax_cross_entropy(model(np.array([[7, 3]])).reshape(2, 400), np.array([3, 9]))
    assert abs(loss.item() - np.log(400)) < 0.1  # no token is preferred yet


def test_dropout_is_for_training():
    model = bold(small(dropout_ratio=0.5))
    assert (model(TOKENS).data != model(TOKENS).data).any()
    with prediction():
        expected = logits(model.state_dict(), TOKENS)
        np.testing.assert_allclose(model(TOKENS).data, expected, rtol=1e-3, atol=1e-3)


def test_it_learns_a_sequence_by_heart(tmp_path):
    text = np.array([3, 1, 4, 1, 5, 9, 2, 6])
    model = small()
    optimizer = Adam(alpha=0.01).setup(model)
    for _ in range(150):
        loss = F.softmax_cross_entropy(model(text[None, :-1]).reshape(7, V), text[1:])
        model.cleargrads()
        loss.backward()
        assert all(param.grad is not None for param in model.params())
        optimizer.update()
    assert loss.item() < 0.02
    assert model.generate(text[:1], 7, temperature=0).tolist() == text.tolist()
    model.save_weights(tmp_path / "gpt.npz")
    again = small()
    again.load_weights(tmp_path / "gpt.npz")
    assert again.generate([3], 7, temperature=0).tolist() == text.tolist()


@pytest.mark.parametrize("start", [[1, 2], [5], [0, 3, 7], list(range(11))])
def test_the_likeliest_continuation(start):
    model = bold(small())
    expected = list(start)
    for _ in range(12):  # beyond the context, which moves along
        seen = np.array([expected[-CONTEXT:]])
        expected.append(int(logits(model.state_dict(), seen)[0, -1].argmax()))
    assert model.generate(start, 12, temperature=0).tolist() == expected
    assert model.generate(start, 12, top_k=1).tolist() == expected
    assert model.generate(start, 0).tolist() == start


def test_seeds_repeat_what_is_drawn():
    model = small(dropout_ratio=0.5)
    dezero.random.seed(3)
    first = model.generate(np.array([1]), 30)
    again = model.generate(np.array([1]), 30)
    dezero.random.seed(3)
    np.testing.assert_array_equal(model.generate(np.array([1]), 30), first)
    assert (again != first).any()
    assert first.shape == (31,) and first.min() >= 0 and first.max() < V


LOGITS = np.array([1.0, -2.0, 0.5, 3.0, 0.0, -np.inf], np.float32)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("top_k", [None, 2, 3, 6, 100])
def test_distribution_of_what_is_drawn(temperature, top_k):
    kept = np.argsort(-LOGITS)[: top_k or 6]
    heights = np.zeros(6)
    heights[kept] = np.exp(LOGITS[kept].astype(np.float64) / temperature)
    expected = heights / heights.sum()
    n = 3000
    drawn = np.bincount([sample(LOGITS, temperature, top_k) for _ in range(n)], minlength=6)
    assert (drawn[expected == 0] == 0).all()
    possible = expected > 0
    chi_squared = ((drawn - n * expected)[possible] ** 2 / (n * expected[possible])).sum()
    assert chi_squared < 18.5  # exceeded once in a thousand, with 4 degrees of freedom


def test_numbers_far_apart():
    big = np.array([1e30, 0.0, -1e30], np.float32)
    assert {sample(big) for _ in range(20)} == {0}
    assert {sample(-big, 1e-3) for _ in range(20)} == {2}


@pytest.mark.parametrize("options", [{"temperature": -1.0}, {"top_k": 0}, {"top_k": -3}])
def test_options_out_of_range(options):
    with pytest.raises(ShapeError, match=r"sample: temperature is .* must be at least 0 and 1"):
        small().generate([1], 1, **options)


def test_sequences_that_do_not_fit():
    model = small()
    with pytest.raises(ShapeError, match=r"GPT: tokens have the shape \(1, 9\).* at most 8"):
        model(np.zeros((1, 9), int))
    with pytest.raises(ShapeError, match=r"GPT: tokens have the shape \(3,\).*\(N, T\)"):
        model(np.zeros(3, int))
    with pytest.raises(IndexingError, match=r"^GPT.tokens \(EmbedID\)"):
        model(np.array([[V]]))
    with pytest.raises(ShapeError, match=r"GPT.generate: tokens is empty"):
        model.generate([], 3)
