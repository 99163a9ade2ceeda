"""Devices: a machine without a GPU says so clearly, and the CPU paths work without CuPy."""

import numpy as np
import pytest

from dezero import Variable, cuda
from dezero.errors import MissingDependencyError

without_cupy = pytest.mark.skipif(cuda.gpu_enable, reason="a GPU is here")


def test_as_numpy():
    x = np.ones(3)
    assert cuda.as_numpy(x) is x
    assert cuda.as_numpy(Variable(x)) is x
    assert isinstance(cuda.as_numpy(2.0), np.ndarray)


def test_array_module():
    assert cuda.get_array_module(np.ones(3)) is np
    assert cuda.get_array_module(Variable(np.ones(3))) is np
    assert cuda.get_array_module(2.0) is np


@without_cupy
def test_no_gpu_is_said_clearly():
    assert cuda.gpu_enable is False
    with pytest.raises(MissingDependencyError, match="pip install cupy"):
        cuda.as_cupy(np.ones(3))


def test_unknown_attribute():
    with pytest.raises(AttributeError, match="typo"):
        _ = cuda.typo
