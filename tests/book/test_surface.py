"""Every name that programs of the book use is there, with its arguments and defaults."""

from inspect import signature

import pytest

import dezero
from dezero import cuda, datasets, functions_conv, layers, models, optimizers, transforms, utils
from dezero import functions as F

DEZERO = """Variable Parameter Function Layer Model Dataset DataLoader SeqDataLoader Config
using_config no_grad test_mode as_array as_variable setup_variable functions functions_conv layers
models optimizers datasets dataloaders transforms utils cuda is_simple_core""".split()

FUNCTIONS = """sin cos tanh exp log add sub mul div neg pow square reshape transpose get_item
expand_dims flatten sum sum_to broadcast_to average mean matmul linear linear_simple sigmoid
sigmoid_simple relu softmax softmax_simple log_softmax leaky_relu mean_squared_error
mean_squared_error_simple softmax_cross_entropy softmax_cross_entropy_simple sigmoid_cross_entropy
binary_cross_entropy accuracy dropout batch_norm batch_nrom embed_id max min clip conv2d deconv2d
pooling average_pooling im2col col2im conv2d_simple pooling_simple im2col_array
col2im_array""".split()

CLASSES = """Sin Cos Tanh Exp Log Add Sub Mul Div Neg Pow Square Reshape Transpose GetItem Sum SumTo
BroadcastTo MatMul Linear Sigmoid ReLU Softmax LogSoftmax LeakyReLU MeanSquaredError
SoftmaxCrossEntropy BatchNorm Max Min Clip Conv2d Deconv2d Pooling AveragePooling Im2col
Col2im""".split()

METHODS = """backward cleargrad unchain unchain_backward set_creator reshape transpose sum max min
matmul dot to_cpu to_gpu shape ndim size dtype T data grad name creator generation""".split()

UTILS = """get_dot_graph plot_dot_graph sum_to reshape_sum_backward logsumexp max_backward_shape
gradient_check numerical_grad array_equal array_allclose get_file cache_dir show_progress
get_conv_outsize get_deconv_outsize pair""".split()

OTHERS = {
    layers: "Layer Linear Conv2d Deconv2d RNN LSTM EmbedID BatchNorm",
    models: "Model Sequential MLP VGG16 ResNet ResNet50 ResNet101 ResNet152 SqueezeNet",
    optimizers: """Optimizer SGD MomentumSGD AdaGrad AdaDelta Adam WeightDecay ClipGrad
        FreezeParam""",
    datasets: """Dataset get_spiral Spiral MNIST CIFAR10 CIFAR100 ImageNet SinCurve Shakespear
        load_cache_npz save_cache_npz""",
    transforms: """Compose Convert Resize CenterCrop ToArray ToPIL RandomHorizontalFlip Normalize
        Flatten AsType ToFloat ToInt""",
    cuda: "gpu_enable get_array_module as_numpy as_cupy",
    functions_conv: """conv2d deconv2d pooling average_pooling im2col col2im conv2d_simple
        pooling_simple im2col_array col2im_array""",
}


@pytest.mark.parametrize("name", DEZERO)
def test_names_of_the_package(name):
    assert hasattr(dezero, name)


@pytest.mark.parametrize("name", [*FUNCTIONS, *CLASSES])
def test_names_of_functions(name):
    assert hasattr(F, name)


@pytest.mark.parametrize("name", METHODS)
def test_names_of_variable(name):
    import numpy as np

    assert hasattr(dezero.Variable(np.ones((2, 2))), name)


@pytest.mark.parametrize("name", UTILS)
def test_names_of_utils(name):
    assert hasattr(utils, name)


@pytest.mark.parametrize(
    ("module", "name"), [(m, name) for m, names in OTHERS.items() for name in names.split()]
)
def test_names_of_the_other_modules(module, name):
    assert hasattr(module, name)


IMPORTS = """import dezero
import dezero.functions as F
import dezero.layers as L
from dezero import Variable, Function, Parameter, as_array, as_variable, no_grad, using_config
from dezero import Layer, Model, optimizers, transforms, test_mode
from dezero import Dataset, DataLoader, SeqDataLoader
from dezero.core import Config, Function, Parameter, Variable, as_array, as_variable, no_grad
from dezero.core_simple import Function, Variable, as_array, no_grad, setup_variable, using_config
from dezero.cuda import get_array_module, gpu_enable
from dezero.dataloaders import DataLoader, SeqDataLoader
from dezero.datasets import Dataset, MNIST, SinCurve, Spiral, get_spiral
from dezero.functions import conv2d_simple, im2col, pooling_simple
from dezero.layers import Conv2d, EmbedID, Layer, Linear
from dezero.models import MLP, Model, ResNet152, Sequential, SqueezeNet, VGG16
from dezero.optimizers import SGD, Adam, MomentumSGD, Optimizer
from dezero.optimizers import ClipGrad, FreezeParam, WeightDecay
from dezero.transforms import Compose, Flatten, Normalize, ToFloat
from dezero.utils import get_conv_outsize, get_dot_graph, pair, plot_dot_graph, sum_to
""".splitlines()


@pytest.mark.parametrize("line", IMPORTS)
def test_imports_of_programs(line):
    exec(line, {})


SIGNATURES = {
    F.sum: "x axis=None keepdims=False",
    F.mean: "x axis=None keepdims=False",
    F.max: "x axis=None keepdims=False",
    F.min: "x axis=None keepdims=False",
    F.softmax: "x axis=1",
    F.log_softmax: "x axis=1",
    F.leaky_relu: "x slope=0.2",
    F.clip: "x x_min x_max",
    F.linear: "x W b=None",
    F.dropout: "x dropout_ratio=0.5",
    F.batch_norm: "x gamma beta mean var decay=0.9 eps=2e-05",
    F.conv2d: "x W b=None stride=1 pad=0",
    F.deconv2d: "x W b=None stride=1 pad=0 outsize=None",
    F.pooling: "x kernel_size stride=1 pad=0",
    F.average_pooling: "x kernel_size stride=1 pad=0",
    F.im2col: "x kernel_size stride=1 pad=0 to_matrix=True",
    F.col2im: "x input_shape kernel_size stride=1 pad=0 to_matrix=True",
    layers.Linear: "out_size nobias=False dtype=float32 in_size=None",
    layers.Conv2d: """out_channels kernel_size stride=1 pad=0 nobias=False dtype=float32
        in_channels=None""",
    layers.Deconv2d: """out_channels kernel_size stride=1 pad=0 nobias=False dtype=float32
        in_channels=None""",
    layers.RNN: "hidden_size in_size=None",
    layers.LSTM: "hidden_size in_size=None",
    layers.EmbedID: "in_size out_size",
    optimizers.SGD: "lr=0.01",
    optimizers.MomentumSGD: "lr=0.01 momentum=0.9",
    optimizers.AdaGrad: "lr=0.001 eps=1e-08",
    optimizers.AdaDelta: "rho=0.95 eps=1e-06",
    optimizers.Adam: "alpha=0.001 beta1=0.9 beta2=0.999 eps=1e-08",
    dezero.DataLoader: "dataset batch_size shuffle=True gpu=False",
    dezero.SeqDataLoader: "dataset batch_size gpu=False",
    datasets.Dataset: "train=True transform=None target_transform=None",
    utils.get_dot_graph: "output verbose=True",
    utils.plot_dot_graph: "output verbose=True to_file=graph.png",
    utils.get_conv_outsize: "input_size kernel_size stride pad",
    utils.get_deconv_outsize: "size k s p",
}


@pytest.mark.parametrize(("function", "expected"), SIGNATURES.items())
def test_arguments_and_defaults(function, expected):
    parameters = list(signature(function).parameters.values())
    for parameter, text in zip(parameters, expected.split(), strict=False):
        name, _, default = text.partition("=")
        assert parameter.name == name
        if default:
            value = parameter.default
            assert getattr(value, "__name__", str(value)) == default
    assert len(parameters) >= len(expected.split())
