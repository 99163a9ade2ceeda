"""What the original DeZero got wrong about gradients and functions: each test fails on it."""

import numpy as np
import pytest

import dezero
import dezero.functions as F
import dezero.layers as L
from dezero import Function, Variable, no_grad, optimizers
from dezero.autodiff import numerical_gradients
from dezero.errors import GradientError, GraphError, ShapeError

rng = np.random.default_rng(0)


def test_float32_stays_float32():
    for layer, x in (
        (L.Linear(3), np.ones((2, 4), np.float32)),
        (L.Conv2d(3, 3), np.ones((1, 2, 5, 5), np.float32)),
        (L.Deconv2d(3, 3), np.ones((1, 2, 5, 5), np.float32)),
    ):
        assert layer(x).dtype == np.float32
        assert layer.W.dtype == np.float32
    assert (Variable(np.ones(2, np.float32)) * 2.0).dtype == np.float32
    assert (Variable(np.array(1.0, np.float32)) / 3).dtype == np.float32


def test_gradients_have_the_dtype_of_what_they_are_of():
    W = Variable(np.ones((4, 3), np.float32))
    F.sum(F.embed_id(np.array([0, 2]), W)).backward()
    assert W.grad.dtype == np.float32
    x = Variable(np.ones((2, 3), np.float32))
    F.softmax_cross_entropy(x, np.array([0, 1])).backward()
    assert x.grad.dtype == np.float32


def test_a_one_element_loss_prints():
    assert float(Variable(np.array([[0.25]]))) == 0.25
    assert f"{float(Variable(np.array([0.5], np.float32))):.2f}" == "0.50"


def test_every_leaf_owns_its_gradient():
    x, y = Variable(np.ones(2)), Variable(np.ones(2))
    F.sum(x + y).backward()
    x.grad.data += 1  # as weight decay does
    np.testing.assert_array_equal(y.grad.data, 1)
    z = Variable(np.ones(3))
    F.sum(z).backward()
    z.grad.data += 1  # not a read-only view
    W = Variable(np.ones(2))
    F.sum(W + W).backward()
    np.testing.assert_array_equal(W.grad.data, 2)


def test_weight_decay_is_applied_once():
    class Twin(L.Layer):
        def __init__(self):
            self.a, self.b = dezero.Parameter(np.ones(2)), dezero.Parameter(np.ones(2))

        def forward(self):
            return F.sum(self.a + self.b)

    model = Twin()
    optimizer = optimizers.SGD(lr=1.0).setup(model)
    optimizer.add_hook(optimizers.WeightDecay(0.5))
    model().backward()
    optimizer.update()
    for p in model.params():
        np.testing.assert_allclose(p.data, 1 - (1 + 0.5))


def test_backward_keeps_a_heap_and_visits_each_function_once(monkeypatch):
    pushed = []
    push = dezero.core.graph.heappush
    monkeypatch.setattr(
        dezero.core.graph, "heappush", lambda heap, item: (pushed.append(item), push(heap, item))
    )
    x = Variable(np.ones(1))
    ys = [x * 2.0 for _ in range(300)]  # of one generation
    F.sum(F.concat([y * y for y in ys])).backward()
    assert len(pushed) == 1 + 300 + 300  # concat and the products; sum is where it begins
    np.testing.assert_array_equal(x.grad.data, 300 * 8)


def test_leaf_and_no_grad_results_have_clear_errors():
    with pytest.raises(GraphError, match="leaf"):
        Variable(np.ones(2)).backward()
    with no_grad():
        y = Variable(np.ones(2)) * 2
    with pytest.raises(GraphError, match="no_grad"):
        y.backward()


class Halves(Function):
    def forward(self, x):
        return x[:1].copy(), x[1:].copy()

    def backward(self, a, b):
        return F.concat([a, b])


def test_dropped_output_counts_as_zero():
    x = Variable(np.array([1.0, 2.0]))
    a, b = Halves()(x)
    del b
    a.backward()
    np.testing.assert_array_equal(x.grad.data, [1, 0])


def test_function_instance_called_twice():
    f = F.Exp()
    x0, x1 = Variable(np.array(0.0)), Variable(np.array(1.0))
    y0, y1 = f(x0), f(x1)
    y0.backward()
    y1.backward()
    assert float(x0.grad) == 1.0
    assert float(x1.grad) == pytest.approx(np.e)


def test_changed_data_is_an_error():
    x = Variable(np.ones(2), name="x")
    y = F.sin(x)
    x.data = np.zeros(2)
    with pytest.raises(GraphError, match="sin: the data of x"):
        y.backward()


@pytest.mark.parametrize("gradients", [(1,), (1, 1, 1)])
def test_wrong_number_of_gradients(gradients):
    class Wrong(Function):
        def forward(self, a, b):
            return a + b

        def backward(self, gy):
            return tuple(gy for _ in gradients)

    y = Wrong()(Variable(np.ones(2)), Variable(np.ones(2)))
    with pytest.raises(GradientError, match=r"Wrong\.backward returned \d gradients for 2 inputs"):
        y.backward()


def test_wrong_shape_of_gradient():
    class Wrong(Function):
        def forward(self, a):
            return F.sum(a).data

        def backward(self, gy):
            return gy

    with pytest.raises(GradientError, match=r"\(\) float64 for input 0.*\(2,\)"):
        Wrong()(Variable(np.ones(2))).backward()


def batch_normed(x, gamma, beta):
    mean, var = np.zeros(3), np.ones(3)
    return F.batch_norm(x, gamma, beta, mean, var)


def test_batch_norm_second_derivative():
    x0, gamma, beta = rng.normal(size=(5, 3)), np.full(3, 1.5), np.zeros(3)
    w = rng.normal(size=(5, 3))

    def slope(x):
        v = Variable(x)
        F.sum(batch_normed(v, gamma, beta) ** 2 * w).backward()
        return np.sum(v.grad.data * w)

    x = Variable(x0)
    F.sum(batch_normed(x, gamma, beta) ** 2 * w).backward(create_graph=True)
    gx = x.grad
    x.cleargrad()
    F.sum(gx * w).backward()
    np.testing.assert_allclose(x.grad.data, numerical_gradients(slope, [x0])[0], atol=1e-6)


def test_batch_norm_backward_in_test_mode():
    layer = L.BatchNorm()
    layer(rng.normal(size=(8, 3)).astype(np.float32))
    x = Variable(rng.normal(size=(4, 3)).astype(np.float32))
    with dezero.test_mode():
        F.sum(layer(x)).backward()
    expected = layer.gamma.data / np.sqrt(layer.avg_var.data + 2e-5)
    np.testing.assert_allclose(x.grad.data, np.broadcast_to(expected, (4, 3)), rtol=1e-5)


def check_twice(f, *arrays):
    """The derivative of sum(w * df/dx) against central differences."""
    w = rng.normal(size=arrays[0].shape)

    def slope(*points):
        xs = [Variable(p) for p in points]
        F.sum(f(*xs) ** 2).backward()
        return np.sum(xs[0].grad.data * w)

    xs = [Variable(a) for a in arrays]
    F.sum(f(*xs) ** 2).backward(create_graph=True)
    gx = xs[0].grad
    for x in xs:
        x.cleargrad()
    F.sum(gx * w).backward()
    for x, expected in zip(xs, numerical_gradients(slope, arrays), strict=True):
        np.testing.assert_allclose(x.grad.data, expected, rtol=1e-5, atol=1e-6)


def test_convolution_weights_and_max_pooling_twice():
    check_twice(
        lambda x, W: F.conv2d(x, W, pad=1),
        rng.normal(size=(1, 2, 4, 3)),
        rng.normal(size=(2, 2, 3, 3)),
    )
    check_twice(lambda x: F.pooling(x, 2, 2), rng.normal(size=(1, 2, 4, 4)))


def test_average_pooling_of_non_square_windows():
    x = np.arange(24.0).reshape(1, 1, 4, 6)
    y = F.average_pooling(x, (2, 3), (2, 3))
    np.testing.assert_allclose(y.data, x.reshape(1, 1, 2, 2, 2, 3).mean(axis=(3, 5)))
    v = Variable(x)
    F.sum(F.average_pooling(v, (2, 3), (2, 3))).backward()
    np.testing.assert_allclose(v.grad.data, 1 / 6)


def test_max_pooling_pads_with_minus_infinity():
    x = Variable(-np.ones((1, 1, 2, 2)))
    np.testing.assert_array_equal(F.pooling(x, 2, 2, 1).data, -1)


def test_matmul_follows_numpy():
    for a, b in (
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((3,), (3, 2)),
        ((4, 2, 3), (3, 2)),
        ((2, 3), (4, 3, 2)),
    ):
        x0, W0 = rng.normal(size=a), rng.normal(size=b)
        x, W = Variable(x0), Variable(W0)
        y = F.matmul(x, W)
        np.testing.assert_allclose(y.data, x0 @ W0)
        F.sum(y).backward()
        gx, gW = numerical_gradients(lambda p, q: np.sum(p @ q), [x0, W0])
        np.testing.assert_allclose(x.grad.data, gx, atol=1e-8)
        np.testing.assert_allclose(W.grad.data, gW, atol=1e-8)


def test_losses_never_broadcast():
    with pytest.raises(ShapeError, match=r"mean_squared_error.*\(5, 1\).*\(5,\).*reshape"):
        F.mean_squared_error(np.ones((5, 1)), np.ones(5))


def test_losses_are_stable():
    for logits in (1e4, -1e4):
        x = Variable(np.array([logits]))
        loss = F.sigmoid_cross_entropy(x, np.array([1]))
        loss.backward()
        assert float(loss) == max(0.0, -logits)
        assert np.isfinite(x.grad.data).all()
    p = Variable(np.array([0.0, 1.0]))
    loss = F.binary_cross_entropy(p, np.array([0, 1]))
    assert float(loss) == 0.0
    assert np.isfinite(F.sigmoid(np.array([-1e4, 1e4])).data).all()


def test_max_shares_the_gradient_of_ties():
    x = Variable(np.array([1.0, 3.0, 3.0]))
    F.max(x).backward()
    np.testing.assert_array_equal(x.grad.data, [0, 0.5, 0.5])


def test_negative_axes():
    x = Variable(np.arange(6.0).reshape(2, 3))
    F.sum(F.max(x, axis=-1)).backward()
    np.testing.assert_array_equal(x.grad.data, [[0, 0, 1], [0, 0, 1]])
    assert F.expand_dims(x, -1).shape == (2, 3, 1)


def test_power_zero_at_zero():
    x = Variable(np.array([0.0, 2.0]))
    F.sum(x**0).backward()
    np.testing.assert_array_equal(x.grad.data, 0)
