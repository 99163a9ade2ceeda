"""The core: Variables, the Functions between them, and the walk back."""

from ..arrays import as_array
from .config import Config, no_grad, test_mode, using_config
from .function import Function, Rule
from .variable import Constant, Parameter, Variable, as_variable

__all__ = ["Config", "Constant", "Function", "Parameter", "Rule", "Variable", "as_array"]
__all__ += ["as_variable", "no_grad", "test_mode", "using_config"]
