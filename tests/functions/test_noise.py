import numpy as np
import pytest

import dezero
import dezero.functions as F
from dezero import Variable


@pytest.fixture(autouse=True)
def same_stream():
    dezero.random.seed(0)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_elements_are_dropped_or_enlarged(dtype):
    x = Variable(np.arange(1, 1001, dtype=dtype).reshape(10, 100))
    y = F.dropout(x, 0.25)
    assert y.dtype == dtype
    kept = y.data != 0
    np.testing.assert_array_equal(y.data[kept], (x.data * dtype(1 / 0.75))[kept])
    assert 0.7 < kept.mean() < 0.8


def test_the_mean_stays():
    x = Variable(np.ones(100_000))
    assert abs(F.dropout(x, 0.8).data.mean() - 1) < 0.03


def test_the_gradient_goes_where_the_value_went():
    x = Variable(np.arange(1.0, 101.0))
    y = F.dropout(x)
    y.backward()
    np.testing.assert_array_equal(x.grad.data * x.data, y.data)
    assert set(x.grad.data) == {0.0, 2.0}


def test_the_recorded_gradient_uses_the_same_mask():
    x = Variable(np.arange(1.0, 101.0))
    y = F.dropout(x) ** 3
    y.backward(create_graph=True)
    gx = x.grad
    x.cleargrad()
    gx.backward()
    scale = np.where(y.data == 0, 0.0, 2.0)
    np.testing.assert_allclose(gx.data, 3 * scale**3 * x.data**2)
    np.testing.assert_allclose(x.grad.data, 6 * scale**3 * x.data)


def test_every_call_draws_anew_and_the_seed_repeats():
    x = Variable(np.ones(100))
    first, second = F.dropout(x).data, F.dropout(x).data
    assert (first != second).any()
    dezero.random.seed(0)
    np.testing.assert_array_equal(F.dropout(x).data, first)


def test_an_instance_called_twice_has_two_masks():
    f = F.Dropout()
    a, b = Variable(np.ones(100)), Variable(np.ones(100))
    first, second = f(a), f(b)
    first.backward()
    second.backward()
    np.testing.assert_array_equal(a.grad.data, first.data)
    np.testing.assert_array_equal(b.grad.data, second.data)


def test_test_mode_passes_everything_and_draws_nothing():
    x = Variable(np.ones(3))
    state = dezero.random.get_state()
    with dezero.test_mode():
        assert F.dropout(x) is x
        y = F.dropout(np.ones(3))
    assert isinstance(y, Variable)
    assert (x * y).creator.needs(0)
    assert not (x * y).creator.needs(1)
    assert dezero.random.get_state() == state


def test_masks_are_cast_for_integers():
    assert F.dropout(Variable(np.ones(3, int))).dtype == np.float64
