"""DeZero: a deep learning framework that is defined by running it.

A program computes with Variables; each Function remembers its inputs, each result its creator;
`y.backward()` walks those links back.
"""

from . import random
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

setup_variable()  # before the floors above define what computes with Variables

from . import (  # noqa: E402
    cuda,
    dataloaders,
    datasets,
    functions,
    layers,
    models,
    optimizers,
    transforms,
    utils,
)
from .dataloaders import DataLoader, SeqDataLoader  # noqa: E402
from .datasets import Dataset  # noqa: E402
from .layers import Layer  # noqa: E402
from .models import Model  # noqa: E402

is_simple_core = False
__version__ = "0.1.0"

__all__ = [
    "Config",
    "DataLoader",
    "Dataset",
    "Function",
    "Layer",
    "Model",
    "Parameter",
    "Rule",
    "SeqDataLoader",
    "Variable",
    "as_array",
    "as_variable",
    "cuda",
    "dataloaders",
    "datasets",
    "debug_mode",
    "functions",
    "is_simple_core",
    "layers",
    "models",
    "no_grad",
    "optimizers",
    "random",
    "setup_variable",
    "test_mode",
    "transforms",
    "using_config",
    "utils",
]
