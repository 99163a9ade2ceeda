"""Functions of Variables, one family a file. `F.exp` is the function, `F.Exp` its class."""

from . import (
    activation,
    arithmetic,
    attention,
    comparison,
    elementwise,
    indexing,
    joining,
    linalg,
    loss,
    noise,
    probability,
    reduction,
    selection,
    shape,
)
from .activation import *
from .activation import GELU, GELUTanh, LeakyReLU, ReLU, Sigmoid, SiLU, Softplus
from .arithmetic import *
from .arithmetic import Abs, Add, AsType, Div, Mul, Neg, Pos, Pow, Power, Sub
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
from .loss import *
from .loss import (
    BinaryCrossEntropy,
    MeanSquaredError,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
)
from .noise import *
from .noise import Dropout
from .probability import *
from .probability import LogSoftmax, LogSumExp, Softmax
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
OPS += [*activation.__all__, *loss.__all__, *noise.__all__, *probability.__all__]
