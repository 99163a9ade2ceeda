"""Single operations and small graphs: what recording and walking back cost."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..row import OURS, Row, Setup, Step

ADD = Row(
    "add",
    "`a + b`",
    "Adds two arrays of 10 float32 numbers that need gradients, and records it.",
    goals={"torch": 0.5},
    absent={
        "jax": "records nothing outside `grad`",
        "jax.jit": "records nothing outside `grad`",
        "tinygrad.jit": "an addition alone has nothing to compile",
        "torch.compile": "an addition alone has nothing to compile",
    },
)

SEED = Row(
    "seed",
    "`((x ** 2).exp()) ** 2`",
    "Forward and backward through this graph of one float64 number.",
    goals={"torch": 0.25, "autograd": 0.3, "mygrad": 0.3, "original": 0.3},
    tolerance=1e-10,
)

CHAIN = Row(
    "chain",
    "100 additions",
    "`y = y + b`, 100 times on arrays of 10 float32 numbers, their sum, and backward.",
    goals={"torch": 0.55},
    size=100,
    quick_size=100,
    absent={
        "jax.jit": "a compiler finds that this gradient is a constant",
        "tinygrad.jit": "a compiler finds that this gradient is a constant",
        "torch.compile": "a compiler finds that this gradient is a constant",
    },
)

ROWS = [ADD, SEED, CHAIN]


def ten() -> Any:
    """Ten float32 numbers."""
    return np.linspace(0, 1, 10, dtype=np.float32)


@ADD.on("ours", "original")
def add_dezero(setup: Setup) -> Step:
    from dezero import Variable

    a, b = Variable(ten()), Variable(ten())
    return lambda: a + b


@ADD.on("torch")
def add_torch(setup: Setup) -> Step:
    import torch

    a, b = (torch.tensor(ten(), requires_grad=True) for _ in range(2))
    return lambda: a + b


@ADD.on("autograd")
def add_autograd(setup: Setup) -> Step:
    from autograd.core import VJPNode
    from autograd.tracer import new_box

    a, b = (new_box(ten(), 0, VJPNode.new_root()) for _ in range(2))
    return lambda: (a + b)._value


@ADD.on("mygrad")
def add_mygrad(setup: Setup) -> Step:
    import mygrad

    a, b = mygrad.tensor(ten()), mygrad.tensor(ten())
    return lambda: a + b


@ADD.on("tinygrad")
def add_tinygrad(setup: Setup) -> Step:
    from tinygrad import Tensor

    a, b = Tensor(ten()).realize(), Tensor(ten()).realize()
    return lambda: (a + b).realize()


@SEED.on(*OURS, "original")
def seed_dezero(setup: Setup) -> Step:
    import dezero.functions as F
    from dezero import Variable

    x = Variable(np.array(0.5))

    def step() -> Any:
        x.cleargrad()
        y = F.exp(x**2) ** 2
        y.backward()
        return x.grad

    return setup.wrap(step)


@SEED.on("torch", "torch.compile")
def seed_torch(setup: Setup) -> Step:
    import torch

    x = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    forward = setup.wrap(lambda x: (x**2).exp() ** 2)

    def step() -> Any:
        x.grad = None
        forward(x).backward()
        return x.grad

    return step


@SEED.on("autograd")
def seed_autograd(setup: Setup) -> Step:
    import autograd
    import autograd.numpy as anp

    gradient = autograd.grad(lambda x: anp.exp(x**2) ** 2)
    return lambda: gradient(0.5)


@SEED.on("mygrad")
def seed_mygrad(setup: Setup) -> Step:
    import mygrad

    x = mygrad.tensor(0.5)

    def step() -> Any:
        y = mygrad.exp(x**2) ** 2
        y.backward()
        return x.grad  # the next use of x clears it

    return step


@SEED.on("jax", "jax.jit")
def seed_jax(setup: Setup) -> Step:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    gradient = setup.wrap(jax.grad(lambda x: jnp.exp(x**2) ** 2))
    x = jnp.asarray(0.5)
    return lambda: gradient(x)


@SEED.on("tinygrad", "tinygrad.jit")
def seed_tinygrad(setup: Setup) -> Step:
    from tinygrad import Tensor, dtypes

    x = Tensor([0.5], dtype=dtypes.float64).realize()

    def gradient() -> Any:
        y = ((x**2).exp() ** 2).sum()
        return y.gradient(x)[0].realize()

    return setup.wrap(gradient)


def chain_dezero(setup: Setup) -> Step:
    """`size` additions and the way back."""
    import dezero.functions as F
    from dezero import Variable

    a, b = Variable(ten()), Variable(ten())

    def step() -> Any:
        a.cleargrad()
        b.cleargrad()
        y = a
        for _ in range(setup.size):
            y = y + b
        F.sum(y).backward()
        return b.grad

    return setup.wrap(step)


def chain_torch(setup: Setup) -> Step:
    """`size` additions and the way back."""
    import torch

    a, b = (torch.tensor(ten(), requires_grad=True) for _ in range(2))

    def forward(y: Any, b: Any) -> Any:
        for _ in range(setup.size):
            y = y + b
        return y.sum()

    def step() -> Any:
        a.grad = b.grad = None
        forward(a, b).backward()
        return b.grad

    return step


def chain_autograd(setup: Setup) -> Step:
    """`size` additions and the way back."""
    import autograd
    import autograd.numpy as anp

    def forward(arrays: Any) -> Any:
        y, b = arrays
        for _ in range(setup.size):
            y = y + b
        return anp.sum(y)

    gradient = autograd.grad(forward)
    a, b = ten(), ten()
    return lambda: gradient((a, b))[1]


def chain_mygrad(setup: Setup) -> Step:
    """`size` additions and the way back."""
    import mygrad

    a, b = mygrad.tensor(ten()), mygrad.tensor(ten())

    def step() -> Any:
        y = a
        for _ in range(setup.size):
            y = y + b
        y.sum().backward()
        return b.grad

    return step


def chain_jax(setup: Setup) -> Step:
    """`size` additions and the way back."""
    import jax
    import jax.numpy as jnp

    def forward(y: Any, b: Any) -> Any:
        for _ in range(setup.size):
            y = y + b
        return y.sum()

    gradient = jax.grad(forward, argnums=(0, 1))
    a, b = jnp.asarray(ten()), jnp.asarray(ten())
    return lambda: gradient(a, b)[1]


def chain_tinygrad(setup: Setup) -> Step:
    """`size` additions and the way back."""
    from tinygrad import Tensor

    a, b = Tensor(ten()).realize(), Tensor(ten()).realize()

    def gradients() -> Any:
        y = a
        for _ in range(setup.size):
            y = y + b
        ga, gb = y.sum().gradient(a, b)
        Tensor.realize(ga, gb)
        return gb

    return gradients


CHAIN.on("ours", "original")(chain_dezero)
CHAIN.on("torch")(chain_torch)
CHAIN.on("autograd")(chain_autograd)
CHAIN.on("mygrad")(chain_mygrad)
CHAIN.on("jax")(chain_jax)
CHAIN.on("tinygrad")(chain_tinygrad)
