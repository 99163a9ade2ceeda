"""Graphs are freed by reference counts alone, whatever their length."""

import gc
import sys
import weakref

import numpy as np
import pytest

import dezero.functions as F
from dezero import Variable


@pytest.fixture
def without_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_no_cycles(without_collector):
    x = Variable(np.ones(3))
    y = F.exp(x * 2) + x
    y.backward(retain_grad=True)
    inner = weakref.ref(y.creator.inputs[0])
    del y
    assert inner() is None
    assert gc.collect() == 0 or x.grad is not None


def test_recorded_gradients_are_freed(without_collector):
    x = Variable(np.ones(3))
    y = F.exp(x * 2)
    y.backward(create_graph=True)
    inner = weakref.ref(y.creator.inputs[0])
    x.cleargrad()
    del y
    assert inner() is None


def test_training_keeps_memory_flat(without_collector):
    W = Variable(np.full((8, 8), 0.01))
    x = np.ones((4, 8))

    def step():
        W.cleargrad()
        loss = F.mean(F.tanh(x @ W) ** 2)
        loss.backward()
        W.data -= 0.01 * W.grad.data

    for _ in range(2_500):  # until Python's free lists of tuples are full
        step()
    before = sys.getallocatedblocks()
    for _ in range(10_000):
        step()
    # one leaked graph a step would be hundreds of thousands of blocks
    assert sys.getallocatedblocks() - before < 100


def test_a_million_nodes(without_collector):
    # forward, backward and freeing without recursion
    n = 1_000_000
    x = Variable(np.ones(1))
    y = x
    for _ in range(n):
        y = y + x
    assert y.generation == n
    y.backward()
    assert x.grad.data[0] == n + 1
    inner = weakref.ref(y.creator.inputs[0])
    del y
    assert inner() is None
