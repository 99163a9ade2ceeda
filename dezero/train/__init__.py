"""Training: the loop, what it measured, and how it shows its progress."""

from .history import Epoch, History
from .interrupt import Interrupt
from .loop import evaluate, fit
from .progress import Bar, Lines, Progress, Silent, progress_on

__all__ = [
    "Bar",
    "Epoch",
    "History",
    "Interrupt",
    "Lines",
    "Progress",
    "Silent",
    "evaluate",
    "fit",
    "progress_on",
]
