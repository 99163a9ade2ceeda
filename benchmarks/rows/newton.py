"""Newton's method: derivatives of derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..row import OURS, Row, Setup, Step

NEWTON = Row(
    "newton",
    "Rosenbrock by Newton",
    "A step of Newton's method on Rosenbrock's function of two float64 numbers: its gradient, the "
    "gradient of each of its parts, and the solution of two equations.",
    compiled_goals={"torch": 0.05, "jax.jit": 0.5},
    threads=(1, 2),
    tolerance=1e-8,
    absent={"torch.compile": "has no derivatives of derivatives"},
)

ROWS = [NEWTON]
START = (-1.2, 1.0)


def rosenbrock(x: Any, y: Any) -> Any:
    """Zero at (1, 1), along a narrow curved valley."""
    return 100 * (y - x**2) ** 2 + (x - 1) ** 2


def solved(gx: Any, gy: Any, xx: Any, xy: Any, yy: Any) -> tuple[Any, Any]:
    """The step from the gradient and the matrix of second derivatives, by Cramer's rule."""
    determinant = xx * yy - xy * xy
    return (gx * yy - gy * xy) / determinant, (gy * xx - gx * xy) / determinant


@NEWTON.on(*OURS, "original")
def newton_dezero(setup: Setup) -> Step:
    from dezero import Variable

    x, y = (Variable(np.array(number)) for number in START)

    def step() -> Any:
        x.cleargrad()
        y.cleargrad()
        rosenbrock(x, y).backward(create_graph=True)
        gx, gy = x.grad, y.grad
        x.cleargrad()
        y.cleargrad()
        gx.backward(retain_grad=False)
        xx, xy = x.grad.data, y.grad.data
        y.cleargrad()
        gy.backward()
        dx, dy = solved(gx.data, gy.data, xx, xy, y.grad.data)
        x.data = x.data - dx
        y.data = y.data - dy
        return x

    return setup.wrap(step)


@NEWTON.on("torch")
def newton_torch(setup: Setup) -> Step:
    import torch

    x, y = (torch.tensor(number, dtype=torch.float64, requires_grad=True) for number in START)

    def step() -> Any:
        gx, gy = torch.autograd.grad(rosenbrock(x, y), (x, y), create_graph=True)
        xx, xy = torch.autograd.grad(gx, (x, y), retain_graph=True)
        (yy,) = torch.autograd.grad(gy, (y,))
        with torch.no_grad():
            dx, dy = solved(gx, gy, xx, xy, yy)
            x.sub_(dx)
            y.sub_(dy)
        return x

    return step


@NEWTON.on("jax.jit")
def newton_jax(setup: Setup) -> Step:
    import jax

    jax.config.update("jax_enable_x64", True)

    @setup.wrap
    def update(x: Any, y: Any) -> Any:
        gx, gy = jax.grad(rosenbrock, (0, 1))(x, y)
        (xx, xy), (_, yy) = jax.hessian(rosenbrock, (0, 1))(x, y)
        dx, dy = solved(gx, gy, xx, xy, yy)
        return x - dx, y - dy

    x, y = jax.device_put([np.array(number) for number in START])

    def step() -> Any:
        nonlocal x, y
        x, y = update(x, y)
        return x

    return step
