"""Kernels of the convolution, of its transpose and of its gradient to the weights, in C.

Arrays are channels-last, (N, *sizes, C), but for the weights: (O, C/G, *kernel).
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from ....arrays.patches import Sizes, Window
from .depthwise import Depthwise, DepthwiseGradient
from .direct import Direct
from .dots import Dots
from .gradients import WeightGradient
from .grids import best_algorithm, grid_of
from .slabs import backward_axes, forward_axes, slab_of
from .tiles import Problem
from .vectors import Body, Kernel, Target, for_targets, itemsize, kind_of, unique_name
from .winograd import winograd
from .winograd_adjoint import Adjoint, adjoint_algorithm
from .winograd_gradients import winograd_gradient

PIXELS = 96  # of a slab, so that weights are not read from memory for a few pixels only
FEW = 4  # outputs for which vectors of inputs may be better
STAGES = {
    "conv": ("pack", "run"),
    "conv_transposed": ("pack", "run"),
    "conv_weights": ("run", "reduce"),
}


def kernel(op: str, shapes: list[Sizes], window: Window, groups: int, dtype: Any) -> Kernel:
    """The kernel of an operation of `arrays.convolution`.

    Args:
        op: "conv" of (x, W, y) or (x, W, b, y); "conv_transposed" of (y, W, x) or (y, W, b, x);
            or "conv_weights" of (x, y, W).
        shapes: Of these arrays, as NumPy has them: (N, C, *sizes).
        window: The geometry.
        groups: Of channels.
        dtype: float32 or float64, a NumPy dtype.
    """
    problem = problem_of(op, shapes, window, groups, dtype)
    gradient = op == "conv_weights"

    def body(target: Target) -> Body:
        if problem.inputs == problem.outputs == 1 < groups:
            if gradient:
                return DepthwiseGradient(problem, target).body()
            backward = op == "conv_transposed"
            return Depthwise(problem.name, backward, shapes, window, problem.kind).body(target)
        return quickest(problem, target, gradient)

    return for_targets(problem.name, STAGES[op], body)


def problem_of(op: str, shapes: list[Sizes], window: Window, groups: int, dtype: Any) -> Problem:
    """What such an operation computes; for the gradient, the convolution that it belongs to."""
    x, W, *bias, y = shapes
    if op == "conv_weights":
        W, y = y, W
    transposed = op == "conv_transposed"
    axes = (backward_axes if transposed else forward_axes)(window, y[2:])
    return Problem(
        name=unique_name(op, shapes, window, groups, np.dtype(dtype).name),
        kind=kind_of(dtype),
        images=x[0],
        groups=groups,
        inputs=x[1] // groups,
        outputs=y[1] // groups,
        sizes=x[2:],
        results=y[2:],
        phases=list(product(*axes)),
        kernel=window.kernel,
        bias=bool(bias),
        transposed=transposed,
    )


def quickest(p: Problem, target: Target, gradient: bool) -> Body:
    """The kernel of those there are that should take the least time."""
    grid = grid_of(p)
    found = best_algorithm(grid) if grid else None
    adjoint = adjoint_algorithm(grid) if grid else None
    if grid and found and gradient:
        return winograd_gradient(grid, target, found[0])
    if gradient:
        return WeightGradient(p, target).body()
    if grid and adjoint and not (found and found[1] <= adjoint[1]):
        return Adjoint(grid, target, adjoint[0]).body()
    if grid and found:
        return winograd(grid, target, found[0])
    slab = slab_of(p.images, p.sizes, p.groups * p.inputs, p.phases, itemsize(p.kind), PIXELS)
    direct = Direct(p, slab, target)
    if p.outputs <= FEW:
        dots = Dots(p, slab, target)
        if dots.cycles < direct.cycles:
            return dots.body()
    return direct.body()
