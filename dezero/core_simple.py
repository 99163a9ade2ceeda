"""The book's import path of the core of its first half: the same core."""

from . import setup_variable
from .arrays import as_array
from .core import Config, Function, Variable, as_variable, no_grad, using_config
from .functions import add, div, mul, neg, pow, sub
