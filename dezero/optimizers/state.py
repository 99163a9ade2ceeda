"""The state of optimizers: made, and checked when it comes from a file."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from ..arrays import Array, as_numpy, namespace
from ..core import Parameter
from ..errors import described


def zeros(param: Parameter) -> Array:
    """Zeros like a Parameter; float32 for float16, which cannot hold such small numbers."""
    dtype = np.result_type(param.dtype, np.float32)
    return namespace(param.data).zeros_like(param.data, dtype)


@cache
def offset(dtype: np.dtype[Any]) -> float:
    """What makes numbers multiples of up to 1024 times the smallest normal one, added to them."""
    limits = np.finfo(dtype)
    return float(1024 * limits.tiny / limits.eps)


def settle(array: Array, updates: int) -> None:
    """Every 16 updates, make the elements of a state that are next to nothing exactly 0.

    The average of gradients that have become 0 would shrink until it is denormal, and stay so for
    ever: a tenth of the smallest number rounds to 0 and takes nothing off. Processors compute
    with such numbers many times slower. What is 0 afterwards was below 1024 times the smallest
    normal number (1e-35 in float32), so that a learning rate times what stays is normal too; the
    rest changes by less than that.

    >>> state = np.array([0.5, 3e-20, 1e-40], np.float32)
    >>> settle(state, 16)
    >>> state
    array([5.e-01, 3.e-20, 0.e+00], dtype=float32)
    """
    due = updates % 16 == 0
    if due is not False:  # of a traced counter it is a number: one path, which may add 0
        amount = offset(array.dtype) * due
        array += amount
        array -= amount


def read_numbers(
    state: Mapping[str, Array], own: Mapping[str, Any]
) -> tuple[dict[str, int | float], list[str]]:
    """The entries of state that are settings and counters as numbers, and what is wrong."""
    given = {name: np.asarray(x) for name, x in state.items() if "/" not in name}
    problems = [f"{name} is missing" for name in own if name not in given]
    problems += [f"{name} is not expected" for name in given if name not in own]
    wrong = {name: x for name, x in given.items() if x.shape != () or x.dtype.kind not in "iuf"}
    problems += [f"{name} is {described(x)}, but must be one number" for name, x in wrong.items()]
    return {name: x.item() for name, x in given.items() if name not in wrong}, problems


def read_arrays(
    state: Mapping[str, Array], params: Mapping[str, Parameter], names: tuple[str, ...]
) -> tuple[dict[str, list[Array]], list[str]]:
    """The entries of state that are arrays of Parameters, copied, and what is wrong."""
    given: dict[str, dict[str, Array]] = {}
    for key, array in state.items():
        path, slash, name = key.rpartition("/")
        if slash:
            given.setdefault(path, {})[name] = array
    arrays, problems = {}, []
    for path, named in given.items():
        if path not in params:
            problems.append(f"{path} is no Parameter of the target")
        elif set(named) != set(names):
            problems.append(f"{path} has {', '.join(named)}, but must have {', '.join(names)}")
        else:
            arrays[path] = [fitted(params[path], named[name]) for name in names]
            problems += [
                f"{path}/{name} is {described(named[name])}, but must fit {params[path].label()}"
                for name, array in zip(names, arrays[path], strict=True)
                if array is None
            ]
    return arrays, problems


def fitted(param: Parameter, array: Array) -> Array | None:
    """A copy of array as state of param: of its shape, on its device; None where it is not."""
    array = np.array(as_numpy(array))
    if param.data is None:  # not called yet: what it will be shows in the first update
        return array
    if array.shape != param.shape or array.dtype.kind != param.dtype.kind:
        return None
    return namespace(param.data).asarray(array, np.result_type(param.dtype, np.float32))
