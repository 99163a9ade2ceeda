"""Graphs of up to a million nodes: time and memory of a node, at every size."""

from __future__ import annotations

from typing import Any

from ..row import Row, Setup, Step
from .operations import chain_autograd, chain_dezero, chain_mygrad, chain_torch, ten

SIZES = {"1e3": 1_000, "1e5": 100_000, "1e6": 1_000_000}
SLOW = {"original": chain_dezero, "autograd": chain_autograd, "mygrad": chain_mygrad}
FLAT = 1.3  # goal: the dearest size's node costs at most so many times the cheapest's

COMPILERS = "a chain of additions is one instruction to a compiler"
TOO_SLOW = "too slow here, as the row of 100 additions shows"
LONG = "too slow here, as the row of 100,000 nodes shows"
ABSENT = {
    "jax": TOO_SLOW,
    "jax.jit": COMPILERS,
    "tinygrad": TOO_SLOW,
    "tinygrad.jit": COMPILERS,
    "torch.compile": COMPILERS,
}

NODES = [
    Row(
        f"nodes-{name}",
        f"a node of {size:,}",
        f"A chain of {size:,} additions of 10 float32 numbers, built, walked back and freed: "
        "its time divided by its length.",
        size=size,
        quick_size=1_000,
        shared=True,
        absent=ABSENT | (dict.fromkeys(SLOW, LONG) if size > 100_000 else {}),
    )
    for name, size in SIZES.items()
]

MEMORY = Row(
    "node-memory",
    "memory of a node",
    "The memory that a recorded chain of 100,000 additions of 10 float32 numbers holds, "
    "results included, divided by its length.",
    size=100_000,
    quick_size=10_000,
    shared=True,
    measure="memory",
    absent=ABSENT,
)

ROWS = [*NODES, MEMORY]

for row in NODES:
    row.on("ours")(chain_dezero)
    row.on("torch")(chain_torch)
    for column, case in SLOW.items():
        if column not in row.absent:
            row.on(column)(case)


@MEMORY.on("ours", "original")
def held_dezero(setup: Setup) -> Step:
    from dezero import Variable

    def step() -> Any:
        a, b = Variable(ten()), Variable(ten())
        for _ in range(setup.size):
            a = a + b
        return a

    return step


@MEMORY.on("torch")
def held_torch(setup: Setup) -> Step:
    import torch

    def step() -> Any:
        a, b = (torch.tensor(ten(), requires_grad=True) for _ in range(2))
        for _ in range(setup.size):
            a = a + b
        return a

    return step


@MEMORY.on("mygrad")
def held_mygrad(setup: Setup) -> Step:
    import mygrad

    def step() -> Any:
        a, b = mygrad.tensor(ten()), mygrad.tensor(ten())
        for _ in range(setup.size):
            a = a + b
        return a

    return step
