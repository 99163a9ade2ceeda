"""Functions of Variables, one family a file. `F.exp` is the function, `F.Exp` its class."""

from ..arrays import col2im_array, im2col_array
from . import (
    activation,
    arithmetic,
    attention,
    comparison,
    conv,
    deconv,
    elementwise,
    indexing,
    joining,
    linalg,
    loss,
    noise,
    norm,
    patches,
    pool,
    probability,
    recurrent,
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
from .conv import *
from .conv import Conv1d, Conv2d, Conv3d
from .deconv import *
from .deconv import Deconv1d, Deconv2d, Deconv3d
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
from .norm import *
from .norm import BatchNorm, LayerNorm, RMSNorm
from .patches import *
from .patches import Col2im, Im2col
from .pool import *
from .pool import AveragePooling, Pooling
from .probability import *
from .probability import LogSoftmax, LogSumExp, Softmax
from .recurrent import *
from .recurrent import LSTM, RNN
from .reduction import *
from .reduction import Max, Mean, Min, Sum, Var
from .selection import *
from .selection import Clip, Maximum, Minimum, Where
from .shape import *
from .shape import BroadcastTo, ExpandDims, Flatten, Reshape, Squeeze, SumTo, Transpose

OPS = [*arithmetic.__all__, *attention.__all__, *comparison.__all__]  # what must have samples
OPS += [*elementwise.__all__, *selection.__all__]
OPS += [*indexing.__all__, *joining.__all__, *linalg.__all__]
OPS += [*recurrent.__all__, *reduction.__all__, *shape.__all__]
OPS += [*activation.__all__, *loss.__all__, *noise.__all__, *probability.__all__]
OPS += [*conv.__all__, *deconv.__all__, *patches.__all__, *pool.__all__, *norm.__all__]
