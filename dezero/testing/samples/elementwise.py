"""Samples of the elementwise ops."""

import numpy as np

from ..catalogue import Op, Sample, drawn


def unary(name, reference, integers="float", low=-2.0, high=2.0):
    """An op of one operand, whose derivatives of every order are defined on [low, high]."""
    return Op(
        name,
        reference,
        samples=tuple(Sample((drawn(*s, low=low, high=high),)) for s in ((3, 4), (), (2, 1, 3))),
        integers=integers,
        empty=(Sample((np.ones((0, 2)),)), (0, 2)),
    )


OPS = (
    unary("exp", np.exp),
    unary("expm1", np.expm1),
    unary("log", np.log, low=0.5, high=3.0),
    unary("log1p", np.log1p, low=-0.5, high=3.0),
    unary("sqrt", np.sqrt, low=0.5, high=3.0),
    unary("square", np.square, integers="same"),
    unary("sin", np.sin),
    unary("cos", np.cos),
    unary("tan", np.tan, low=-1.0, high=1.0),
    unary("tanh", np.tanh),
)
