"""Models: Layers that stand for themselves."""

from .gpt import GPT
from .mlp import MLP
from .model import Model
from .resnet import ResNet, ResNet50, ResNet101, ResNet152
from .sequential import Sequential
from .squeezenet import SqueezeNet
from .vgg import VGG16

__all__ = [
    "GPT",
    "MLP",
    "VGG16",
    "Model",
    "ResNet",
    "ResNet50",
    "ResNet101",
    "ResNet152",
    "Sequential",
    "SqueezeNet",
]
