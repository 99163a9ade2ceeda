"""The same results from Clang, and on another processor: programs for 64-bit Arm are emulated."""

import shutil

import numpy as np
import pytest

import dezero
import dezero.functions as F
from dezero import Variable
from dezero.compiler.executors.c.toolchain import FIXED_VECTORS
from tests.compiler.emulated import Emulated
from tests.compiler.test_catalogue import check, equal
from tests.compiler.test_convolution_kernels import GEOMETRIES
from tests.compiler.test_instruction_sets import OPS
from tests.compiler.test_vectors import command

COMPILERS = {
    "gcc": ("aarch64-linux-gnu-gcc",),
    "gcc with SVE": ("aarch64-linux-gnu-gcc", "-march=armv8.4-a+sve", FIXED_VECTORS[0]),
    "clang": ("clang", "--target=aarch64-linux-gnu"),
}
IMAGES = ("channels_mixed", "to_one_channel", "dilated_groups", "depthwise", "tall_image")
IMAGES += ("winograd", "winograd_panels", "winograd_adjoint", "winograd_strided")
SAMPLES = pytest.mark.parametrize("op", OPS, ids=[op.name for op in OPS])


@pytest.fixture
def clang(monkeypatch):
    """Has Clang compile what runs here."""
    monkeypatch.setenv("CC", command("clang"))


@pytest.fixture(params=COMPILERS)
def arm(request, monkeypatch):
    """Has all native code run on an emulated processor."""
    # the GNU compiler has the C library that the other one needs too
    needed = {COMPILERS[request.param][0], *COMPILERS["gcc"], "qemu-aarch64"}
    missing = [name for name in needed if shutil.which(name) is None]
    if missing:
        pytest.skip(f"there is no {', '.join(missing)}")
    monkeypatch.setattr(Emulated, "compiler", COMPILERS[request.param])
    monkeypatch.setattr(Emulated, "emulator", ("qemu-aarch64", "-cpu", "max"))
    monkeypatch.setattr("dezero.compiler.CExecutor", Emulated)


@SAMPLES
def test_samples_of_clang(op, clang):
    check(op, op.samples, "c", np.float32, 2e-4)


@SAMPLES
def test_samples_on_another_processor(op, arm):
    check(op, op.samples, "c", np.float32, 2e-4)


def convolution(geometry):
    """A step of a geometry: y, gx and gW, and x."""
    shape, channels, size, stride, pad, dilation, groups = GEOMETRIES[geometry]
    draw = np.random.default_rng(0).standard_normal
    height, width = (size, size) if isinstance(size, int) else size
    W = Variable(draw((channels, shape[1] // groups, height, width), np.float32))

    def step(x):
        x = Variable(x)
        y = F.conv2d(x, W, stride=stride, pad=pad, dilation=dilation, groups=groups)
        W.cleargrad()
        F.sum(y * y).backward()
        return y, x.grad, W.grad

    return step, draw(shape, np.float32)


@pytest.mark.parametrize("geometry", IMAGES)
def test_convolutions_on_another_processor(geometry, arm):
    function, x = convolution(geometry)
    step = dezero.compile(function)
    expected = function(x)
    for _ in range(4):
        found = step(x)
    assert [path.runs for path in step.all_paths()] == [1]
    for a, b in zip(found, expected, strict=True):
        equal(a.data, b.data, 2e-4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_maxima_of_infinities(dtype, clang):
    """Clang begins those of reals with the largest finite number."""
    x = np.random.default_rng(0).standard_normal((5, 80)).astype(dtype)
    x[1], x[2] = -np.inf, np.inf
    x[3, 7] = np.nan
    step = dezero.compile(lambda x: (F.max(x, axis=1), F.min(x, axis=1), F.max(x, axis=0)))
    for _ in range(4):
        found = step(x)
    expected = x.max(axis=1), x.min(axis=1), x.max(axis=0)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a.data, b)
