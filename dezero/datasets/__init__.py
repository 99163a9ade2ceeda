"""Data sets: numbered pairs of an input and its target."""

from dezero.datasets.base import Dataset
from dezero.datasets.digits import Digits
from dezero.datasets.mnist import MNIST, FashionMNIST

__all__ = ["MNIST", "Dataset", "Digits", "FashionMNIST"]
