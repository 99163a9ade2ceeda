"""The suite that derives from the sample catalogue: every op, every sample, every property."""

import numpy as np
import pytest

import dezero
import dezero.functions as F
from dezero import Variable
from dezero.autodiff.numerical import numerical_gradients
from dezero.testing.catalogue import Fixed, catalogue, mapped
from dezero.testing.weights import weights_like

CATALOGUE = catalogue()
OPS = list(CATALOGUE.values())
SAMPLES = [(op, i) for op in OPS for i in range(len(op.samples))]
DIFFERENTIABLE = [(op, i) for op, i in SAMPLES if op.differentiable]
EMPTY = [op for op in OPS if op.empty]
REFUSALS = [(op, i) for op in OPS for i in range(len(op.refusals))]


def cases(pairs):
    return pytest.mark.parametrize(
        ("op", "index"), pairs, ids=[f"{op.name}-{index}" for op, index in pairs]
    )


def ops(those):
    return pytest.mark.parametrize("op", those, ids=[op.name for op in those])


def operands(args):
    found = []
    mapped(args, lambda x: found.append(x))
    return found


def outputs(y):
    return y if isinstance(y, tuple) else (y,)


def called(op, sample, change=Variable):
    """The op's outputs on a sample, and the Variables it was given, in order."""
    given = []

    def pack(x):
        given.append(change(x))
        return given[-1]

    ys = outputs(op.function(*mapped(sample.args, pack), **sample.kwargs))
    return ys, given


def reference(op, sample, change=lambda x: x):
    kwargs = {k: v.data if isinstance(v, Fixed) else v for k, v in sample.kwargs.items()}
    return outputs(op.reference(*mapped(sample.args, change), **kwargs))


def weighted(ys):
    """One number that depends on every element of every output."""
    total = 0.0
    for i, y in enumerate(ys):
        total = total + F.sum(y * weights_like(y, i))
    return total


def first(op, sample, xs, create_graph=False):
    """The gradients of the weighted outputs with respect to the operands xs."""
    queue = list(xs)
    given = []

    def pack(_):
        given.append(Variable(queue.pop(0)))
        return given[-1]

    ys = outputs(op.function(*mapped(sample.args, pack), **sample.kwargs))
    weighted(ys).backward(create_graph=create_graph)
    return given, [x.grad for x in given]


def assert_close(a, b, tolerance):
    __tracebackhide__ = True
    scale = max(1.0, float(np.max(np.abs(b), initial=0.0)))
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * scale)


def test_every_public_op_has_samples():
    missing = set(F.OPS) - set(CATALOGUE)
    assert not missing, f"public ops without samples: {sorted(missing)}"


@cases(SAMPLES)
def test_value(op, index):
    sample = op.samples[index]
    ys, _ = called(op, sample)
    expected = reference(op, sample)
    assert len(ys) == len(expected)
    for y, e in zip(ys, expected, strict=True):
        assert isinstance(y, Variable)
        assert y.shape == np.shape(e)
        assert_close(y.data, e, 1e-11)


@cases(SAMPLES)
def test_inputs_are_not_written_to(op, index):
    sample = op.samples[index]
    before = [x.copy() for x in operands(sample.args)]
    ys, given = called(op, sample)
    if op.differentiable:
        weighted(ys).backward()
    for x, old in zip(given, before, strict=True):
        np.testing.assert_array_equal(x.data, old)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@cases(SAMPLES)
def test_dtype(op, index, dtype):
    sample = op.samples[index]
    ys, given = called(op, sample, lambda x: Variable(x.astype(dtype)))
    # the reference sees the same rounded numbers, in float64
    expected = reference(op, sample, lambda x: x.astype(dtype).astype(np.float64))
    tolerance = op.tolerance if dtype == np.float32 else 2e-2
    for y, e in zip(ys, expected, strict=True):
        if np.asarray(e).dtype.kind == "f" and op.name != "astype":
            assert y.dtype == dtype
        assert_close(y.data.astype(np.float64), e, tolerance)
    if op.differentiable:
        F.sum(ys[0]).backward()
        for x in given:
            assert x.grad is None or x.grad.dtype == dtype


@cases(DIFFERENTIABLE)
def test_first_derivative(op, index):
    sample = op.samples[index]

    def value(*xs):
        queue = list(xs)
        ys = reference(op, sample, lambda _: queue.pop(0))
        return sum(np.sum(y * weights_like(y, i)) for i, y in enumerate(ys))

    xs = operands(sample.args)
    _, gxs = first(op, sample, xs)
    for gx, expected in zip(gxs, numerical_gradients(value, xs), strict=True):
        assert gx is not None, f"{op.name} gave no gradient"
        assert_close(gx.data, expected, 2e-7)


@cases([(op, i) for op, i in DIFFERENTIABLE if op.samples[i].twice])
def test_second_derivative(op, index):
    sample = op.samples[index]
    xs = operands(sample.args)
    directions = [weights_like(x, 10 + i) for i, x in enumerate(xs)]

    def slope(*points):
        _, gxs = first(op, sample, points)
        return sum(np.sum(g.data * d) for g, d in zip(gxs, directions, strict=True))

    given, gxs = first(op, sample, xs, create_graph=True)
    total = 0.0
    for gx, d in zip(gxs, directions, strict=True):
        total = total + F.sum(gx * d)
    for x in given:
        x.cleargrad()
    if total.creator is not None:
        total.backward()
    for x, expected in zip(given, numerical_gradients(slope, xs), strict=True):
        assert_close(0.0 * expected if x.grad is None else x.grad.data, expected, 2e-6)


@cases(DIFFERENTIABLE)
def test_recorded_pass_gives_the_same_gradients(op, index):
    sample = op.samples[index]
    xs = operands(sample.args)
    _, plain = first(op, sample, xs)
    _, recorded = first(op, sample, xs, create_graph=True)
    for a, b in zip(plain, recorded, strict=True):
        assert_close(a.data, b.data, 1e-12)


@cases(DIFFERENTIABLE)
def test_gradients_share_memory_with_nothing(op, index):
    sample = op.samples[index]
    ys, given = called(op, sample)
    arrays = [y.data for y in ys] + [x.data for x in given]
    seeds = [Variable(weights_like(y, i)) for i, y in enumerate(ys)]
    for y, seed in zip(ys, seeds, strict=True):
        if y.creator is not None:
            y.backward(gradient=seed)
            arrays.append(seed.data)
    for x in given:
        for other in arrays:
            assert not np.shares_memory(x.grad.data, other)
        arrays.append(x.grad.data)
        assert x.grad.data.flags.writeable


@cases(SAMPLES)
def test_layout_does_not_matter(op, index):
    def strided(x):
        if x.ndim == 0:
            return Variable(x)
        wide = np.full((*x.shape[:-1], 2 * x.shape[-1]), np.nan)
        wide[..., ::2] = x
        return Variable(wide[..., ::2])

    sample = op.samples[index]
    expected, given = called(op, sample)
    if op.differentiable:
        weighted(expected).backward()
    for layout in (strided, lambda x: Variable(np.array(x, order="F"))):
        ys, changed = called(op, sample, layout)
        for y, e in zip(ys, expected, strict=True):
            assert_close(y.data, e.data, 1e-12)
        if op.differentiable:
            weighted(ys).backward()
            for x, e in zip(changed, given, strict=True):
                assert_close(x.grad.data, e.grad.data, 1e-12)


@cases(SAMPLES)
def test_constants_cost_no_gradient(op, index):
    sample = op.samples[index]
    ys, given = called(op, sample, lambda x: x)
    assert all(y.creator is None for y in ys)
    for k in range(len(given)):
        turn = iter(range(len(given)))
        ys, some = called(op, sample, lambda x, t=turn, k=k: Variable(x) if next(t) == k else x)
        if op.differentiable:
            weighted(ys).backward()
            expected, everything = called(op, sample)
            weighted(expected).backward()
            assert_close(some[k].grad.data, everything[k].grad.data, 1e-12)


@ops([op for op in OPS if op.integers])
def test_integers(op):
    for sample in op.samples:
        if not operands(sample.args):
            continue
        whole = lambda x: np.ceil(np.abs(x) * 3).astype(np.int64)  # noqa: E731
        ys, _ = called(op, sample, whole)
        expected = reference(op, sample, whole)
        for y, e in zip(ys, expected, strict=True):
            assert_close(y.data, e, 1e-11)
            assert y.dtype == np.asarray(e).dtype
            assert (y.dtype.kind == "f") == (
                op.integers == "float" or np.asarray(e).dtype.kind == "f"
            )


@ops(EMPTY)
def test_empty(op):
    sample, shape = op.empty
    ys, given = called(op, sample)
    assert ys[0].shape == shape
    if op.differentiable and ys[0].creator is not None:
        F.sum(ys[0]).backward()
        for x in given:
            assert x.grad.shape == x.shape


@cases(REFUSALS)
def test_refusal(op, index):
    refusal = op.refusals[index]
    with pytest.raises(refusal.error) as caught:
        op.function(*mapped(refusal.args, Variable), **refusal.kwargs)
    assert isinstance(caught.value, dezero.errors.DeZeroError)
    for word in refusal.words:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)
