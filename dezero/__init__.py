"""DeZero: a deep learning framework that is defined by running it.

A program computes with Variables; each Function remembers its inputs, each result its creator;
`y.backward()` walks those links back.
"""

from .arrays import as_array
from .core import (
    Config,
    Function,
    Parameter,
    Rule,
    Variable,
    as_variable,
    debug_mode,
    no_grad,
    test_mode,
    using_config,
)

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
    "test_mode",
    "using_config",
]
