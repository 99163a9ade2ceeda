"""What comes next in a noisy sine: RNN, LSTM and GRU, trained by truncated backpropagation.

The networks see one point at a time and predict the next; `unchain_backward` cuts the graph every
33 steps, so that it does not grow with the sequence. They learn from a sine with noise and are
tested on a cosine with noise: to come closer to the clean curve than the last point does, they
have to remember more than that point.
"""

import argparse
from itertools import islice

import matplotlib
import numpy as np

import dezero
import dezero.functions as F
import dezero.layers as L
from dezero import Model, SeqDataLoader
from dezero.datasets import SinCurve
from dezero.optimizers import Adam, WarmupCosine

matplotlib.use("Agg")
import matplotlib.pyplot as plt

STEPS = 33  # of backpropagation
KINDS = {"RNN": L.RNN, "LSTM": L.LSTM, "GRU": L.GRU}


class Predictor(Model):
    def __init__(self, recurrent):
        super().__init__()
        self.recurrent = recurrent
        self.out = L.Linear(1)

    def forward(self, x):
        return self.out(self.recurrent(x))


def train(model, epochs, compiled):
    optimizer = Adam().setup(model)
    total = epochs * 3  # updates: an epoch of 10 streams has 99 steps
    optimizer.add_hook(WarmupCosine(optimizer, peak=0.01, warmup=0, total=total))

    def learn(points):
        loss = sum(F.mean_squared_error(model(x), t) for x, t in points)
        model.cleargrads()
        loss.backward()
        loss.unchain_backward()
        optimizer.update()
        return loss

    if compiled:
        learn = dezero.compile(learn)
    for _ in range(epochs):
        model.recurrent.reset_state()
        curve = SinCurve(train=True, transform=np.float32, target_transform=np.float32)  # new noise
        loader = SeqDataLoader(curve, batch_size=10)
        summed, coming = 0.0, iter(loader)
        while points := list(islice(coming, STEPS)):
            summed += float(learn(points))
    return summed / len(loader)


def predict(model, points):
    model.recurrent.reset_state()
    with dezero.no_grad():
        return np.array([float(model(point.reshape(1, 1))) for point in points])


def main(quick, compiled, picture):
    np.random.seed(0)
    test = SinCurve(train=False)
    noisy = (test.data[:, 0] + np.random.uniform(-0.05, 0.05, len(test))).astype(np.float32)
    clean = test.label[:, 0]  # what comes next

    def distance(points):
        return float(np.sqrt(np.mean((points - clean) ** 2)))

    repeated = distance(noisy)
    print(f"repeating the last point: {repeated:.4f} from the clean curve")
    curves = {}
    for name, kind in KINDS.items():
        model = Predictor(kind(50))
        loss = train(model, 15 if quick else 200, compiled)
        curves[name] = predict(model, noisy)
        print(f"{name:4}: training loss {loss:.5f}, {distance(curves[name]):.4f} from the curve")

    figure, both = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    for axes in both:
        axes.plot(noisy, ".", color="0.7", markersize=3, label="what the networks see")
        axes.plot(clean, color="black", linewidth=2, label="the clean cosine")
        for name, points in curves.items():
            axes.plot(points, linewidth=1.2, label=f"{name}, wrong by {distance(points):.4f}")
        axes.set(xlabel="step", ylabel="value")
    both[0].set(title="The next point, predicted", ylim=(-1.2, 1.2))
    both[0].legend(fontsize="small")
    both[1].set(title="A part of it", xlim=(620, 700), ylim=(-0.8, -0.2))
    figure.savefig(picture, dpi=100)

    for points in curves.values():
        assert distance(points) < (3 if quick else 0.9) * repeated


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="15 epochs instead of 200")
    parser.add_argument("--compile", action="store_true", help="run the step as native code")
    parser.add_argument("--picture", default="sine_rnn.png")
    options = parser.parse_args()
    main(options.quick, options.compile, options.picture)
