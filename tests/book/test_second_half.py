"""The book's steps 37 to 60 as a reader types them: tensors, networks, data, recurrence."""

import math

import numpy as np
import pytest
from PIL import Image

import dezero
import dezero.functions as F
import dezero.layers as L
from dezero import DataLoader, Layer, Model, Parameter, SeqDataLoader, Variable, optimizers
from dezero.models import MLP


def test_steps_37_to_39_tensors():
    x = Variable(np.array([[1, 2, 3], [4, 5, 6]]))
    c = Variable(np.array([[10, 20, 30], [40, 50, 60]]))
    y = F.sum(x + c)
    y.backward(retain_grad=True)
    np.testing.assert_array_equal(x.grad.data, np.ones((2, 3)))
    x = Variable(np.array([[1, 2, 3], [4, 5, 6]]))
    y = F.reshape(x, (6,))
    y.backward(retain_grad=True)
    np.testing.assert_array_equal(x.grad.data, np.ones((2, 3)))
    assert x.reshape(2, 3).shape == x.reshape((2, 3)).shape == (2, 3)
    assert F.transpose(x).shape == x.transpose().shape == x.T.shape == (3, 2)
    assert Variable(np.ones((1, 2, 3))).transpose(1, 0, 2).shape == (2, 1, 3)
    assert F.sum(x, axis=0).shape == (3,)
    assert x.sum(axis=0, keepdims=True).shape == (1, 3)


def test_step_40_broadcasting():
    x0 = Variable(np.array([1, 2, 3]))
    x1 = Variable(np.array([10]))
    y = x0 + x1
    y.backward()
    assert (y.data.tolist(), x1.grad.data.tolist()) == ([11, 12, 13], [3])
    assert F.sum_to(Variable(np.ones((2, 3))), (1, 3)).data.tolist() == [[2, 2, 2]]
    assert F.broadcast_to(x0, (2, 3)).shape == (2, 3)


def test_step_41_matmul():
    x = Variable(np.random.default_rng(0).normal(size=(2, 3)))
    W = Variable(np.random.default_rng(1).normal(size=(3, 4)))
    y = F.matmul(x, W)
    y.backward()
    assert (x.grad.shape, W.grad.shape) == ((2, 3), (3, 4))


def test_step_42_linear_regression():
    np.random.seed(0)
    x = np.random.rand(100, 1)
    y = 5 + 2 * x + np.random.rand(100, 1)
    x, y = Variable(x), Variable(y)
    W = Variable(np.zeros((1, 1)))
    b = Variable(np.zeros(1))
    for _ in range(100):
        y_pred = F.matmul(x, W) + b
        loss = F.mean_squared_error(y, y_pred)
        W.cleargrad()
        b.cleargrad()
        loss.backward()
        W.data -= 0.1 * W.grad.data
        b.data -= 0.1 * b.grad.data
    assert float(W) == pytest.approx(2.11807369, abs=5e-9)
    assert float(b) == pytest.approx(5.46608905, abs=5e-9)
    assert float(loss) == pytest.approx(0.0790860651, abs=5e-11)


def sine_data():
    np.random.seed(0)
    x = np.random.rand(100, 1)
    return x, np.sin(2 * np.pi * x) + np.random.rand(100, 1)


def test_step_43_network_by_hand():
    x, y = sine_data()
    W1, b1 = Variable(0.01 * np.random.randn(1, 10)), Variable(np.zeros(10))
    W2, b2 = Variable(0.01 * np.random.randn(10, 1)), Variable(np.zeros(1))
    for _ in range(9001):  # the last figure that the book prints is that of iteration 9000
        y_pred = F.linear(F.sigmoid(F.linear(x, W1, b1)), W2, b2)
        loss = F.mean_squared_error(y, y_pred)
        for p in (W1, b1, W2, b2):
            p.cleargrad()
        loss.backward()
        for p in (W1, b1, W2, b2):
            p.data -= 0.2 * p.grad.data
    assert float(loss) == pytest.approx(0.0772213240, abs=5e-11)


class TwoLayerNet(Model):
    def __init__(self, hidden_size, out_size):
        super().__init__()
        self.l1 = L.Linear(hidden_size)
        self.l2 = L.Linear(out_size)

    def forward(self, x):
        return self.l2(F.sigmoid(self.l1(x)))


@pytest.mark.parametrize("style", ["layers", "model", "MLP and optimizer"])
def test_steps_44_to_46_layers_models_optimizers(style):
    x, y = sine_data()
    if style == "layers":
        model = Layer()
        model.l1 = L.Linear(10)
        model.l2 = L.Linear(1)

        def predict(x):
            return model.l2(F.sigmoid(model.l1(x)))
    else:
        model = TwoLayerNet(10, 1) if style == "model" else MLP((10, 1))
        predict = model
    optimizer = optimizers.SGD(0.2).setup(model)
    for _ in range(9001):
        loss = F.mean_squared_error(y, predict(x))
        model.cleargrads()
        loss.backward()
        if style == "MLP and optimizer":
            optimizer.update()
        else:
            for p in model.params():
                p.data -= 0.2 * p.grad.data
    # five digits: the book's weights were float64 by accident, ours are float32
    assert float(loss) == pytest.approx(0.0761937, abs=5e-6)


def test_step_45_plot_and_parameters(tmp_path):
    model = TwoLayerNet(10, 1)
    path = tmp_path / "model.dot"
    model.plot(Variable(np.random.randn(5, 10), name="x"), to_file=path)
    assert "Sigmoid" in path.read_text(encoding="utf-8")
    names = [name for name, p in vars(model).items() if isinstance(p, Layer)]
    assert names == ["l1", "l2"]
    p, x = Parameter(np.array(1.0)), Variable(np.array(2.0))
    assert isinstance(p * x, Variable)
    assert not isinstance(p * x, Parameter)


def test_step_47_softmax_cross_entropy():
    np.random.seed(0)
    model = MLP((10, 3))
    x = np.array([[0.2, -0.4], [0.3, 0.5], [1.3, -3.2], [2.1, 0.3]])
    t = np.array([2, 0, 1, 0])
    y = model(x)
    p = F.softmax(y)
    assert p.shape == (4, 3)
    np.testing.assert_allclose(p.data.sum(axis=1), 1, rtol=1e-6)
    loss = F.softmax_cross_entropy_simple(y, t)
    loss.backward()
    assert float(loss) == pytest.approx(1.496744, abs=5e-6)
    assert float(F.softmax_cross_entropy(y, t)) == pytest.approx(1.496744, abs=5e-6)


@pytest.mark.parametrize("loaded", [False, True], ids=["step 48", "step 49"])
def test_steps_48_and_49_spiral(loaded):
    train_set = dezero.datasets.Spiral(train=True)
    assert (len(train_set), train_set[0][0].dtype) == (300, np.float32)
    np.random.seed(0)
    model = MLP((10, 3))
    optimizer = optimizers.SGD(1.0).setup(model)
    for _ in range(300):
        index = np.random.permutation(300)
        total = 0.0
        for i in range(10):
            batch = index[i * 30 : (i + 1) * 30]
            if loaded:
                examples = [train_set[j] for j in batch]
                x = np.array([example[0] for example in examples])
                t = np.array([example[1] for example in examples])
            else:
                x, t = train_set.data[batch], train_set.label[batch]
            loss = F.softmax_cross_entropy(model(x), t)
            model.cleargrads()
            loss.backward()
            optimizer.update()
            total += float(loss.data) * len(t)
    assert total / 300 < 0.15


def test_step_50_data_loaders():
    np.random.seed(0)
    train_loader = DataLoader(dezero.datasets.Spiral(train=True), 30)
    test_loader = DataLoader(dezero.datasets.Spiral(train=False), 30, shuffle=False)
    model = MLP((10, 3))
    optimizer = optimizers.SGD(1.0).setup(model)
    for _ in range(300):
        for x, t in train_loader:
            loss = F.softmax_cross_entropy(model(x), t)
            model.cleargrads()
            loss.backward()
            optimizer.update()
    sum_acc = 0.0
    with dezero.no_grad():
        for x, t in test_loader:
            sum_acc += float(F.accuracy(model(x), t).data) * len(t)
    assert sum_acc / 300 == pytest.approx(0.96, abs=0.01)


class LargeDigits(dezero.datasets.MNIST):
    """The digits of the package in the form of MNIST."""

    def prepare(self):
        digits = dezero.datasets.Digits(self.train)
        images = 15 * digits.data.repeat(3, axis=2).repeat(3, axis=3)  # of 24x24 pixels
        self.data = np.pad(images, [(0, 0), (0, 0), (2, 2), (2, 2)])
        self.label = digits.label


def test_steps_51_and_52_handwriting():
    np.random.seed(0)
    train_set, test_set = LargeDigits(train=True), LargeDigits(train=False)
    assert (train_set[0][0].shape, train_set[0][0].dtype) == ((784,), np.float32)
    train_loader = DataLoader(train_set, 100)
    test_loader = DataLoader(test_set, 100, shuffle=False)
    model = MLP((100, 100, 10), activation=F.relu)
    optimizer = optimizers.Adam().setup(model)
    optimizer.add_hook(optimizers.WeightDecay(1e-4))
    if dezero.cuda.gpu_enable:
        train_loader.to_gpu()
        test_loader.to_gpu()
        model.to_gpu()
    for _ in range(10):
        for x, t in train_loader:
            loss = F.softmax_cross_entropy(model(x), t)
            model.cleargrads()
            loss.backward()
            optimizer.update()
    sum_acc = 0.0
    with dezero.no_grad():
        for x, t in test_loader:
            sum_acc += float(F.accuracy(model(x), t).data) * len(t)
    assert sum_acc / len(test_set) > 0.9


def test_step_52_array_modules():
    x = np.array([1, 2, 3])
    assert dezero.cuda.get_array_module(x) is np
    assert dezero.cuda.gpu_enable in (True, False)
    assert dezero.cuda.as_numpy(Variable(x)) is x


def test_step_53_weights(tmp_path):
    path = str(tmp_path / "my_mlp.npz")
    model = MLP((10, 3))
    model(np.zeros((1, 2), np.float32))
    model.save_weights(path)
    with np.load(path) as saved:
        assert set(saved.files) == {"l0/W", "l0/b", "l1/W", "l1/b"}
    twin = MLP((10, 3))
    twin.load_weights(path)
    np.testing.assert_array_equal(twin.l0.W.data, model.l0.W.data)


def test_step_54_dropout():
    x = np.ones(5)
    y = F.dropout(x)
    assert set(np.unique(y.data)) <= {0.0, 2.0}
    with dezero.test_mode():
        np.testing.assert_array_equal(F.dropout(x).data, x)


def test_steps_55_to_57_convolution():
    from dezero.utils import get_conv_outsize

    assert get_conv_outsize(4, 3, 1, 1) == 4
    x1 = np.random.rand(1, 3, 7, 7)
    assert F.im2col(x1, kernel_size=5, stride=1, pad=0, to_matrix=True).shape == (9, 75)
    x2 = np.random.rand(10, 3, 7, 7)
    assert F.im2col(x2, kernel_size=(5, 5), stride=(1, 1), pad=(0, 0)).shape == (90, 75)
    x = Variable(np.random.randn(1, 5, 15, 15))
    W = Variable(np.random.randn(8, 5, 3, 3))
    y = F.conv2d_simple(x, W, b=None, stride=1, pad=1)
    y.backward()
    assert (y.shape, x.grad.shape) == ((1, 8, 15, 15), (1, 5, 15, 15))
    np.testing.assert_allclose(y.data, F.conv2d(x, W, None, 1, 1).data, rtol=1e-10, atol=1e-10)


def test_step_58_vgg16():
    image = Image.fromarray(np.random.randint(0, 256, (40, 60, 3), np.uint8))
    x = dezero.models.VGG16.preprocess(image, size=(32, 32))[np.newaxis]
    model = dezero.models.VGG16()
    with dezero.test_mode():
        y = model(x)
    predict_id = np.argmax(y.data)
    assert y.shape == (1, 1000)
    # as programs of the book look where the network looked
    last = model.conv5_3.outputs[0]()
    y[0, predict_id].backward(retain_grad=True)
    assert last.grad.shape == last.shape == (1, 512, 2, 2)
    assert F.average(last.grad, axis=(0, 2, 3)).shape == (512,)


def test_one_element_losses_of_different_shapes():
    # step 59 of the book compares (1, 1) with (1,): nothing there can broadcast
    for loss in (F.mean_squared_error, F.sigmoid_cross_entropy, F.mean_squared_error_simple):
        x, t = Variable(np.array([[0.3]])), Variable(np.array([0.8]))
        loss(x, t).backward()
        one, other = Variable(np.array([0.3])), Variable(np.array([0.8]))
        loss(one, other).backward()
        assert (x.grad.shape, t.grad.shape) == ((1, 1), (1,))
        np.testing.assert_array_equal(x.grad.data.reshape(1), one.grad.data)
        np.testing.assert_array_equal(t.grad.data, other.grad.data)


def test_step_59_rnn_predicts_a_sine():
    np.random.seed(0)
    train_set = dezero.datasets.SinCurve(train=True)

    class SimpleRNN(Model):
        def __init__(self, hidden_size, out_size):
            super().__init__()
            self.rnn = L.RNN(hidden_size)
            self.fc = L.Linear(out_size)

        def reset_state(self):
            self.rnn.reset_state()

        def forward(self, x):
            return self.fc(self.rnn(x))

    model = SimpleRNN(20, 1)
    optimizer = optimizers.Adam().setup(model)
    for _ in range(25):
        model.reset_state()
        loss, count, losses = 0, 0, []
        for x, t in train_set:
            loss += F.mean_squared_error(model(x.reshape(1, 1)), t)
            count += 1  # noqa: SIM113 (as the book counts)
            if count % 30 == 0 or count == len(train_set):
                model.cleargrads()
                loss.backward()
                loss.unchain_backward()
                optimizer.update()
                losses.append(float(loss.data) / count)
    # the book's average over the epoch falls below 0.005 as well
    xs = np.cos(np.linspace(0, 4 * math.pi, 1000))
    model.reset_state()
    with dezero.no_grad():
        predicted = [float(model(np.array(x).reshape(1, 1))) for x in xs]
    assert np.mean((np.array(predicted[100:-1]) - xs[101:]) ** 2) < 0.02


def test_step_60_lstm_with_parallel_streams():
    np.random.seed(0)
    train_set = dezero.datasets.SinCurve(train=True)
    loader = SeqDataLoader(train_set, batch_size=30)

    class BetterRNN(Model):
        def __init__(self, hidden_size, out_size):
            super().__init__()
            self.rnn = L.LSTM(hidden_size)
            self.fc = L.Linear(out_size)

        def reset_state(self):
            self.rnn.reset_state()

        def forward(self, x):
            return self.fc(self.rnn(x))

    model = BetterRNN(100, 1)
    optimizer = optimizers.Adam().setup(model)
    for _ in range(60):
        model.reset_state()
        loss, count = 0, 0
        for x, t in loader:
            loss += F.mean_squared_error(model(x), t)
            count += 1  # noqa: SIM113 (as the book counts)
            if count % 30 == 0 or count == len(train_set) // 30:
                model.cleargrads()
                loss.backward()
                loss.unchain_backward()
                optimizer.update()
    xs = np.cos(np.linspace(0, 4 * math.pi, 1000))
    model.reset_state()
    with dezero.no_grad():
        predicted = [float(model(np.array(x).reshape(1, 1))) for x in xs]
    assert np.mean((np.array(predicted[100:-1]) - xs[101:]) ** 2) < 0.02
