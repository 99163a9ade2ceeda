"""Recurrent layers: one step a call; the state stays in the layer from call to call.

The graph grows by one step with each call. `loss.unchain_backward()` cuts it behind a loss;
`reset_state()` begins a new sequence.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import functions as F
from ..arrays import namespace
from ..core import Variable, as_variable
from .layer import Layer
from .linear import Linear
from .sizes import positive


class RNN(Layer):
    """h' = tanh(x2h(x) + h2h(h)); at the first step tanh(x2h(x)).

    Args:
        hidden_size: The length of the state, H.
        in_size: The length of an input, I; None takes it from the first call.

    Attributes:
        h: The state, of shape (N, H); None before the first step.
        x2h: Linear, I to H.
        h2h: Linear without bias, H to H. Where in_size is None its weights are drawn when they
            are first needed, in the second step.

    A call takes x of shape (N, I) and returns the new state.

    Raises:
        ShapeError: N changed without `reset_state()`, or the sizes do not fit.

    >>> import numpy as np
    >>> rnn = RNN(5)
    >>> for x in np.ones((3, 2, 4), np.float32):
    ...     h = rnn(x)
    >>> h.shape
    (2, 5)
    """

    h: Variable | None

    def __init__(self, hidden_size: int, in_size: int | None = None) -> None:
        H = positive("RNN", "hidden_size", hidden_size)
        self.x2h = Linear(H, in_size=in_size)
        self.h2h = Linear(H, in_size=None if in_size is None else H, nobias=True)
        self.reset_state()

    def reset_state(self) -> None:
        """Forget the state: the next call is the first step of a sequence."""
        self.h = None

    def forward(self, x: Any) -> Variable:
        a = self.x2h(x)
        self.h = F.tanh(a if self.h is None else a + self.h2h(self.h))
        return self.h

    def sequence(self, xs: Any) -> Variable:
        """All steps of a sequence in one op: the states that T calls return, stacked.

        Args:
            xs: Of shape (T, N, I).

        Returns:
            (T, N, H); the state goes on from the last step.

        >>> import numpy as np
        >>> RNN(5, in_size=4).sequence(np.ones((3, 2, 4), np.float32)).shape
        (3, 2, 5)
        """
        ready([self.x2h], [self.h2h], xs)
        h = zeros(self.h2h, xs) if self.h is None else self.h
        hs = F.rnn(xs, h, self.x2h.W, self.x2h.b, self.h2h.W)
        self.h = hs[-1]
        return hs


class LSTM(Layer):
    """Long short-term memory: gates f, i, o decide what the cell keeps, takes in and shows.

    f, i, o = sigmoid(x2f(x) + h2f(h)), ..., u = tanh(x2u(x) + h2u(h)),
    c' = f c + i u, h' = o tanh(c'). The terms of h and c are left out in the first step.

    Args:
        hidden_size: The length of the state, H.
        in_size: The length of an input, I; None takes it from the first call.

    Attributes:
        h: The output of the last step, of shape (N, H); None before the first.
        c: The cell, of shape (N, H); None before the first step.
        x2f, x2i, x2o, x2u: Linear, I to H.
        h2f, h2i, h2o, h2u: Linear without bias, H to H.

    A call takes x of shape (N, I) and returns the new h.

    Raises:
        ShapeError: N changed without `reset_state()`, or the sizes do not fit.

    Source:
        Hochreiter and Schmidhuber 1997; Gers, Schmidhuber and Cummins 2000.

    >>> import numpy as np
    >>> lstm = LSTM(5)
    >>> lstm(np.ones((2, 4), np.float32)).shape
    (2, 5)
    """

    h: Variable | None
    c: Variable | None

    def __init__(self, hidden_size: int, in_size: int | None = None) -> None:
        H = positive("LSTM", "hidden_size", hidden_size)
        self.x2f = Linear(H, in_size=in_size)
        self.x2i = Linear(H, in_size=in_size)
        self.x2o = Linear(H, in_size=in_size)
        self.x2u = Linear(H, in_size=in_size)
        self.h2f = Linear(H, in_size=H, nobias=True)
        self.h2i = Linear(H, in_size=H, nobias=True)
        self.h2o = Linear(H, in_size=H, nobias=True)
        self.h2u = Linear(H, in_size=H, nobias=True)
        self.reset_state()

    def reset_state(self) -> None:
        """Forget the state: the next call is the first step of a sequence."""
        self.h = None
        self.c = None

    def forward(self, x: Any) -> Variable:
        f, i, o, u = self.x2f(x), self.x2i(x), self.x2o(x), self.x2u(x)
        if self.h is not None:
            f, i = f + self.h2f(self.h), i + self.h2i(self.h)
            o, u = o + self.h2o(self.h), u + self.h2u(self.h)
        f, i, o, u = F.sigmoid(f), F.sigmoid(i), F.sigmoid(o), F.tanh(u)
        self.c = i * u if self.c is None else f * self.c + i * u
        self.h = o * F.tanh(self.c)
        return self.h

    def sequence(self, xs: Any) -> Variable:
        """All steps of a sequence in one op: what T calls return, stacked.

        Args:
            xs: Of shape (T, N, I).

        Returns:
            (T, N, H); h and c go on from the last step.

        >>> import numpy as np
        >>> LSTM(5).sequence(np.ones((3, 2, 4), np.float32)).shape
        (3, 2, 5)
        """
        inputs = [self.x2f, self.x2i, self.x2o, self.x2u]
        states = [self.h2f, self.h2i, self.h2o, self.h2u]
        ready(inputs, states, xs)
        h = zeros(self.h2f, xs) if self.h is None else self.h
        c = zeros(self.h2f, xs) if self.c is None else self.c
        Wx, b = F.concat([x.W for x in inputs], axis=1), F.concat([x.b for x in inputs])
        hs, self.c = F.lstm(xs, h, c, Wx, b, F.concat([x.W for x in states], axis=1))
        self.h = hs[-1]
        return hs


class GRU(Layer):
    """Gated recurrent unit: r decides what of the state is read, z what of it is kept.

    r = sigmoid(x2r(x) + h2r(h)), z = sigmoid(x2z(x) + h2z(h)),
    n = tanh(x2n(x) + r * h2n(h)), h' = (1 - z) n + z h, with h = 0 before the first step.

    This is the variant that cuDNN and PyTorch compute: r multiplies after the product with
    h2n's weights, and h2n has a bias of its own; the published one applies r to h itself, and
    swaps z and 1 - z.

    Args:
        hidden_size: The length of the state, H.
        in_size: The length of an input, I; None takes it from the first call.

    Attributes:
        h: The state, of shape (N, H); None before the first step.
        x2r, x2z, x2n: Linear, I to H.
        h2r, h2z: Linear without bias, H to H.
        h2n: Linear, H to H.

    A call takes x of shape (N, I) and returns the new state.

    Raises:
        ShapeError: N changed without `reset_state()`, or the sizes do not fit.

    Source:
        Cho et al. 2014, arXiv:1406.1078.

    >>> import numpy as np
    >>> gru = GRU(5)
    >>> gru(np.ones((2, 4), np.float32)).shape
    (2, 5)
    """

    h: Variable | None

    def __init__(self, hidden_size: int, in_size: int | None = None) -> None:
        H = positive("GRU", "hidden_size", hidden_size)
        self.x2r = Linear(H, in_size=in_size)
        self.x2z = Linear(H, in_size=in_size)
        self.x2n = Linear(H, in_size=in_size)
        self.h2r = Linear(H, in_size=H, nobias=True)
        self.h2z = Linear(H, in_size=H, nobias=True)
        self.h2n = Linear(H, in_size=H)
        self.reset_state()

    def reset_state(self) -> None:
        """Forget the state: the next call is the first step of a sequence."""
        self.h = None

    def forward(self, x: Any) -> Variable:
        n = self.x2n(x)
        h: Any = self.h
        if h is None:
            h = namespace(n.data).zeros(n.shape, n.dtype)
        r = F.sigmoid(self.x2r(x) + self.h2r(h))
        z = F.sigmoid(self.x2z(x) + self.h2z(h))
        n = F.tanh(n + r * self.h2n(h))
        self.h = n + z * (h - n)
        return self.h


def ready(inputs: list[Linear], states: list[Linear], xs: Any) -> None:
    """Give the layers their weights, in the order in which step by step calls draw them."""
    data = as_variable(xs).data
    for layer in inputs:
        layer.prepare(data.shape[-1], data)
    for layer in states:
        layer.prepare(layer.out_size, data)


def zeros(state: Linear, xs: Any) -> Any:
    """The state before the first step of sequences xs."""
    W = state.W.data
    return namespace(W).zeros((np.shape(xs)[1], len(W)), W.dtype)
