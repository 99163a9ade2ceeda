"""The profile: it is of the kernels of the outline, and nothing has changed after it."""

import copy

import numpy as np
import pytest

import dezero
import dezero.functions as F
import dezero.layers as L
from dezero.arrays import random
from dezero.compiler import CompileError, CompileWarning, compile, profiling
from dezero.compiler.executors.c import executor as c_executor
from dezero.compiler.executors.c import pieces, program
from dezero.compiler.executors.c.runtime import runtime
from dezero.compiler.executors.c.toolchain import NoCompiler
from dezero.compiler.planning.flops import total_flops
from dezero.compiler.profile import PYTHON, WAITING, KernelProfile, Profile
from dezero.models import Sequential
from dezero.optimizers import Adam

X, T = np.random.default_rng(0).normal(size=(8, 30)), np.arange(8)


@pytest.fixture(autouse=True)
def soon_done(monkeypatch):
    """What is measured is not tested: a few runs will do."""
    monkeypatch.setattr(profiling, "SECONDS", 0.0)


@pytest.fixture(params=["numpy", "c", "three threads"])
def executor(request, monkeypatch):
    """The executors, and C with everything divided among three threads that can be."""
    if request.param != "three threads":
        return request.param
    try:
        threaded = copy.copy(runtime())
    except NoCompiler as error:
        pytest.skip(str(error))
    threaded.threads = 3
    monkeypatch.setattr(c_executor, "runtime", lambda: threaded)
    monkeypatch.setattr(c_executor, "WORTH", 0)
    for module in (pieces, program):
        monkeypatch.setattr(module, "LEAST", 0)
    return "c"


def called(step, *args):
    for _ in range(4):
        step(*args)
    assert step.refused is None
    return step


def training(executor):
    """A training step with state of every kind: parameters, moments, averages, random numbers."""
    random.seed(0)
    np.random.seed(0)
    model = Sequential(L.Linear(40, dtype=np.float64), L.BatchNorm(dtype=np.float64), F.relu)
    model = Sequential(model, lambda x: F.dropout(x, 0.4), L.Linear(10, dtype=np.float64))
    rule = Adam().setup(model)

    def step(x, t):
        loss = F.softmax_cross_entropy(model(x), t)
        model.cleargrads()
        loss.backward()
        rule.update()
        return loss

    return called(compile(step, executor), X, T), model, rule


def state(model, rule):
    """Everything that a step changes: the objects, and the values of the arrays."""
    arrays = [x for some in rule.states.values() for x in some]
    for p in model.params():
        arrays += [p.data, *([p.grad.data] if p.grad is not None else [])]
    grads = [p.grad for p in model.params()]
    return arrays, grads, [x.copy() for x in arrays], (rule.updates, str(random.get_state()))


def test_a_profile_changes_nothing(executor):
    step, model, rule = training(executor)
    before = state(model, rule)
    step.profile(X, T)
    after = state(model, rule)
    assert len(before[0]) > 20
    assert all(a is b for a, b in zip(before[0] + before[1], after[0] + after[1], strict=True))
    for a, b in zip(before[2], after[2], strict=True):
        np.testing.assert_array_equal(a, b)
    assert before[3] == after[3]


def test_steps_after_a_profile_are_those_without_it(executor):
    losses = []
    for profiles in (0, 2):
        step, _, _ = training(executor)
        for _ in range(3):
            for _ in range(profiles):
                step.profile(X, T)
            losses.append(float(step(X, T).data))
    assert losses[:3] == losses[3:]
    assert len(set(losses)) == 3


def test_arrays_that_a_step_writes_into(executor):
    kept = np.zeros(50)

    def function(x, y):
        x += 1
        kept[:] = kept * 0.5 + x
        y[1:3] = kept[1:3]
        return x * 2

    x, y = np.ones(50), np.ones(50)
    step = called(compile(function, executor), x, y)
    before = kept.copy()
    step.profile(x, y)
    np.testing.assert_array_equal(x, np.full(50, 5.0))
    np.testing.assert_array_equal(kept, before)
    assert list(y[:4]) == [1, before[1], before[2], 1]


def test_the_timed_program_computes_the_same(executor):
    step, _, _ = training(executor)
    (path,) = step.all_paths()
    values = path.fetch((X, T), {})
    run = profiling.Run(path, values)
    kept = random.get_state()
    for _ in range(3):  # each from the same state
        random.set_state(kept)
        assert run.once((X, T), {}) > 0
        (loss,) = [x for x in run.executor.turn.outputs if x is not None and not x.shape][:1]
    random.set_state(kept)
    assert float(loss) == float(step(X, T).data)


def test_kernels_are_those_of_the_outline(executor):
    step, _, _ = training(executor)
    profile, outline = step.profile(X, T), step.outline()
    assert [k.number for k in profile.kernels] == list(range(len(outline.kernels)))
    for found, kernel in zip(profile.kernels, outline.kernels, strict=True):
        operations = [outline.plan[i] for i in kernel.members]
        assert found.kind == kernel.kind
        assert found.operations == tuple(x.name for x in operations)
        if not any(line.endswith(" backward") for line in found.lines):
            assert found.lines.keys() == {x.line for x in operations}
        assert sum(found.lines.values()) == pytest.approx(1)
    (path,) = step.all_paths()
    assert sum(k.flops for k in profile.kernels) == total_flops(path.executor.schedule)
    assert (profile.name, profile.executor) == ("step", path.executor.name)
    assert profile.threads == getattr(path.executor, "threads", 1)


def test_shares_add_up(executor):
    step, _, _ = training(executor)
    profile = step.profile(X, T)
    kernels = sum(k.share for k in profile.kernels)
    assert kernels + profile.waiting + profile.python == pytest.approx(1)
    assert all(k.share >= 0 and k.seconds >= 0 for k in profile.kernels)
    assert profile.runs == profiling.LEAST
    assert sum(part.share for part in profile.by_line()) == pytest.approx(kernels)
    kinds = {part.name: part for part in profile.by_kind()}
    assert sum(part.share for part in kinds.values()) == pytest.approx(1)
    assert sum(part.kernels for part in kinds.values()) == len(profile.kernels)
    assert (WAITING in kinds) == (profile.threads > 1)
    assert kinds["matrix products"].kernels == 5  # no gradient of the images


def test_sizes_flops_and_bytes():
    def predict(x, W, V):
        return F.relu(F.matmul(x, W)), F.matmul(V, F.transpose(V, (0, 2, 1)))

    arrays = np.ones((32, 48)), np.ones((48, 64)), np.ones((5, 6, 7))
    step = called(compile(predict), *arrays)
    kernels = step.profile(*arrays).kernels
    found = {(k.size, k.flops, k.bytes) for k in kernels if k.kind == "matrix product"}
    assert found == {("32 x 64 x 48", 2 * 32 * 64 * 48, 0), ("5 of 6 x 6 x 7", 5 * 2 * 252, 0)}
    (nest,) = [k for k in kernels if k.kind == "loop nest"]
    read_and_written = 2 * 32 * 64 * 8
    assert (nest.size, nest.bytes) == ("(32, 64) float64", read_and_written)
    assert nest.flops == 32 * 64


def test_a_view_that_is_read_counts_what_it_shows():
    step = called(compile(lambda x: np.exp(x[:2]) + x[3]), np.ones((10, 16)))
    (nest,) = step.profile(np.ones((10, 16))).kernels
    assert nest.bytes == (2 + 1 + 2) * 16 * 8


@pytest.mark.parametrize(
    ("function", "group"),
    [
        (lambda x: F.conv2d(x, np.ones((2, 3, 3, 3))), "convolutions"),
        (lambda x: F.pooling(x, 2), "poolings"),
        (lambda x: np.concatenate([x, x]), "copies"),
        (lambda x: np.sort(x, axis=3), "NumPy in between"),
        (lambda x: np.exp(x), "loop nests"),
        (lambda x: F.dropout(x), "other functions"),
        (lambda x: x @ x, "matrix products"),
    ],
)
def test_kinds_of_kernels(function, group):
    x = np.ones((2, 3, 8, 8))
    step = called(compile(function), x)
    if not step.source() and step.all_paths()[0].fallback:
        pytest.skip("there is no C compiler")
    assert group in {k.group for k in step.profile(x).kernels}


def test_numpy_alone_is_not_in_between():
    step = called(compile(np.sort, "numpy"), np.ones(8))
    assert [k.group for k in step.profile(np.ones(8)).kernels] == ["other functions"]


def test_lines_of_the_program(executor):
    def function(x):
        y = np.exp(x)
        return y @ y

    step = called(compile(function, executor), np.ones((4, 4)))
    first = function.__code__.co_firstlineno
    lines = {part.name for part in step.profile(np.ones((4, 4))).by_line()}
    assert lines == {f"test_profile.py:{first + 1}", f"test_profile.py:{first + 2}"}


def lines_of(kernels, first):
    """The operations of each line of a function, counted from its first one."""
    found = {}
    for kernel in kernels:
        (line,) = kernel.lines
        number, _, backward = line.removeprefix("test_profile.py:").partition(" ")
        found.setdefault((int(number) - first, backward), set()).update(kernel.operations)
    return found


def test_gradients_belong_to_the_line_that_they_are_of():
    w = dezero.Parameter(np.linspace(0.1, 1, 5))

    def function():
        y = F.exp(w)
        z = F.sin(y)
        w.cleargrad()
        F.sum(z).backward()
        return w.grad

    step = called(compile(function, "numpy"))
    found = lines_of(step.profile().kernels, function.__code__.co_firstlineno)
    gradients = {(2, "backward"): {"cos", "multiply"}, (1, "backward"): {"multiply"}}
    assert found == {(1, ""): {"exp"}} | gradients


def test_second_derivatives_belong_to_the_line_that_they_are_of():
    def function(x):
        x = dezero.Variable(x)
        y = F.sin(x)
        y.backward(create_graph=True)
        gx = x.grad
        x.cleargrad()
        gx.backward()
        return x.grad

    x = np.linspace(0.1, 1, 5)
    step = called(compile(function, "numpy"), x)
    found = lines_of(step.profile(x).kernels, function.__code__.co_firstlineno)
    assert found[2, "backward"] >= {"cos", "negative"}  # of the first, and of the second
    assert {line for line, operations in found.items() if operations != {"set"}} == {
        (2, ""),
        (2, "backward"),
    }


def test_a_function_that_differentiates_by_others_is_one():
    layer = L.RNN(4, in_size=3)
    x = np.ones((2, 5, 3), np.float32)

    def function(x):
        layer.reset_state()
        y = layer(x)
        layer.cleargrads()
        F.sum(y).backward()
        return [p.grad for p in layer.params()]

    step = called(compile(function, "numpy"), x)
    first = function.__code__.co_firstlineno
    found = lines_of(step.profile(x).kernels, first)
    assert found.keys() <= {(2, ""), (4, ""), (2, "backward"), (4, "backward")}
    assert "tanh" in found[2, ""]
    assert "matmul" in found[2, "backward"]


class Cubed(dezero.Function):
    """A Function of the program: its backward pass has lines of its own."""

    def forward(self, x):
        return x**3

    def backward(self, gy):
        (x,) = self.inputs
        return gy * 3 * x**2


def test_functions_of_the_program_have_lines_of_their_own():
    def function(x):
        x = dezero.Variable(x)
        F.sum(Cubed()(x)).backward()
        return x.grad

    x = np.linspace(0.1, 1, 5)
    step = called(compile(function, "numpy"), x)
    lines = {line for kernel in step.profile(x).kernels for line in kernel.lines}
    assert lines == {f"test_profile.py:{Cubed.backward.__code__.co_firstlineno + 2}"}


def test_the_path_that_a_call_takes(executor):
    def function(x):
        return np.exp(x) if F.sum(x).data > 0 else np.sin(np.cos(x))

    step = called(compile(function, executor), np.ones(5))
    called(step, -np.ones(5))
    called(step, np.ones(6))
    failures = [path.failures for path in step.all_paths()]
    names = [
        [name for k in step.profile(x).kernels for name in k.operations][-1]
        for x in (np.ones(5), -np.ones(5), np.ones(6))
    ]
    assert names == ["exp", "sin", "exp"]
    with pytest.raises(CompileError, match="function has no compiled path for this call"):
        step.profile(np.ones(7))
    with pytest.raises(
        CompileError, match="function has no compiled path for this call; call it so three"
    ):
        step.profile(-np.ones(6))  # a guard does not hold
    assert [path.failures for path in step.all_paths()] == failures


def test_the_configuration_is_that_of_the_call(executor):
    step = compile(F.dropout, executor)
    called(step, X)
    with dezero.test_mode(), pytest.raises(CompileError, match="no compiled path for this call"):
        step.profile(X)
    assert step.profile(X).kernels


def test_arrays_that_were_replaced(executor):
    layer = L.Linear(3, in_size=30, dtype=np.float64)
    step = called(compile(lambda x: layer(x), executor), X)
    layer.W.data = layer.W.data * 2
    before = layer.W.data
    profile = step.profile(X)
    assert [k.kind for k in profile.kernels] == [k.kind for k in step.outline().kernels]
    assert layer.W.data is before


def test_what_has_no_profile_says_why():
    step = compile(lambda x: x + np.random.rand(), "numpy")
    with pytest.raises(
        CompileError, match="no compiled path for this call; call it so three times or more"
    ):
        step.profile(np.ones(2))
    with pytest.warns(CompileWarning):
        for _ in range(4):
            step(np.ones(2))
    with pytest.raises(CompileError, match="has no profile, it runs eagerly: it draws random"):
        step.profile(np.ones(2))


def test_a_call_that_fails(executor):
    step = called(compile(lambda x, i: x[i] * 2, executor), np.ones(5), np.arange(3))
    with pytest.raises(CompileError, match=r"for this call: .*index .*; call it so"):
        step.profile(np.ones(5), np.array([0, 1, 5]))
    assert step.profile(np.ones(5), np.array([0, 1, 4])).kernels


def test_the_text():
    def kernel(number, kind, group, share, flops, lines, operations, moved=0):
        size = "2 x 3 x 4"
        seconds = share * 1e-3
        return KernelProfile(
            number, kind, group, size, share, seconds, flops, moved, operations, lines
        )

    nest = kernel(
        0, "loop nest", "loop nests", 0.2, 4_000, {"a.py:1": 0.75, "a.py:2": 0.25}, ("exp",), 10**6
    )
    product = kernel(
        1, "matrix product", "matrix products", 0.5, 5 * 10**7, {"a.py:2": 1.0}, ("matmul",)
    )
    profile = Profile("step", "C", 2, 30, 1e-3, (nest, product), 0.1, 0.2)
    assert [line.split() for line in str(profile).splitlines()] == [
        "step: C, 2 threads, 1,000.0 us a run (median of 30)".split(),
        [],
        "share time GFLOP/s GB/s kernel kind size line operations".split(),
        "50.0% 500.0 us 100 - 1 matrix product 2 x 3 x 4 a.py:2 matmul".split(),
        "20.0% 200.0 us 0.02 5 0 loop nest 2 x 3 x 4 a.py:1, 2 exp".split(),
        [],
        "share time GFLOP/s kernels line".split(),
        "55.0% 550.0 us 90.9 2 a.py:2".split(),
        "15.0% 150.0 us 0.02 1 a.py:1".split(),
        [],
        "share time GFLOP/s kernels kind".split(),
        "50.0% 500.0 us 100 1 matrix products".split(),
        "20.0% 200.0 us 0.02 1 loop nests".split(),
        f"20.0% 200.0 us - - {PYTHON}".split(),
        f"10.0% 100.0 us - - {WAITING}".split(),
    ]


def test_a_long_text_shows_the_most_expensive_kernels():
    names = tuple(f"operation{k}" for k in range(30))
    kernels = tuple(
        KernelProfile(
            k, "loop nest", "loop nests", "()", k / 300, k * 1e-6, 0, 0, names, {"a:1": 1}
        )
        for k in range(25)
    )
    text = str(Profile("step", "C", 1, 30, 3e-4, kernels, 0.0, 0.0)).splitlines()
    shown = [line.split()[5] for line in text[3:23]]
    assert shown == [str(k) for k in range(24, 4, -1)]
    assert text[23].split() == ["3.3%", *"in 5 more kernels".split()]  # 0 + 1 + 2 + 3 + 4 of 300
    assert text[3].endswith("operation0, operation1, operation2, 27 more")
