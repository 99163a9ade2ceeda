"""DeZero: a deep learning framework that is defined by running it.

A program computes with Variables; each Function remembers its inputs, each result its creator;
`y.backward()` walks those links back.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import functions, random
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

if TYPE_CHECKING:  # what `__getattr__` finds
    from . import cuda, dataloaders, datasets, layers, models, optimizers, transforms, utils
    from .compiler import compile
    from .dataloaders import DataLoader, SeqDataLoader
    from .datasets import Dataset
    from .layers import Layer
    from .models import Model

setup_variable()

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
    "compile",
    "cuda",
    "dataloaders",
    "datasets",
    "debug_mode",
    "functions",
    "functions_conv",
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

# loaded when a program first names them: `import dezero` alone costs little more than NumPy
LATER = {
    "DataLoader": "dataloaders",
    "Dataset": "datasets",
    "Layer": "layers",
    "Model": "models",
    "SeqDataLoader": "dataloaders",
    "cuda": "cuda",
    "dataloaders": "dataloaders",
    "datasets": "datasets",
    "functions_conv": "functions_conv",
    "layers": "layers",
    "models": "models",
    "optimizers": "optimizers",
    "transforms": "transforms",
    "io": "io",
    "autodiff": "autodiff",
    "compile": "compiler",
    "utils": "utils",
    "viz": "viz",
}


def __getattr__(name: str) -> Any:
    if name not in LATER:
        raise AttributeError(f"module 'dezero' has no attribute {name!r}")
    module = import_module(f".{LATER[name]}", __name__)
    found = module if LATER[name] == name else getattr(module, name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
