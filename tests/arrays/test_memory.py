import numpy as np
import pytest

from dezero.arrays.memory import LINE, empty_for


@pytest.mark.parametrize("shape", [(), (0, 3), (3,), (2, 5, 7)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_begins_at_a_line_and_is_writable(shape, dtype):
    x = empty_for(shape, np.ones(2, dtype))
    assert (x.shape, x.dtype) == (shape, dtype)
    assert x.ctypes.data % LINE == 0
    assert x.flags.c_contiguous
    x[...] = 1
    assert x.sum() == x.size


def test_dtype_is_that_of_all_operands():
    assert empty_for((1,), np.ones(1, np.float32), np.ones(1, int)).dtype == np.float64


def test_is_where_the_operands_are(gpu):
    x = empty_for((2, 3), gpu.asarray(np.ones(1)))
    assert isinstance(x, gpu.ndarray)
    assert x.shape == (2, 3)
