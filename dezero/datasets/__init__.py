"""Data sets: numbered pairs of an input and its target."""

from dezero.datasets.base import Dataset
from dezero.datasets.cifar import CIFAR10, CIFAR100
from dezero.datasets.digits import Digits
from dezero.datasets.imagenet import ImageNet
from dezero.datasets.mnist import MNIST, FashionMNIST
from dezero.datasets.npz_cache import load_cache_npz, save_cache_npz
from dezero.datasets.sequences import Shakespear, SinCurve
from dezero.datasets.spiral import Spiral, get_spiral

__all__ = [
    "CIFAR10",
    "CIFAR100",
    "MNIST",
    "Dataset",
    "Digits",
    "FashionMNIST",
    "ImageNet",
    "Shakespear",
    "SinCurve",
    "Spiral",
    "get_spiral",
    "load_cache_npz",
    "save_cache_npz",
]
