"""Whole sequences in one call give what step by step calls give."""

import numpy as np
import pytest

import dezero.functions as F
import dezero.layers as L
from dezero import Variable


def twins(kind):
    np.random.seed(0)
    a = kind(5)
    np.random.seed(0)
    b = kind(5)
    return a, b


@pytest.mark.parametrize("kind", [L.RNN, L.LSTM])
def test_sequence_equals_steps(kind):
    one, many = twins(kind)
    xs = np.random.default_rng(0).normal(size=(6, 3, 4)).astype(np.float32)
    for part in (xs[:4], xs[4:]):  # the state goes on from call to call
        a, b = Variable(part), Variable(part)
        np.random.seed(1)
        whole = one.sequence(a)
        np.random.seed(1)
        steps = F.stack([many(x) for x in b])
        np.testing.assert_allclose(whole.data, steps.data, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(one.h.data, many.h.data, rtol=1e-5, atol=1e-6)
        for layer, y in ((one, whole), (many, steps)):
            layer.cleargrads()
            F.sum(y * y).backward()
            layer.h.unchain()
            if kind is L.LSTM:
                layer.c.unchain()
        np.testing.assert_allclose(a.grad.data, b.grad.data, rtol=1e-4, atol=1e-5)
        for p, q in zip(one.params(), many.params(), strict=True):
            np.testing.assert_array_equal(p.data, q.data)  # drawn in the same order
            np.testing.assert_allclose(p.grad.data, q.grad.data, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", [L.RNN, L.LSTM])
def test_reset_state_begins_anew(kind):
    layer = kind(5, in_size=4)
    xs = np.ones((2, 3, 4), np.float32)
    first = layer.sequence(xs).data
    layer.reset_state()
    np.testing.assert_array_equal(layer.sequence(xs).data, first)
