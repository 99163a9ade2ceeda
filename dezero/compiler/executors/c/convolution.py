"""Kernels of the convolution, of its transpose and of its gradient to the weights, in C.

Arrays are channels-last, (N, *sizes, C), but for the weights: (O, C/G, *kernel).
"""

from __future__ import annotations

from itertools import product
from typing import Any

from ....arrays.patches import Sizes, Window
from .direct import Direct
from .dots import Dots
from .gradients import weight_gradient
from .slabs import backward_axes, forward_axes
from .tiles import Problem
from .vectors import Body, Kernel, Target, for_targets, kind_of, unique_name

FEW = 4  # outputs for which vectors of inputs may be better


def kernel(op: str, shapes: list[Sizes], window: Window, groups: int, dtype: Any) -> Kernel:
    """The kernel of an operation of `arrays.convolution`.

    Args:
        op: "conv", "conv_transposed" or "conv_weights".
        shapes: Of the inputs, then of the output, as NumPy has them: (N, C, *sizes).
        window: The geometry.
        groups: Of channels.
        dtype: float32 or float64, a NumPy dtype.
    """
    return OPS[op](shapes, window, groups, dtype)


def quickest(problem: Problem, target: Target) -> Body:
    """The kernel of those there are that should take the least time."""
    found = Direct(problem, target)
    if problem.outputs <= FEW:
        dots = Dots(problem, target)
        if dots.cycles < found.cycles:
            return dots.body()
    return found.body()


def conv(shapes: list[Sizes], window: Window, groups: int, dtype: Any) -> Kernel:
    """(x, W, y) or (x, W, b, y)."""
    x, W, *bias, y = shapes
    name = unique_name("conv", shapes, window, groups, dtype)
    problem = Problem(
        name,
        kind_of(dtype),
        x[0],
        groups,
        W[1],
        W[0] // groups,
        x[2:],
        y[2:],
        list(product(*forward_axes(window, y[2:]))),
        window.kernel,
        bool(bias),
        False,
    )
    return for_targets(name, ("pack", "run"), lambda target: quickest(problem, target))


def conv_transposed(shapes: list[Sizes], window: Window, groups: int, dtype: Any) -> Kernel:
    """(y, W, x) or (y, W, b, x)."""
    y, W, *bias, x = shapes
    name = unique_name("conv_transposed", shapes, window, groups, dtype)
    problem = Problem(
        name,
        kind_of(dtype),
        y[0],
        groups,
        W[0] // groups,
        W[1],
        y[2:],
        x[2:],
        list(product(*backward_axes(window, x[2:]))),
        window.kernel,
        bool(bias),
        True,
    )
    return for_targets(name, ("pack", "run"), lambda target: quickest(problem, target))


def conv_weights(shapes: list[Sizes], window: Window, groups: int, dtype: Any) -> Kernel:
    """(x, y, gW)."""
    x, y, W = shapes
    name = unique_name("conv_weights", shapes, window, groups, dtype)
    problem = Problem(
        name,
        kind_of(dtype),
        x[0],
        groups,
        W[1],
        W[0] // groups,
        x[2:],
        y[2:],
        list(product(*forward_axes(window, y[2:]))),
        window.kernel,
        False,
        False,
    )
    return for_targets(name, ("run", "reduce"), lambda target: weight_gradient(problem, target))


OPS = {"conv": conv, "conv_transposed": conv_transposed, "conv_weights": conv_weights}
