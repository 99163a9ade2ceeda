"""DeZero: a deep learning framework that is defined by running it.

A program computes with Variables; each Function remembers its inputs, each result its creator;
`y.backward()` walks those links back.
"""

from . import random as random
from .arrays import as_array
from .autodiff import debug_mode
from .core import (
    Config,
    Function,
    Parameter,
    Rule,
    Variable,
    as_variable,
    no_grad,
    test_mode,
    using_config,
)
from .functions.operators import setup_variable

setup_variable()

is_simple_core = False
__version__ = "0.1.0"

__all__ = [
    "Config",
    "Function",
    "Parameter",
    "Rule",
    "Variable",
    "as_array",
    "as_variable",
    "debug_mode",
    "is_simple_core",
    "no_grad",
    "setup_variable",
    "test_mode",
    "using_config",
]
