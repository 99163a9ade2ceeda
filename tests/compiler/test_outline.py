"""The outline of a path: what it names is what was computed, and memory holds one thing at once."""

import numpy as np
import pytest

import dezero.functions as F
from dezero.compiler import CompileError, CompileWarning, compile
from dezero.layers import LSTM
from dezero.models import MLP
from dezero.optimizers import Adam

EXECUTORS = pytest.mark.parametrize("executor", ["numpy", "c"])


def called(step, *args):
    for _ in range(4):
        step(*args)
    return step


def predict(x, W, V):
    h = F.relu(F.matmul(x, W))
    return F.softmax(F.matmul(h, V))


def predicting(executor):
    drawn = np.random.default_rng(0).standard_normal
    return called(compile(predict, executor), drawn((32, 64)), drawn((64, 64)), drawn((64, 10)))


def training(executor):
    model = MLP((20, 10))
    rule = Adam().setup(model)

    def step(x, t):
        loss = F.softmax_cross_entropy(model(x), t)
        model.cleargrads()
        loss.backward()
        rule.update()
        return loss

    return called(compile(step, executor), np.ones((8, 30), np.float32), np.arange(8))


def recurring(executor):
    """A step whose states, gates and gradients are parts of larger arrays."""
    layer = LSTM(8)

    def step(xs):
        layer.cleargrads()
        layer.reset_state()
        loss = F.mean_squared_error(layer.sequence(xs), np.zeros((5, 3, 8), np.float32))
        loss.backward()
        return loss

    return called(compile(step, executor), np.ones((5, 3, 4), np.float32))


def test_the_tape_is_the_program():
    outline = predicting("numpy").outline()
    assert outline.name == "predict"
    named = {x.id: x.name for x in outline.tape}
    read = [(x.name, *[named[j] for j in x.ins]) for x in outline.tape if x.ins]
    assert read == [
        ("matmul", "x", "W"),
        ("maximum", "matmul", "0"),
        ("matmul", "maximum", "V"),
        ("maximum", "matmul"),
        ("subtract", "matmul", "maximum"),
        ("exp", "subtract"),
        ("add", "exp"),
        ("divide", "exp", "add"),
    ]
    assert outline.results == [("result", outline.tape[-1].id)]
    shapes = {x.name: (x.shape, x.dtype) for x in outline.tape if x.kind == "slot"}
    assert shapes == {
        "x": ((32, 64), "float64"),
        "W": ((64, 64), "float64"),
        "V": ((64, 10), "float64"),
    }
    assert {x.line.split(":")[0] for x in outline.tape} == {"test_outline.py"}


@EXECUTORS
@pytest.mark.parametrize("make", [predicting, training])
def test_every_operation_is_in_one_kernel_after_what_it_reads(make, executor):
    outline = make(executor).outline()
    order = [i for kernel in outline.kernels for i in kernel.members]
    computed = {i for i, x in outline.plan.items() if x.kind not in ("slot", "const", "view")}
    assert len(order) == len(set(order))
    assert set(order) <= set(outline.plan)
    assert computed <= set(order)
    place = {i: k for k, kernel in enumerate(outline.kernels) for i in kernel.members}
    for k, kernel in enumerate(outline.kernels):
        assert all(place.get(j, -1) <= k for i in kernel.members for j in outline.plan[i].ins)


@EXECUTORS
@pytest.mark.parametrize("make", [predicting, training, recurring])
def test_no_two_results_have_a_byte_at_once(make, executor):
    outline = make(executor).outline()
    assert outline.buffers
    assert max(b.start + b.size for b in outline.buffers) <= outline.arena
    taken = {b.over for b in outline.buffers} - {-1}
    spans = []
    for b in outline.buffers:
        begin = b.begin + 0.5 * (b.over >= 0)  # what is written over an operand takes its place
        end = b.end + (0.5 if b.operation in taken else 1)
        spans.append((begin, end, b.start, b.start + b.size))
    for k, (begin, end, low, high) in enumerate(spans):
        assert end > begin
        for other in spans[:k]:
            apart = begin >= other[1] or other[0] >= end or low >= other[3] or other[2] >= high
            assert apart


def test_bytes_of_a_product_and_what_is_written_over_it():
    step = predicting("c")
    if not step.source():
        pytest.skip("there is no C compiler")
    outline = step.outline()
    kinds = [kernel.kind for kernel in outline.kernels]
    assert kinds == ["matrix product", "loop nest", "matrix product", "loop nest"]
    product, relu, second = [
        next(b for b in outline.buffers if b.operation == kernel.members[-1])
        for kernel in outline.kernels[:3]
    ]
    assert product.size == relu.size == 32 * 64 * 8
    assert (relu.start, relu.over) == (product.start, product.operation)
    assert (product.begin, product.end, relu.begin, relu.end) == (0, 1, 1, 2)
    assert (second.size, second.begin, second.end) == (32 * 10 * 8, 2, 3)
    assert outline.elsewhere == 1  # the result lies in an array of the program
    for k, kernel in enumerate(outline.kernels):
        line = outline.plan[kernel.members[0]].line
        assert f"/* {k}: {line}: " in step.source()


def test_results_have_the_names_of_what_they_replace():
    names = [name for name, _ in training("numpy").outline().results]
    assert names.count("result") == 1
    layers = {f"model.l{k}.{p}" for k in (0, 1) for p in "Wb"}
    assert {f"{name}.data" for name in layers} <= set(names)
    assert {f"{name}.grad" for name in layers} <= set(names)
    assert "rule.updates" not in names  # Python counts


def test_lists_that_become_others():
    state = [np.zeros(2)]

    def step(x):
        state[0] = state[0] + x
        return {"y": x * 3, "z": (x * 2, x)}

    names = [name for name, _ in called(compile(step, "numpy"), np.ones(2)).outline().results]
    assert sorted(names) == ["result", "result", "state[0]"]


def test_arguments_without_names_of_their_own():
    outline = called(compile(lambda *xs: np.tanh(xs[0]), "numpy"), np.ones(3)).outline()
    assert [x.name for x in outline.tape] == ["args[0]", "tanh"]


def test_what_has_no_outline_says_why():
    step = compile(lambda x: x + np.random.rand(), "numpy")
    with pytest.raises(CompileError, match="no compiled path yet: call it three times or more"):
        step.outline()
    with pytest.warns(CompileWarning):
        called(step, np.ones(2))
    with pytest.raises(CompileError, match="no compiled path, it runs eagerly: it draws random"):
        step.outline()
    step = predicting("numpy")
    for path in (1, -1):
        with pytest.raises(CompileError, match=rf"predict has no path {path}: the last one is 0"):
            step.outline(path)
