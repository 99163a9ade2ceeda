"""Functions of Variables, one family a file. `F.exp` is the function, `F.Exp` its class."""

from . import (
    arithmetic,
    attention,
    comparison,
    elementwise,
    indexing,
    joining,
    linalg,
    reduction,
    selection,
    shape,
)
from .arithmetic import *
from .attention import *
from .attention import ScaledDotProductAttention
from .comparison import *
from .elementwise import *
from .elementwise import Cos, Exp, Expm1, Log, Log1p, Sin, Sqrt, Square, Tan, Tanh
from .indexing import *
from .indexing import EmbedID, GetItem
from .joining import *
from .joining import Concat, Flip, Pad, Split, Stack
from .linalg import *
from .linalg import Linear, MatMul
from .reduction import *
from .reduction import Max, Mean, Min, Sum, Var
from .selection import *
from .selection import Clip, Maximum, Minimum, Where
from .shape import *
from .shape import BroadcastTo, ExpandDims, Flatten, Reshape, Squeeze, SumTo, Transpose

OPS = [*arithmetic.__all__, *attention.__all__, *comparison.__all__]  # what must have samples
OPS += [*elementwise.__all__, *selection.__all__]
OPS += [*indexing.__all__, *joining.__all__, *linalg.__all__]
OPS += [*reduction.__all__, *shape.__all__]
