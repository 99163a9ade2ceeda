"""Data sets: numbered pairs of an input and its target."""

from dezero.datasets.base import Dataset
from dezero.datasets.digits import Digits

__all__ = ["Dataset", "Digits"]
