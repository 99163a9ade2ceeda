"""Functions of Variables, one family a file. `F.exp` is the function, `F.Exp` its class."""

from . import arithmetic, comparison, elementwise, selection
from .arithmetic import *
from .comparison import *
from .elementwise import *
from .elementwise import Cos, Exp, Expm1, Log, Log1p, Sin, Sqrt, Square, Tan, Tanh
from .selection import *
from .selection import Clip, Maximum, Minimum, Where

OPS = [*arithmetic.__all__, *comparison.__all__]  # what must have samples
OPS += [*elementwise.__all__, *selection.__all__]
