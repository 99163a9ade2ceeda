"""Data sets: numbered pairs of an input and its target."""

from .base import Dataset
from .cifar import CIFAR10, CIFAR100
from .digits import Digits
from .imagenet import ImageNet
from .mnist import MNIST, FashionMNIST
from .npz_cache import load_cache_npz, save_cache_npz
from .sequences import Shakespear, SinCurve
from .spiral import Spiral, get_spiral

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
