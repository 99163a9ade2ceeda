"""Optimizers, hooks on gradients, and schedules of the learning rate."""

from .adaptive import AdaDelta, AdaGrad, Adam, AdamW
from .hooks import ClipGrad, FreezeParam, WeightDecay, clip_grad_norm
from .optimizer import Optimizer
from .schedules import Schedule, StepDecay, WarmupCosine
from .sgd import SGD, MomentumSGD

__all__ = [
    "SGD",
    "AdaDelta",
    "AdaGrad",
    "Adam",
    "AdamW",
    "ClipGrad",
    "FreezeParam",
    "MomentumSGD",
    "Optimizer",
    "Schedule",
    "StepDecay",
    "WarmupCosine",
    "WeightDecay",
    "clip_grad_norm",
]
