"""Recurrent networks over whole sequences: one op for all steps.

The products with the inputs and those of the weights' gradients are one each for all steps; only
what depends on the state is computed step by step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core import Rule, Variable
from ..core.graph import propagate
from ..errors import ShapeError
from .arithmetic import pos
from .joining import concat

__all__ = ["lstm", "rnn"]

Operand = Any  # a Variable, an array or a number; all but Variables are constants


def composed_gradients(
    composition: Callable[..., Any], gys: tuple[Any, ...], inputs: tuple[Any, ...]
) -> tuple[Any, ...]:
    """The inputs' gradients as a graph, by that of a composition of simpler ops."""
    cuts = [pos(x) for x in inputs]
    creators = [x.creator for x in cuts]
    for x in cuts:
        x.creator = None  # the pass ends here
    y = concat([(y * gy).reshape(-1) for y, gy in zip(composition(*cuts), gys, strict=True)]).sum()
    grads, _ = propagate(y, pos(np.ones((), y.dtype)), True, None)
    for x, creator in zip(cuts, creators, strict=True):
        x.creator = creator  # what the pass computed from x, it computed from the input
    return tuple([grads.get(x) for x in cuts])


def check_sizes(xs: Any, h: Any, Wx: Any, b: Any, Wh: Any, gates: int) -> None:
    """Raise ShapeError unless the operands of a recurrent op fit together."""
    if xs.ndim != 3 or not len(xs):
        raise ShapeError("xs must be (T, N, I) with at least one step: write x[np.newaxis] for one")
    H = Wh.shape[0]
    wanted = {
        "h": (xs.shape[1], H),
        "Wx": (xs.shape[2], gates * H),
        "b": (gates * H,),
        "Wh": (H, gates * H),
    }
    for name, x in (("h", h), ("Wx", Wx), ("b", b), ("Wh", Wh)):
        if x.shape != wanted[name]:
            raise ShapeError(f"{name} must be {wanted[name]}")


def rows(xs: Any) -> Any:
    """(T, N, I) as a matrix, (T * N, I)."""
    return xs.reshape(xs.shape[0] * xs.shape[1], xs.shape[2])


def weight_gradients(dz: Any, xs: Any, h: Any, hs: Any) -> tuple[Any, Any, Any]:
    """The gradients of Wx, b and Wh from those of what enters the gates, all steps at once."""
    before = np.concatenate([h[np.newaxis], hs[:-1]])
    return rows(xs).T @ rows(dz), rows(dz).sum(axis=0), rows(before).T @ rows(dz)


class RNN(Rule):
    __slots__ = ("hs",)
    op = "rnn"

    def forward(self, xs, h, Wx, b, Wh):
        check_sizes(xs, h, Wx, b, Wh, 1)
        hs = (rows(xs) @ Wx + b).reshape(*xs.shape[:2], len(b))
        for t in range(len(xs)):
            h = np.tanh(hs[t] + h @ Wh)
            hs[t] = h
        self.hs = hs
        return hs

    def gradient(self, gy, xs, h, Wx, b, Wh):
        if isinstance(xs, Variable):
            return composed_gradients(rnn_steps, (gy,), (xs, h, Wx, b, Wh))
        hs = self.hs
        dz = gy * (1 - hs * hs)  # exact for the last step; the others get what flows back
        back = Wh.T.copy()  # contiguous: it is multiplied with at every step
        for t in range(len(hs) - 1, 0, -1):
            dz[t - 1] += (dz[t] @ back) * (1 - hs[t - 1] * hs[t - 1])
        gWx, gb, gWh = weight_gradients(dz, xs, h, hs)
        gxs = (rows(dz) @ Wx.T).reshape(xs.shape) if self.needs(0) else None
        return gxs, dz[0] @ back, gWx, gb, gWh


def rnn_steps(xs: Any, h: Any, Wx: Any, b: Any, Wh: Any) -> tuple[Any]:
    """The same of simpler ops, step by step."""
    states = []
    for t in range(len(xs.data)):
        h = np.tanh(xs[t] @ Wx + b + h @ Wh)
        states.append(h)
    return (np.stack(states),)


def rnn(xs: Operand, h: Operand, Wx: Operand, b: Operand, Wh: Operand) -> Variable:
    """h_t = tanh(xs_t Wx + b + h_(t-1) Wh) for all steps t.

    Args:
        xs: The inputs, (T, N, I): T steps of N sequences.
        h: The state before the first step, (N, H).
        Wx: (I, H).
        b: (H,).
        Wh: (H, H).

    Returns:
        The states after each step, (T, N, H).

    Raises:
        ShapeError: The sizes do not fit together, or there is no step.

    Gradient:
        To all operands, by backpropagation through time.

    >>> import numpy as np, dezero.functions as F
    >>> F.rnn(np.ones((3, 2, 4)), np.zeros((2, 5)), np.ones((4, 5)), np.zeros(5), np.eye(5)).shape
    (3, 2, 5)
    """
    return RNN()(xs, h, Wx, b, Wh)


class LSTM(Rule):
    __slots__ = ("cs", "gates", "hs")
    op = "lstm"

    def forward(self, xs, h, c, Wx, b, Wh):
        check_sizes(xs, h, Wx, b, Wh, 4)
        if c.shape != h.shape:
            raise ShapeError(f"c must be {h.shape}, as h")
        H = h.shape[1]
        # sigmoid(z) = tanh(z / 2) / 2 + 1 / 2: then one tanh does for all four gates
        halves = np.where(np.arange(4 * H) < 3 * H, 0.5, 1.0).astype(Wx.dtype)
        gates = (rows(xs) @ (Wx * halves) + b * halves).reshape(*xs.shape[:2], 4 * H)
        Wh = Wh * halves
        hs, cs = np.empty_like(gates[..., :H]), np.empty_like(gates[..., :H])
        for t in range(len(xs)):
            z = gates[t]
            z += h @ Wh
            z[...] = np.tanh(z)
            z[:, : 3 * H] *= 0.5
            z[:, : 3 * H] += 0.5
            c = z[:, :H] * c + z[:, H : 2 * H] * z[:, 3 * H :]
            h = z[:, 2 * H : 3 * H] * np.tanh(c)
            cs[t], hs[t] = c, h
        self.gates, self.cs, self.hs = gates, cs, hs
        return hs, c

    def gradient(self, ghs, gc, xs, h, c, Wx, b, Wh):
        if isinstance(xs, Variable):
            return composed_gradients(lstm_steps, (ghs, gc), (xs, h, c, Wx, b, Wh))
        H = h.shape[1]
        f, i, o, u = (self.gates[..., k * H : (k + 1) * H] for k in range(4))
        shown = np.tanh(self.cs)
        before = np.concatenate([c[np.newaxis], self.cs[:-1]])
        # what the gates' and the cell's gradients are multiplied with, for all steps at once
        slopes = np.concatenate(
            [before * f * (1 - f), u * i * (1 - i), shown * o * (1 - o), i * (1 - u * u)], axis=2
        )
        to_cell = o * (1 - shown * shown)
        dz, gh = slopes, 0.0
        back = Wh.T.copy()  # contiguous: it is multiplied with at every step
        for t in range(len(xs) - 1, -1, -1):
            gh = ghs[t] + gh
            gc = gc + gh * to_cell[t]
            dz[t, :, :H] *= gc
            dz[t, :, H : 2 * H] *= gc
            dz[t, :, 2 * H : 3 * H] *= gh
            dz[t, :, 3 * H :] *= gc
            gc = gc * f[t]
            gh = dz[t] @ back
        gWx, gb, gWh = weight_gradients(dz, xs, h, self.hs)
        gxs = (rows(dz) @ Wx.T).reshape(xs.shape) if self.needs(0) else None
        return gxs, gh, gc, gWx, gb, gWh


def lstm_steps(xs: Any, h: Any, c: Any, Wx: Any, b: Any, Wh: Any) -> tuple[Any, Any]:
    """The same of simpler ops, step by step."""
    states, H = [], h.shape[1]
    for t in range(len(xs.data)):
        z = xs[t] @ Wx + b + h @ Wh
        f, i, o = (np.tanh(z[:, k * H : (k + 1) * H] * 0.5) * 0.5 + 0.5 for k in range(3))
        c = f * c + i * np.tanh(z[:, 3 * H :])
        h = o * np.tanh(c)
        states.append(h)
    return np.stack(states), c


def lstm(
    xs: Operand, h: Operand, c: Operand, Wx: Operand, b: Operand, Wh: Operand
) -> tuple[Variable, Variable]:
    """Long short-term memory over all steps t.

    f, i, o, u = xs_t Wx + b + h_(t-1) Wh, side by side;
    c_t = sigmoid(f) c_(t-1) + sigmoid(i) tanh(u), h_t = sigmoid(o) tanh(c_t).

    Args:
        xs: The inputs, (T, N, I): T steps of N sequences.
        h: The output before the first step, (N, H).
        c: The cell before the first step, (N, H).
        Wx: (I, 4 H).
        b: (4 H,).
        Wh: (H, 4 H).

    Returns:
        The outputs of each step, (T, N, H), and the cell after the last, (N, H).

    Raises:
        ShapeError: The sizes do not fit together, or there is no step.

    Gradient:
        To all operands, by backpropagation through time.

    Source:
        Hochreiter and Schmidhuber 1997; Gers, Schmidhuber and Cummins 2000.

    >>> import numpy as np, dezero.functions as F
    >>> h = np.zeros((2, 5))
    >>> hs, c = F.lstm(np.ones((3, 2, 4)), h, h, np.ones((4, 20)), np.zeros(20), np.ones((5, 20)))
    >>> hs.shape, c.shape
    ((3, 2, 5), (2, 5))
    """
    return LSTM()(xs, h, c, Wx, b, Wh)
