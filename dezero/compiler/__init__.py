"""The compiler: from a run to one native step.

`compile` keeps the meaning of a function and removes its cost. A real run of it is traced
(`trace`): what it computes goes onto a tape (`tracing`), what it reads and changes is found by
where it is (`state`). The tape is planned (`planning`) and replayed by NumPy or by C
(`executors`). A `path` is one way through the function; `step` decides which is taken.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from ..errors import CompileError
from .executors.c.executor import CExecutor
from .executors.numpy import Executor
from .path import CompileWarning
from .profile import Profile
from .step import Step

__all__ = ["CompileError", "CompileWarning", "Profile", "Step", "compile"]


def compile(function: Callable[..., Any], executor: Literal["c", "numpy"] = "c") -> Step:
    """A function that means the same as `function`, and costs less; also a decorator.

    The first call runs eagerly, the next two are traced, and from then on the step is replayed
    without Python in between: in NumPy until the C compiler is done, then in C. Values that the
    function decides upon are guards: where one differs, the call is traced anew, and both ways
    are kept. What can't be compiled runs eagerly, with a CompileWarning that says why.

    Args:
        function: Takes and returns anything; a training step, a model, a method.
        executor: "c", or "numpy" to stay with NumPy where there is a C compiler as well.

    Returns:
        What is called as function is. `report()` tells what became of it, `profile()` where its
        time goes; `source()` gives the C, `wait()` returns when the C compiler has nothing to do
        any more.

    >>> import numpy as np
    >>> import dezero.functions as F
    >>> step = compile(lambda x: F.exp(-x * x), executor="numpy")
    >>> for _ in range(5):
    ...     y = step(np.array([0.0, 1.0]))
    >>> y
    variable([1.         0.36787944])
    """
    return Step(function, {"c": CExecutor, "numpy": Executor}[executor])
