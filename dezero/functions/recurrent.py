"""Recurrent networks over whole sequences: one op for all steps.

In a step the state, the input and a one, side by side, are multiplied with a matrix for each
gate. The matrices are small and what a step works on stays in the cache; results are written
into memory that is there already, as new pages cost more than the arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from ..arrays import ones_like
from ..arrays.memory import empty_for
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
    grads, _ = propagate(y, pos(ones_like(y.data)), True, None)
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


class Sequence(Rule):
    """What recurrent ops share: operands and weights put together, and taken apart again."""

    __slots__ = ("joined",)
    order: ClassVar[tuple[int, ...]]  # where each gate's columns are in the weights

    def columns(self, H):
        return [slice(k * H, (k + 1) * H) for k in self.order]

    def join(self, xs, h, Wx, b, Wh):
        """[h, x, 1] of each step, (T + 1, N, K), and [Wh, Wx, b] of each gate, (G, K, H)."""
        T, N, I = xs.shape
        H = len(Wh)
        joined = empty_for((T + 1, N, H + I + 1), xs, h, Wx, b, Wh)
        joined[0, :, :H], joined[:T, :, H:-1], joined[..., -1] = h, xs, 1
        weights = empty_for((len(self.order), H + I + 1, H), joined)
        for W, columns in zip(weights, self.columns(H), strict=True):
            W[:H], W[H:-1], W[-1] = Wh[:, columns], Wx[:, columns], b[columns]
        self.joined = joined
        return joined, weights

    def transposed(self, Wh):
        """The weights that carry the gradient from each gate to the state before, (G, H, H)."""
        H = len(Wh)
        back = empty_for((len(self.order), H, H), Wh)
        for W, columns in zip(back, self.columns(H), strict=True):
            W[...] = Wh[:, columns].T  # a copy: it is multiplied with at every step
        return back

    def gradients(self, dz, Wx):
        """Those of xs, Wx, b and Wh from those of what enters the gates, (G, T, N, H)."""
        G, T, N, H = dz.shape
        rows = self.joined[:T].reshape(T * N, self.joined.shape[2])
        dz = dz.reshape(G, T * N, H)
        gW = empty_for((rows.shape[1], G * H), dz)  # (H + I + 1, G * H)
        gxs: Any = 0.0
        for d, columns in zip(dz, self.columns(H), strict=True):
            gW[:, columns] = rows.T @ d
            if self.needs(0):
                gxs = gxs + d @ Wx[:, columns].T
        gxs = gxs.reshape(T, N, len(Wx)) if self.needs(0) else None
        return gxs, gW[H:-1], gW[-1], gW[:H]


class RNN(Sequence):
    __slots__ = ()
    op = "rnn"
    order = (0,)

    def forward(self, xs, h, Wx, b, Wh):
        check_sizes(xs, h, Wx, b, Wh, 1)
        joined, weights = self.join(xs, h, Wx, b, Wh)
        hs = joined[1:, :, : len(Wh)]
        z = empty_for(h.shape, joined)
        for t in range(len(xs)):
            np.matmul(joined[t], weights[0], out=z)
            np.tanh(z, out=hs[t])
        return hs.copy()

    def gradient(self, gy, xs, h, Wx, b, Wh):
        if isinstance(xs, Variable):
            return composed_gradients(rnn_steps, (gy,), (xs, h, Wx, b, Wh))
        hs, back = self.joined[1:, :, : len(Wh)], self.transposed(Wh)
        dz = empty_for((1, *gy.shape), gy, hs)
        gh = empty_for(h.shape, dz)
        gh[...] = 0
        for t in range(len(xs) - 1, -1, -1):
            d = dz[0, t]
            gh += gy[t]
            np.multiply(hs[t], hs[t], out=d)
            np.subtract(1, d, out=d)
            d *= gh
            np.matmul(d, back[0], out=gh)
        gxs, gWx, gb, gWh = self.gradients(dz, Wx)
        return gxs, gh, gWx, gb, gWh


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


class LSTM(Sequence):
    __slots__ = ("cells", "gates")
    op = "lstm"
    order = (2, 0, 1, 3)  # o, f, i, u: first the sigmoids

    def forward(self, xs, h, c, Wx, b, Wh):
        check_sizes(xs, h, Wx, b, Wh, 4)
        if c.shape != h.shape:
            raise ShapeError(f"c must be {h.shape}, as h")
        joined, weights = self.join(xs, h, Wx, b, Wh)
        weights[:3] *= 0.5  # sigmoid(z) = tanh(z / 2) / 2 + 1 / 2: one tanh does for all gates
        hs = joined[1:, :, : len(Wh)]
        gates = empty_for((len(xs), 4, *h.shape), joined)
        cells = empty_for((len(joined), *c.shape), joined, c)
        cells[0] = c
        product = empty_for(c.shape, cells)
        for t in range(len(xs)):
            z, c = gates[t], cells[t + 1]
            np.matmul(joined[t], weights, out=z)
            np.tanh(z, out=z)
            sigmoids, (o, f, i, u) = z[:3], z
            sigmoids *= 0.5
            sigmoids += 0.5
            np.multiply(f, cells[t], out=c)
            np.multiply(i, u, out=product)
            c += product
            np.tanh(c, out=product)
            np.multiply(o, product, out=hs[t])
        self.gates, self.cells = gates, cells
        return hs.copy(), cells[-1].copy()

    def gradient(self, ghs, gc, xs, h, c, Wx, b, Wh):
        if isinstance(xs, Variable):
            return composed_gradients(lstm_steps, (ghs, gc), (xs, h, c, Wx, b, Wh))
        dz = empty_for((4, *ghs.shape), ghs, gc, self.gates)
        back, parts = self.transposed(Wh), empty_for((4, *h.shape), dz)
        gh, carried, *scratch = [empty_for(h.shape, dz) for _ in range(5)]
        gh[...], carried[...] = 0, gc
        for t in range(len(xs) - 1, -1, -1):
            gh += ghs[t]
            d = dz[:, t]
            self.step_back(t, d, gh, carried, *scratch)
            np.matmul(d, back, out=parts)
            np.add.reduce(parts, axis=0, out=gh)
        gxs, gWx, gb, gWh = self.gradients(dz, Wx)
        return gxs, gh, carried, gWx, gb, gWh

    def step_back(self, t, d, gh, gc, a, b, shown):
        """From the gradients of step t's h and c to those of its gates, d, and of the c before."""
        gates = self.gates[t]
        o, f, i, u = gates
        np.subtract(1, gates[:3], out=d[:3])
        np.tanh(self.cells[t + 1], out=shown)
        np.multiply(gh, o, out=a)
        np.multiply(a, shown, out=b)
        d[0] *= b  # gh tanh(c) o (1 - o)
        b *= shown
        a -= b
        gc += a  # gh o (1 - tanh(c)^2)
        np.multiply(gc, i, out=a)
        np.multiply(u, u, out=d[3])
        np.subtract(1, d[3], out=d[3])
        d[2:] *= a  # gc i (1 - u^2)
        d[2] *= u  # gc u i (1 - i)
        gc *= f
        d[1] *= gc
        d[1] *= self.cells[t]  # gc c f (1 - f)


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
