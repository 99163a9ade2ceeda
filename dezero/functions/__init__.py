"""Functions of Variables, one family a file. `F.exp` is the function, `F.Exp` its class."""

from . import arithmetic, comparison
from .arithmetic import *
from .comparison import *

OPS = [*arithmetic.__all__, *comparison.__all__]  # what must have samples
