"""The book's import path of the core of its first half: the same core."""

from .arrays import as_array
from .core import Config, Function, Variable, as_variable, no_grad, using_config
from .functions import add, div, mul, neg, pow, sub
from .functions.operators import setup_variable
