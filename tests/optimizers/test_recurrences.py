"""Each optimizer for 50 steps against the published recurrence, written out in float64 NumPy.

The target is a quadratic bowl with a rotated, badly conditioned matrix and a little noise in the
gradient that is the same for both sides.
"""

import numpy as np
import pytest

from dezero import Parameter, Variable, optimizers

STEPS = 50
generator = np.random.default_rng(0)
START = generator.normal(size=(7, 5))
BOWL = generator.normal(size=(7, 7)) @ np.diag(np.logspace(-2, 1, 7))
BOWL = BOWL @ BOWL.T / 50
NOISE = 0.1 * generator.normal(size=(STEPS, 7, 5))


def slope(p, step):
    return BOWL @ p + NOISE[step]


class Target:
    """One Parameter."""

    def __init__(self, dtype):
        self.p = Parameter(START.astype(dtype))

    def params(self):
        return [self.p]


def ours(optimizer, dtype=np.float64, hook=None):
    target = Target(dtype)
    optimizer.setup(target)
    if hook is not None:
        optimizer.add_hook(hook)
    path = []
    for step in range(STEPS):
        target.p.grad = Variable(slope(target.p.data.astype(np.float64), step).astype(dtype))
        optimizer.update()
        path.append(target.p.data.astype(np.float64))
    return np.array(path)


def followed(change):
    """The path of p += change(t, p, g), t = 1, 2, ..."""
    p, path = START.copy(), []
    for step in range(STEPS):
        p = p + change(step + 1, p, slope(p, step))
        path.append(p)
    return np.array(path)


def momentum(lr, mu):
    velocity = np.zeros_like(START)

    def change(t, p, g):
        velocity[:] = mu * velocity - lr * g
        return velocity

    return change


def adagrad(lr, eps):
    squares = []

    def change(t, p, g):
        squares.append(g**2)
        return -lr * g / (np.sqrt(np.sum(squares, axis=0)) + eps)

    return change


def adadelta(rho, eps):
    gradients, changes = np.zeros_like(START), np.zeros_like(START)

    def change(t, p, g):
        gradients[:] = rho * gradients + (1 - rho) * g**2
        delta = -np.sqrt(changes + eps) / np.sqrt(gradients + eps) * g
        changes[:] = rho * changes + (1 - rho) * delta**2
        return delta

    return change


def adam(alpha, beta1, beta2, eps, decay=0.0):
    """Algorithm 1 with its bias corrections as printed; eps hat = eps sqrt(1 - beta2^t)."""
    history = []

    def change(t, p, g):
        history.append(g)
        back = np.arange(t)[::-1, None, None]
        m = (1 - beta1) * np.sum(beta1**back * np.array(history), axis=0) / (1 - beta1**t)
        v = (1 - beta2) * np.sum(beta2**back * np.array(history) ** 2, axis=0) / (1 - beta2**t)
        return -alpha * decay * p - alpha * m / (np.sqrt(v) + eps / np.sqrt(1 - beta2**t))

    return change


CASES = {
    "SGD": (lambda: optimizers.SGD(0.1), lambda: lambda t, p, g: -0.1 * g),
    "SGD default": (optimizers.SGD, lambda: lambda t, p, g: -0.01 * g),
    "MomentumSGD": (lambda: optimizers.MomentumSGD(0.05, 0.8), lambda: momentum(0.05, 0.8)),
    "MomentumSGD default": (optimizers.MomentumSGD, lambda: momentum(0.01, 0.9)),
    "AdaGrad": (lambda: optimizers.AdaGrad(0.2, 1e-3), lambda: adagrad(0.2, 1e-3)),
    "AdaGrad default": (optimizers.AdaGrad, lambda: adagrad(0.001, 1e-8)),
    "AdaDelta": (lambda: optimizers.AdaDelta(0.8, 1e-4), lambda: adadelta(0.8, 1e-4)),
    "AdaDelta default": (optimizers.AdaDelta, lambda: adadelta(0.95, 1e-6)),
    "Adam": (lambda: optimizers.Adam(0.1, 0.8, 0.99, 1e-3), lambda: adam(0.1, 0.8, 0.99, 1e-3)),
    "Adam default": (optimizers.Adam, lambda: adam(0.001, 0.9, 0.999, 1e-8)),
    "AdamW": (
        lambda: optimizers.AdamW(0.1, 0.8, 0.99, 1e-3, 0.3),
        lambda: adam(0.1, 0.8, 0.99, 1e-3, 0.3),
    ),
    "AdamW default": (optimizers.AdamW, lambda: adam(0.001, 0.9, 0.999, 1e-8, 0.01)),
}


@pytest.mark.parametrize("make, recurrence", CASES.values(), ids=CASES)
def test_fifty_steps(make, recurrence):
    expected = followed(recurrence())
    np.testing.assert_allclose(ours(make()), expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(ours(make(), np.float32), expected, rtol=2e-4, atol=2e-5)


def test_float16_moves_although_its_squares_underflow():
    """g = 1e-4: g^2 is below the smallest float16, so state of that dtype would divide by 0."""
    target = Target(np.float16)
    optimizer = optimizers.Adam(alpha=0.01).setup(target)
    for _ in range(3):
        target.p.grad = Variable(np.full((7, 5), 1e-4, np.float16))
        optimizer.update()
    assert target.p.dtype == np.float16
    np.testing.assert_allclose(target.p.data, START - 0.03, atol=3e-3)


def test_weight_decay_hook():
    expected = followed(lambda t, p, g: -0.1 * (g + 0.3 * p))
    got = ours(optimizers.SGD(0.1), hook=optimizers.WeightDecay(0.3))
    np.testing.assert_allclose(got, expected, rtol=1e-10)


def test_clip_hook():
    def change(t, p, g):
        norm = np.linalg.norm(g)
        return -0.1 * g * min(1, 0.5 / norm)

    got = ours(optimizers.SGD(0.1), hook=optimizers.ClipGrad(0.5))
    np.testing.assert_allclose(got, followed(change), rtol=1e-10)


TORCH = {
    "SGD": (lambda: optimizers.SGD(0.1), "SGD", {"lr": 0.1}),
    "Adadelta": (optimizers.AdaDelta, "Adadelta", {"lr": 1.0, "rho": 0.95, "eps": 1e-6}),
    "Adagrad": (lambda: optimizers.AdaGrad(0.1), "Adagrad", {"lr": 0.1, "eps": 1e-8}),
    # PyTorch adds its eps after the correction of v
    "Adam": (lambda: optimizers.Adam(0.1, eps=1e-14), "Adam", {"lr": 0.1, "eps": 1e-14}),
    "AdamW": (
        lambda: optimizers.AdamW(0.1, eps=1e-14, weight_decay=0.2),
        "AdamW",
        {"lr": 0.1, "eps": 1e-14, "weight_decay": 0.2},
    ),
}


@pytest.mark.parametrize("make, name, settings", TORCH.values(), ids=TORCH)
def test_fifty_steps_of_pytorch(make, name, settings):
    torch = pytest.importorskip("torch")
    p = torch.nn.Parameter(torch.from_numpy(START.copy()))
    optimizer = getattr(torch.optim, name)([p], **settings)
    path = []
    for step in range(STEPS):
        p.grad = torch.from_numpy(slope(p.detach().numpy(), step))
        optimizer.step()
        path.append(p.detach().numpy().copy())
    np.testing.assert_allclose(ours(make()), path, rtol=1e-9, atol=1e-11)


def test_fifty_steps_of_scikit_learn():
    trainers = pytest.importorskip("sklearn.neural_network._stochastic_optimizers")
    for make, theirs in [
        (lambda: optimizers.MomentumSGD(0.05, 0.8), (trainers.SGDOptimizer, 0.05, 0.8)),
        (lambda: optimizers.Adam(0.1, 0.8, 0.99, 1e-3), (trainers.AdamOptimizer,)),
    ]:
        p = [START.copy()]
        if len(theirs) > 1:
            trainer = theirs[0](p, learning_rate_init=theirs[1], momentum=theirs[2], nesterov=False)
        else:
            trainer = theirs[0](p, 0.1, 0.8, 0.99, 1e-3)
        path = []
        for step in range(STEPS):
            trainer.update_params(p, [slope(p[0], step)])
            path.append(p[0].copy())
        np.testing.assert_allclose(ours(make()), path, rtol=1e-10, atol=1e-12)
