"""Properties that hold for any shape and any index: broadcasting, indexing, axes."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import dezero.functions as F
from dezero import Variable

FEW = settings(max_examples=60)
SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)


def numbers(shape, seed=0):
    """Distinct numbers between 1.5 and 2.5: no ties, no division by zero."""
    size = int(np.prod(shape))
    drawn = np.random.default_rng(seed).permutation(size) / (1 + size)
    return np.asarray(1.5 + drawn).reshape(shape)


def summed(g, shape):
    """g summed by NumPy over the axes along which `shape` was broadcast."""
    for _ in range(g.ndim - len(shape)):
        g = g.sum(axis=0)
    for axis, n in enumerate(shape):
        if n == 1:
            g = g.sum(axis=axis, keepdims=True)
    return g


BINARY = {
    "add": (np.add, lambda a, b: (np.ones_like(a), np.ones_like(b))),
    "sub": (np.subtract, lambda a, b: (np.ones_like(a), -np.ones_like(b))),
    "mul": (np.multiply, lambda a, b: (b, a)),
    "div": (np.divide, lambda a, b: (1 / b, -a / b**2)),
    "pow": (np.power, lambda a, b: (b * a ** (b - 1), a**b * np.log(a))),
}


@FEW
@given(
    st.sampled_from(list(BINARY)),
    hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, min_side=0, max_side=3),
)
def test_binary_ops_broadcast_as_numpy_and_sum_their_gradients(name, shapes):
    a, b = (numbers(shape, i) for i, shape in enumerate(shapes.input_shapes))
    function, slopes = BINARY[name]
    x0, x1 = Variable(a), Variable(b)
    y = getattr(F, name)(x0, x1)
    np.testing.assert_allclose(y.data, function(a, b))
    assert y.shape == shapes.result_shape
    gy = numbers(y.shape, 7)
    y.backward(gradient=gy)
    wide = slopes(*np.broadcast_arrays(a, b))
    for x, slope in zip((x0, x1), wide, strict=True):
        np.testing.assert_allclose(x.grad.data, summed(gy * slope, x.shape), rtol=1e-12)


@FEW
@given(hnp.mutually_broadcastable_shapes(num_shapes=1, base_shape=(2, 3, 1, 2), max_side=3))
def test_broadcast_to_and_sum_to_are_adjoint(shapes):
    (small,), large = shapes.input_shapes, shapes.result_shape
    x, y = Variable(numbers(small)), numbers(large, 1)
    wide = F.broadcast_to(x, large)
    np.testing.assert_array_equal(wide.data, np.broadcast_to(x.data, large))
    np.testing.assert_allclose(F.sum_to(y, small).data, summed(y, small))
    np.testing.assert_allclose((wide.data * y).sum(), (x.data * F.sum_to(y, small).data).sum())
    wide.backward(gradient=y)
    np.testing.assert_allclose(x.grad.data, summed(y, small))


def scattered(gy, index, shape):
    """The gradient of indexing, by NumPy's unbuffered addition."""
    gx = np.zeros(shape)
    np.add.at(gx, index, gy)
    return gx


def check_index(shape, index):
    x = Variable(numbers(shape))
    y = x[index]
    np.testing.assert_array_equal(y.data, x.data[index])
    gy = Variable(numbers(y.shape, 1))
    y.backward(gradient=gy, create_graph=True)
    np.testing.assert_allclose(x.grad.data, scattered(gy.data, index, shape), rtol=1e-12)
    # the gradient is linear in gy: differentiated again it is the index once more
    v = numbers(shape, 2)
    F.sum(x.grad * v).backward()
    np.testing.assert_array_equal(gy.grad.data, v[index])


@FEW
@given(st.data(), SHAPES)
def test_basic_indices(data, shape):
    check_index(shape, data.draw(hnp.basic_indices(shape, allow_newaxis=True)))


@FEW
@given(st.data(), hnp.array_shapes(min_dims=1, max_dims=4, max_side=4))
def test_integer_arrays_as_indices(data, shape):
    result = hnp.array_shapes(min_dims=0, max_dims=3, max_side=4)
    check_index(shape, data.draw(hnp.integer_array_indices(shape, result_shape=result)))


@FEW
@given(st.data(), hnp.array_shapes(min_dims=1, max_dims=4, max_side=4))
def test_indices_of_every_kind_at_once(data, shape):
    parts = []
    for n in shape[: data.draw(st.integers(1, len(shape)))]:
        place = st.integers(-n, n - 1)
        parts.append(
            data.draw(
                st.one_of(
                    place,
                    st.slices(n),
                    st.lists(place, min_size=2, max_size=2),
                    st.lists(place, min_size=2, max_size=2).map(np.array),
                )
            )
        )
    check_index(shape, tuple(parts))


@FEW
@given(st.data(), hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4))
def test_masks_as_indices(data, shape):
    covered = shape[: data.draw(st.integers(1, len(shape)))]
    check_index(shape, data.draw(hnp.arrays(bool, covered)))


@FEW
@given(st.data(), SHAPES)
def test_reshapes_and_transposes_go_there_and_back(data, shape):
    x = Variable(numbers(shape))
    axes = data.draw(st.permutations(range(len(shape))))
    signed = [a - data.draw(st.sampled_from([0, len(shape)])) for a in axes]
    y = F.transpose(x, signed)
    np.testing.assert_array_equal(y.data, np.transpose(x.data, axes))
    back = F.transpose(
        F.reshape(F.reshape(y, (-1,) if x.size else (0,)), y.shape), np.argsort(axes)
    )
    np.testing.assert_array_equal(back.data, x.data)
    gy = numbers(shape, 1)
    back.backward(gradient=gy)
    np.testing.assert_array_equal(x.grad.data, gy)


@FEW
@given(
    st.data(),
    st.sampled_from(["sum", "mean", "max", "min", "var"]),
    hnp.array_shapes(min_dims=1, max_dims=4, max_side=4),
    st.booleans(),
)
def test_reductions_are_numpys(data, name, shape, keepdims):
    n = len(shape)
    axis = data.draw(
        st.one_of(st.none(), st.integers(-n, n - 1), hnp.valid_tuple_axes(n, min_size=1))
    )
    x = Variable(numbers(shape))
    y = getattr(F, name)(x, axis, keepdims)
    expected = getattr(np, name)(x.data, axis=axis, keepdims=keepdims)
    np.testing.assert_allclose(y.data, expected, rtol=1e-12)
    assert y.shape == expected.shape
    y.backward(gradient=np.ones(y.shape))
    if name == "var":  # deviations from a mean sum to zero
        np.testing.assert_allclose(np.sum(x.grad.data, axis=axis), 0, atol=1e-12)
    else:  # what one result is made of shares one gradient; all of a sum's get it whole
        count = x.size // y.size if name == "sum" else 1
        np.testing.assert_allclose(np.sum(x.grad.data, axis=axis), count)


@FEW
@given(hnp.mutually_broadcastable_shapes(signature=np.matmul.signature, max_dims=2, max_side=3))
def test_matrix_products_are_numpys(shapes):
    x, W = (Variable(numbers(shape, i)) for i, shape in enumerate(shapes.input_shapes))
    y = x @ W
    np.testing.assert_allclose(y.data, np.matmul(x.data, W.data))
    gy = numbers(y.shape, 2)
    y.backward(gradient=gy)
    # y is linear in x and in W, so that <gy, y> = <gx, x> = <gW, W>
    for v in (x, W):
        assert v.grad.shape == v.shape
        np.testing.assert_allclose(np.sum(v.grad.data * v.data), np.sum(gy * y.data), rtol=1e-9)
