"""Linear regression by gradient descent: the first thing that learns.

100 points of y = 5 + 2 x plus noise in [0, 1): W tends to 2, b to 5.5.
"""

import argparse

import matplotlib
import numpy as np

import dezero
import dezero.functions as F
from dezero import Variable

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def main(quick, compiled, picture):
    np.random.seed(0)
    x = np.random.rand(100, 1)
    y = 5 + 2 * x + np.random.rand(100, 1)

    W, b = Variable(np.zeros((1, 1)), name="W"), Variable(np.zeros(1), name="b")

    def learn():
        loss = F.mean_squared_error(F.linear(x, W, b), y)
        W.cleargrad()
        b.cleargrad()
        loss.backward()
        W.data -= 0.1 * W.grad.data
        b.data -= 0.1 * b.grad.data
        return loss

    if compiled:
        learn = dezero.compile(learn)
    losses = [float(learn()) for _ in range(100)]
    print(f"W {float(W):.8f}, b {float(b):.8f}, loss {losses[-1]:.10f}")

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
    left.scatter(x, y, s=12, label="data")
    ends = np.array([[0.0], [1.0]])
    left.plot(ends, F.linear(ends, W, b).data, color="C1", label="learned line")
    left.set(xlabel="x", ylabel="y", title="Data and the line")
    left.legend()
    right.semilogy(losses)
    right.set(xlabel="step", ylabel="mean squared error", title="Learning")
    figure.savefig(picture, dpi=120)

    assert abs(float(W) - 2.11807369) < 5e-9
    assert abs(losses[-1] - 0.0790860651) < 5e-11


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the same: it is quick")
    parser.add_argument("--compile", action="store_true", help="run the step as native code")
    parser.add_argument("--picture", default="linear_regression.png")
    options = parser.parse_args()
    main(options.quick, options.compile, options.picture)
