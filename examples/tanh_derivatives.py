"""tanh and its first six derivatives, each the backward pass of the one before.

`backward(create_graph=True)` records the backward pass as a graph, so it can be differentiated
in turn, as often as one likes.
"""

import argparse

import matplotlib
import numpy as np

import dezero.functions as F
from dezero import Variable

matplotlib.use("Agg")
import matplotlib.pyplot as plt

ORDER = 6


def main(quick, picture):
    x = Variable(np.linspace(-3, 3, 61 if quick else 601))
    y = F.tanh(x)
    curves = [y.data]
    for _ in range(ORDER):
        x.cleargrad()
        y.backward(create_graph=True)
        y = x.grad
        curves.append(y.data)

    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for n, curve in enumerate(curves):
        scale = np.abs(curve).max()
        label = "tanh" if n == 0 else f"order {n}, largest {scale:.3g}"
        axes.plot(x.data, curve / scale, label=label, color=plt.cm.viridis(n / ORDER))
    axes.set(xlabel="x", ylabel="value / largest value", title="tanh and its derivatives")
    axes.legend(fontsize="small")
    figure.savefig(picture, dpi=120)

    # the sixth derivative as a polynomial in t = tanh(x), from d/dx p(t) = p'(t) (1 - t^2)
    polynomial = np.polynomial.Polynomial([0, 1])
    for _ in range(ORDER):
        polynomial = polynomial.deriv() * np.polynomial.Polynomial([1, 0, -1])
    error = np.abs(curves[-1] - polynomial(np.tanh(x.data))).max()
    print(f"largest error of the 6th derivative: {error:.1e} of {np.abs(curves[-1]).max():.1f}")
    assert error < 1e-10


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer points")
    parser.add_argument("--picture", default="tanh_derivatives.png")
    options = parser.parse_args()
    main(options.quick, options.picture)
