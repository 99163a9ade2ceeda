"""Attention layers: values against loops over heads, causality, shared heads, masks, errors."""

import numpy as np
import pytest

import dezero
import dezero.functions as F
import dezero.layers as L
from dezero import test_mode as prediction
from dezero.errors import ShapeError
from dezero.utils import gradient_check

N, T, C = 2, 5, 12


def drawn(*shape, dtype=np.float32):
    return np.random.default_rng(1).normal(size=shape).astype(dtype)


def in_float64(layer):
    """The layer with all its Parameters drawn anew, none of them 0 or 1, in float64."""
    rng = np.random.default_rng(2)
    for param in layer.params():
        param.data = rng.normal(size=param.shape) / 2
    return layer


def linear(layer, x):
    return x @ layer.W.data + (0 if layer.b is None else layer.b.data)


def attended(layer, x, mask=None):
    """One head after the other."""
    D = layer.size // layer.n_heads
    y = linear(layer.projection, np.asarray(x, np.float64))
    parts = np.split(y, y.shape[-1] // D, axis=-1)
    queries, keys, values = (
        parts[: layer.n_heads],
        parts[layer.n_heads : layer.n_heads + layer.n_kv_heads],
        parts[layer.n_heads + layer.n_kv_heads :],
    )
    heads = []
    for h, q in enumerate(queries):
        shared = h * layer.n_kv_heads // layer.n_heads
        scores = np.einsum("ntd,nsd->nts", q, keys[shared]) / np.sqrt(D)
        if mask is not None:
            scores = np.where(np.broadcast_to(mask, (N, layer.n_heads, T, T))[:, h], scores, -1e30)
        if layer.causal:
            scores[:, np.triu_indices(T, 1)[0], np.triu_indices(T, 1)[1]] = -1e30
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        heads.append(weights @ values[shared])
    return linear(layer.out, np.concatenate(heads, axis=-1))


def normalized(layer, x):
    mean, var = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
    return layer.gamma.data * (x - mean) / np.sqrt(var + 1e-5) + layer.beta.data


def passed(block, x):
    """A transformer block by its definition."""
    x = x + attended(block.attention, normalized(block.norm1, x))
    h = linear(block.wide, normalized(block.norm2, x))
    h = 0.5 * h * (1 + np.tanh(np.sqrt(2 / np.pi) * (h + 0.044715 * h**3)))
    return x + linear(block.narrow, h)


HEADS = [(1, None), (4, None), (4, 2), (6, 1), (6, 3)]


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(("n_heads", "n_kv_heads"), HEADS)
def test_values(n_heads, n_kv_heads, causal):
    layer = L.MultiHeadAttention(C, n_heads, n_kv_heads, causal)
    x = drawn(N, T, C)
    y = layer(x)
    assert y.shape == (N, T, C) and y.dtype == np.float32
    np.testing.assert_allclose(y.data, attended(layer, x), rtol=1e-4, atol=1e-5)
    in_float64(layer)
    x = x.astype(np.float64)
    np.testing.assert_allclose(layer(x).data, attended(layer, x), rtol=1e-10, atol=1e-12)


def test_shapes_of_parameters():
    shapes = {name: p.shape for name, p in L.MultiHeadAttention(12, 6, 2).named_params()}
    assert shapes == {
        "projection/W": (12, 12 + 2 * 4),
        "projection/b": (20,),
        "out/W": (12, 12),
        "out/b": (12,),
    }
    names = [name for name, _ in L.MultiHeadAttention(12, 6, nobias=True).named_params()]
    assert names == ["projection/W", "out/W"]


@pytest.mark.parametrize("shape", [(T, T), (N, 1, T, T), (N, 4, T, T), (1, T)])
@pytest.mark.parametrize("n_kv_heads", [4, 2])
def test_masks(shape, n_kv_heads):
    layer = in_float64(L.MultiHeadAttention(C, 4, n_kv_heads))
    mask = np.random.default_rng(3).random(shape) < 0.6
    mask[..., 0] = True  # everyone sees something
    x = drawn(N, T, C, dtype=np.float64)
    y = layer(x, mask)
    np.testing.assert_allclose(y.data, attended(layer, x, mask), rtol=1e-10, atol=1e-12)
    assert not np.allclose(y.data, layer(x).data)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("kind", [L.MultiHeadAttention, L.TransformerBlock])
def test_causality(kind, causal):
    layer = kind(C, 4, causal=causal)
    x = drawn(N, T, C)
    y = layer(x).data
    for t in range(T):
        other = x.copy()
        other[:, t, 0] += 1  # not all of them: a norm would undo it
        same = (layer(other).data == y).all(axis=(0, 2))
        assert same.tolist() == [causal and i < t for i in range(T)]


def test_a_transformer_block_is_causal_unless_told_otherwise():
    assert L.TransformerBlock(4, 2).attention.causal
    assert not L.MultiHeadAttention(4, 2).causal


@pytest.mark.parametrize(("n_heads", "n_kv_heads"), HEADS)
def test_values_of_a_transformer_block(n_heads, n_kv_heads):
    block = L.TransformerBlock(C, n_heads, n_kv_heads, expansion=3)
    x = drawn(N, T, C)
    y = block(x)
    assert y.shape == (N, T, C) and y.dtype == np.float32
    assert block.wide.W.shape == (C, 3 * C) and block.narrow.W.shape == (3 * C, C)
    np.testing.assert_allclose(y.data, passed(block, x.astype(np.float64)), rtol=1e-4, atol=1e-5)
    in_float64(block)
    x = x.astype(np.float64)
    np.testing.assert_allclose(block(x).data, passed(block, x), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("n_kv_heads", [2, 1])
def test_gradients(n_kv_heads):
    block = L.TransformerBlock(4, 2, n_kv_heads)
    x = drawn(1, 3, 4, dtype=np.float64)
    block(x)
    in_float64(block)
    weigh = drawn(1, 3, 4, dtype=np.float64)
    assert gradient_check(lambda x: F.sum(block(x) * weigh), x)
    params = dict(block.named_params())
    assert len(params) == 12
    block.cleargrads()
    F.sum(block(x) * weigh).backward()
    for name, param in params.items():
        step = drawn(*param.shape, dtype=np.float64) * 1e-5
        start = param.data
        ends = []
        for sign in (1, -1):
            param.data = start + sign * step
            ends.append(F.sum(block(x) * weigh).data)
        param.data = start
        slope = np.sum(param.grad.data * step)
        np.testing.assert_allclose(
            (ends[0] - ends[1]) / 2, slope, rtol=1e-6, atol=1e-12, err_msg=name
        )


def test_dropout_is_for_training():
    layer = L.MultiHeadAttention(C, 4, dropout_ratio=0.5)
    block = L.TransformerBlock(C, 4, dropout_ratio=0.5)
    x = drawn(N, T, C)
    y = layer(x).data
    assert 0.2 < (y == 0).mean() < 0.8
    with prediction():
        np.testing.assert_allclose(layer(x).data, attended(layer, x), rtol=1e-4, atol=1e-5)
        expected = passed_after_a_call(block, x)
        np.testing.assert_allclose(block(x).data, expected, rtol=1e-4, atol=1e-5)
    assert not np.allclose(block(x).data, expected)
    dezero.random.seed(5)
    first = block(x).data
    dezero.random.seed(5)
    np.testing.assert_array_equal(block(x).data, first)


def passed_after_a_call(block, x):
    block(x)  # makes the Parameters of the norms
    return passed(block, x.astype(np.float64))


@pytest.mark.parametrize(
    ("sizes", "problem"),
    [
        ((10, 4), r"size \(10\) must be a multiple of n_heads \(4\)"),
        ((12, 4, 3), r"n_heads \(4\).* of n_kv_heads \(3\)"),
        ((0, 4), "size is 0, but must be at least 1"),
        ((12, 0), "n_heads is 0, but must be at least 1"),
        ((12, 4, 0), "n_kv_heads is 0, but must be at least 1"),
    ],
)
def test_numbers_that_do_not_divide(sizes, problem):
    for kind in (L.MultiHeadAttention, L.TransformerBlock):
        with pytest.raises(ShapeError, match=rf"MultiHeadAttention: .*{problem}"):
            kind(*sizes)


@pytest.mark.parametrize("shape", [(T, C), (N, T, C + 1), (N, 1, T, C)])
def test_inputs_of_other_shapes(shape):
    layer = L.MultiHeadAttention(C, 4)
    with pytest.raises(ShapeError, match=r"^MultiHeadAttention: x has the shape .*\(N, T, 12\)"):
        layer(drawn(*shape))
    block = L.TransformerBlock(C, 4)
    block(drawn(N, T, C))
    with pytest.raises(ShapeError, match=r"^TransformerBlock"):
        block(drawn(*shape[:-1], C + 1))
