"""What every test and every doctest starts from: the same seeds, NumPy's own way of printing."""

import os
import signal
from collections.abc import Iterator
from typing import Any

import hypothesis
import numpy as np
import pytest

import dezero.random
from dezero import cuda
from dezero.testing.duck import double_of_cupy

os.environ["MPLBACKEND"] = "Agg"  # tests draw into files, never into windows

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as shells start programs in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)  # tests press Ctrl-C

# The same examples in every run and no stopwatch: machines are slow in turn.
hypothesis.settings.register_profile("dezero", database=None, deadline=None, derandomize=True)
hypothesis.settings.load_profile("dezero")


@pytest.fixture(autouse=True)
def same_start() -> Iterator[None]:
    np.random.seed(0)
    dezero.random.seed(0)
    with np.printoptions():
        yield


@pytest.fixture
def gpu() -> Iterator[Any]:
    """CuPy where there is a GPU, else its double."""
    if cuda.gpu_enable:
        yield cuda.cupy
    else:
        with double_of_cupy() as double:
            yield double
