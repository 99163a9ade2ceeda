"""Gradients and results are the program's to keep; what nobody has is used again."""

import weakref

import numpy as np

from dezero import Variable
from dezero.compiler import compile
from dezero.optimizers import SGD
from tests.compiler.test_step import EXECUTORS, batches, training


@EXECUTORS
def test_gradients_that_the_program_keeps_are_not_overwritten(executor):
    model, _, step = training(SGD())
    other, _, eager = training(SGD())
    step = compile(step, executor=executor)
    kept, arrays, expected = [], [], []
    for x, t in batches(12):
        step(x, t)
        eager(x, t)
        kept.append(model.l0.W.grad)
        arrays.append(model.l1.W.grad.data)
        expected.append((other.l0.W.grad.data.copy(), other.l1.W.grad.data.copy()))
    for variable, array, (a, b) in zip(kept, arrays, expected, strict=True):
        np.testing.assert_allclose(variable.data, a, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(array, b, rtol=1e-4, atol=1e-6)


@EXECUTORS
def test_views_of_gradients_and_results_are_not_overwritten(executor):
    model, _, train = training(SGD())
    other, _, eager = training(SGD())
    step = compile(lambda x, t: (train(x, t), model.l0.W.data * 2), executor=executor)
    kept, expected = [], []
    for x, t in batches(12):
        result = step(x, t)[1]
        eager(x, t)
        kept.append((model.l0.W.grad.data.T, model.l0.b.grad.data[1:], result[:1]))
        gradients = [p.grad.data.copy() for p in (other.l0.W, other.l0.b)]
        expected.append((gradients[0].T, gradients[1][1:], other.l0.W.data[:1] * 2))
    for views, numbers in zip(kept, expected, strict=True):
        for view, wanted in zip(views, numbers, strict=True):
            np.testing.assert_allclose(view, wanted, rtol=1e-4, atol=1e-6)


@EXECUTORS
def test_each_step_makes_gradients_of_its_own(executor):
    model, _, step = training(SGD())
    step = compile(step, executor=executor)
    W = model.l0.W
    for x, t in batches(3):
        step(x, t)
    for x, t in batches(6):
        step(x, t)
        assert (W.grad.name, W.grad.creator, W.grad.grad) == (None, None, None)
        W.grad.name = "of this step"
        ref, kept = weakref.ref(W.grad), model.l1.W.grad
        other = Variable(np.zeros(1))
        other.grad = model.l0.b.grad
        step(x, t)
        assert ref() is None
        assert model.l1.W.grad is not kept
        assert model.l0.b.grad is not other.grad


@EXECUTORS
def test_gradient_arrays_are_used_again_where_nothing_holds_them(executor):
    model, _, step = training(SGD())
    step = compile(step, executor=executor)
    data = batches(9)
    for x, t in data[:3]:
        step(x, t)
    step.wait()
    places = []
    for x, t in data[3:]:
        step(x, t)
        places.append(model.l0.W.grad.data.ctypes.data)
    assert places[:2] * 3 == places  # two arrays in turns
    assert places[0] != places[1]
