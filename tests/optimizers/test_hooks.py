"""Hooks: weight decay, clipping, freezing."""

import numpy as np
import pytest

import dezero.layers as L
import dezero.optimizers as O
from dezero import Parameter, Variable
from dezero.errors import DTypeError


def parameter(data, grad):
    p = Parameter(np.array(data, float))
    p.grad = None if grad is None else Variable(np.array(grad, float))
    return p


def test_weight_decay():
    p = parameter([1.0, -2.0], [0.5, 0.5])
    O.WeightDecay(0.1)([p])
    np.testing.assert_allclose(p.grad.data, [0.6, 0.3])
    zero_d = parameter(2.0, 1.0)
    O.WeightDecay(0.5)([zero_d])
    assert zero_d.grad.data == 2


def test_hooks_do_not_write_into_what_may_be_shared():
    shared = np.array([3.0, 4.0])
    shared.flags.writeable = False
    p, q = Parameter(np.ones(2)), Parameter(np.ones(2))
    p.grad = q.grad = Variable(shared)
    O.WeightDecay(1.0)([p, q])
    np.testing.assert_array_equal([p.grad.data, q.grad.data], [[4, 5], [4, 5]])
    p.grad = q.grad = Variable(shared)
    O.clip_grad_norm([p, q], np.sqrt(2))
    np.testing.assert_allclose([p.grad.data, q.grad.data], [[0.6, 0.8], [0.6, 0.8]])
    np.testing.assert_array_equal(shared, [3, 4])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_clip_grad_norm(dtype):
    p, q, without = parameter([0, 0], None), parameter(0, None), parameter(0, None)
    p.grad = Variable(np.array([2, 3], dtype))
    q.grad = Variable(np.array(6, dtype))
    norm = O.clip_grad_norm([p, without, q], 3.5)
    assert norm == 7
    np.testing.assert_array_equal(p.grad.data, np.array([1, 1.5], dtype))
    np.testing.assert_array_equal(q.grad.data, np.array(3, dtype))
    assert p.grad.dtype == q.grad.dtype == dtype
    assert without.grad is None


def test_clip_grad_norm_leaves_small_gradients():
    p = parameter([0, 0], [0.3, 0.4])
    grad = p.grad.data.copy()
    for most in (0.5, 0.6, 1e100, np.inf):
        assert O.clip_grad_norm(iter([p]), most) == 0.5
        np.testing.assert_array_equal(p.grad.data, grad)  # to the last bit
    assert O.clip_grad_norm([], 1.0) == 0


def test_clip_grad_norm_of_zeros_and_to_zero():
    p = parameter([0, 0], [0, 0])
    assert O.clip_grad_norm([p], 5.0) == 0
    np.testing.assert_array_equal(p.grad.data, [0, 0])
    p = parameter([0, 0], [3, 4])
    assert O.clip_grad_norm([p], 0.0) == 5
    np.testing.assert_array_equal(p.grad.data, [0, 0])


def test_clip_grad_norm_does_not_overflow():
    p = Parameter(np.zeros(100_000, np.float32))
    p.grad = Variable(np.full(100_000, 1e30, np.float32))
    assert O.clip_grad_norm([p], 1.0) == pytest.approx(np.sqrt(1e5) * 1e30, rel=1e-6)
    np.testing.assert_allclose(p.grad.data, 1 / np.sqrt(1e5), rtol=1e-5)


def test_freeze_layers_and_parameters():
    model = L.Layer()
    model.a, model.b = L.Linear(2, in_size=2), L.Linear(2, in_size=2)
    frozen = [model.a.W, model.a.b, model.b.b]
    before = {param: param.data.copy() for param in model.params()}
    optimizer = O.AdamW(0.1).setup(model)
    optimizer.add_hook(O.FreezeParam(model.a, model.b.b))
    optimizer.add_hook(O.WeightDecay(0.1))
    for param in model.params():
        param.grad = Variable(np.ones(param.shape, np.float32))
    optimizer.update()
    for param, old in before.items():
        assert np.array_equal(param.data, old) == (param in frozen)


def test_freeze_takes_layers_and_parameters_only():
    with pytest.raises(DTypeError, match="FreezeParam: 'l0' is neither a Parameter nor a Layer"):
        O.FreezeParam("l0")
