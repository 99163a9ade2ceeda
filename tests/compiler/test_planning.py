"""The plan: what is left out, what becomes one nest, and that nothing alive is written over."""

import numpy as np
import pytest

import dezero.functions as F
from dezero.compiler import compile
from dezero.compiler.executors.c.executor import CExecutor
from dezero.compiler.planning.fuse import along, refinement
from dezero.compiler.planning.layout import last, order_of
from dezero.compiler.planning.memory import FreeList


def executor(function, *args):
    """The C executor of a function's path."""
    step = compile(function)
    for _ in range(4):
        step(*args)
        step.wait()
    (path,) = step.all_paths()
    if not isinstance(path.executor, CExecutor):
        pytest.skip("no C compiler")
    return path.executor


def nests(function, *args):
    """The operations of each nest."""
    found = executor(function, *args)
    return [
        [found.nodes[i].op or found.nodes[i].kind for i in n.members] for n in found.schedule.nests
    ]


X = np.random.default_rng(0).normal(size=(8, 16))


def test_softmax_is_one_nest():
    assert len(nests(lambda x: F.softmax(x).data, X)) == 1


def test_layer_norm_is_one_nest():
    gamma, beta = np.ones(16), np.zeros(16)
    assert len(nests(lambda x: F.layer_norm(x, gamma, beta).data, X)) == 1


def test_factors_go_into_products():
    found = nests(lambda x: -(x @ x.T) * 3.0, X)
    assert found == [["matmul"]]


def test_sums_of_products_are_one_product():
    found = nests(lambda x: x @ x.T + x[:, ::-1] @ x.T, X)
    assert sorted(op for nest in found for op in nest) == ["cast", "matmul", "matmul"]


def test_loops_that_fill_an_array_do_not_copy_it():
    def function(x):
        hs = np.zeros_like(x)
        h = x[0] * 0
        for t in range(len(x)):
            h = np.tanh(h + x[t])
            hs[t] = h
        return hs

    found = executor(function, X)
    owners = found.schedule.memory.owners
    written = [i for i in owners if found.nodes[i].kind == "set"]
    assert len(written) == len(X)
    assert len({owners[i] for i in written[:-1]}) == 1  # the last is handed out


def test_what_lives_at_once_does_not_share_memory():
    def function(x):
        parts = [np.tanh(x * k) @ x.T for k in range(6)]
        total = parts[0]
        for part in parts[1:]:
            total = np.exp(total * 0.01) @ part
        return total

    found = executor(function, X)
    memory, nodes, roots = found.schedule.memory, found.nodes, found.layout.roots
    order = {n.index: t for t, n in enumerate(found.schedule.nests)}
    home = found.schedule.fusion.home
    begins, ends = {}, {}
    for nest in found.schedule.nests:
        time = order[nest.index]
        for i in nest.members:
            begins[i] = time
            for j in nodes[i].ins:
                ends[roots[j]] = time
    alive = [i for i in begins if memory.owners.get(i) in memory.offsets and i in home]
    for a in alive:
        for b in alive:
            if a < b and memory.owners[a] != memory.owners[b]:
                apart = ends.get(a, 99) < begins[b] or ends.get(b, 99) < begins[a]
                start = [memory.offsets[memory.owners[i]] for i in (a, b)]
                size = [nodes[i].dtype.itemsize * int(np.prod(nodes[i].shape)) for i in (a, b)]
                overlap = start[0] < start[1] + size[1] and start[1] < start[0] + size[0]
                assert apart or not overlap
    assert memory.arena < memory.unshared


def test_free_pieces_are_joined_and_used_again():
    memory = FreeList()
    a, b, c = memory.take(64), memory.take(128), memory.take(64)
    assert (a, b, c) == (0, 64, 192)
    memory.give(a, 64)
    memory.give(b, 128)
    assert memory.take(192) == 0
    memory.give(c, 64)
    assert memory.take(128) == 192
    assert memory.end == 320


def test_domains_are_refined():
    assert refinement((4, 24), (12, 24)) == (4, 12, 24)
    assert refinement((4, 24), (6, 24)) is None
    # (2, 12) walks through the sizes 2, 3, 4 with the steps of its last axis
    assert along((2, 12), (100, 1), (4, 12, 24), 1) == (1, 4, 100)


def test_orders_follow_memory():
    images = np.zeros((2, 5, 6, 3)).transpose(0, 3, 1, 2)
    assert order_of(images) == last(4) == (0, 2, 3, 1)
    assert order_of(np.broadcast_to(np.zeros(3), (4, 3))) == (0, 1)
