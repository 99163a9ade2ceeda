import platform
import subprocess
import sys

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


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries do otherwise")
def test_freed_memory_is_used_again():
    program = """if True:
        import resource
        import numpy as np
        import dezero

        def faults():
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
            [np.ones(1 << 20) for _ in range(5)]  # all are there at once, then none
            return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

        faults()
        print(max(faults() for _ in range(3)))
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert int(done.stdout) < 100  # pages; there are 10,000 in the arrays
