"""Rosenbrock's valley by gradient descent and by Newton's method.

Gradient descent needs tens of thousands of steps along the curved valley; Newton's method, with
second derivatives from backpropagating through backpropagation, needs a handful.
"""

import argparse

import matplotlib
import numpy as np

import dezero
import dezero.functions as F
from dezero import Variable

matplotlib.use("Agg")
import matplotlib.pyplot as plt

START = np.array([0.0, 2.0])


def rosenbrock(p):
    return 100 * (p[1] - p[0] ** 2) ** 2 + (p[0] - 1) ** 2


def descend(p):
    p.cleargrad()
    rosenbrock(p).backward()
    p.data -= 0.001 * p.grad.data


def newton(p):
    p.cleargrad()
    rosenbrock(p).backward(create_graph=True)
    gradient, rows = p.grad, []
    for i in range(2):  # the Hessian, row by row
        p.cleargrad()
        gradient[i].backward()
        rows.append(p.grad.data)
    p.data -= np.linalg.solve(np.stack(rows), gradient.data)


def path(step, steps, compiled):
    """The start, and the places that so many steps lead to."""
    p = Variable(START.copy())
    places = [p.data.copy()]
    if compiled:
        step = dezero.compile(step)
    for _ in range(steps):
        step(p)
        places.append(p.data.copy())
    return np.array(places)


def main(quick, compiled, picture):
    slow = path(descend, 1000 if quick else 50_000, compiled)
    fast = path(newton, 8, compiled)
    print(f"gradient descent  {len(slow) - 1:6} steps: {slow[-1]}")
    print(f"Newton's method   {len(fast) - 1:6} steps: {fast[-1]}")

    x, y = np.meshgrid(np.linspace(-0.8, 1.6, 300), np.linspace(-0.5, 2.3, 300))
    height = rosenbrock(np.stack([x, y]))
    figure, axes = plt.subplots(figsize=(7, 5), layout="constrained")
    axes.contour(x, y, np.log10(height + 1e-3), levels=25, cmap="Greys", alpha=0.6)
    axes.plot(*slow.T, color="C0", label=f"gradient descent, {len(slow) - 1:,} steps")
    axes.plot(*fast.T, "o-", color="C1", label=f"Newton, {len(fast) - 1} steps")
    axes.plot(1, 1, "*", color="C3", markersize=14, label="minimum (1, 1)")
    axes.set(xlabel="x₀", ylabel="x₁", title="Two ways down Rosenbrock's valley")
    axes.legend(loc="upper right")
    figure.savefig(picture, dpi=120)

    value = rosenbrock(Variable(fast[-1]))
    assert float(F.sum(value)) < 1e-20
    assert np.abs(slow[-1] - 1).max() < (0.6 if quick else 0.01)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="1,000 steps of gradient descent")
    parser.add_argument("--compile", action="store_true", help="run the step as native code")
    parser.add_argument("--picture", default="rosenbrock.png")
    options = parser.parse_args()
    main(options.quick, options.compile, options.picture)
