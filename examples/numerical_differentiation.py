"""Numerical differentiation against backpropagation: how the step size decides the error.

f(x) = (exp(x^2))^2 at 0.5. Central differences are wrong by truncation for large steps and by
rounding for small ones; backpropagation is right to the last digits.
"""

import argparse
import math

import matplotlib
import numpy as np

import dezero.functions as F
from dezero import Variable

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def f(x):
    return F.square(F.exp(F.square(x)))


def central_difference(x, step):
    upper, lower = f(Variable(np.array(x + step))), f(Variable(np.array(x - step)))
    return (float(upper) - float(lower)) / (2 * step)


def main(quick, picture):
    x = Variable(np.array(0.5))
    f(x).backward()
    exact = 4 * 0.5 * math.exp(2 * 0.5**2)
    print(f"exact            {exact:.16f}")
    print(f"backpropagation  {float(x.grad):.16f}")

    steps = np.logspace(-13, -0.5, 20 if quick else 200)
    errors = [max(abs(central_difference(0.5, h) - exact), 1e-17) for h in steps]
    best = int(np.argmin(errors))
    print(f"best difference  {central_difference(0.5, steps[best]):.16f}  (step {steps[best]:.1e})")

    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    axes.loglog(steps, errors, label="central differences")
    axes.axhline(max(abs(float(x.grad) - exact), 1e-17), color="C1", label="backpropagation")
    axes.set(xlabel="step h", ylabel="absolute error", title="Derivative of (exp(x²))² at 0.5")
    axes.legend()
    figure.savefig(picture, dpi=120)

    assert abs(float(x.grad) - exact) < 1e-14
    assert errors[best] < 1e-9


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer points")
    parser.add_argument("--picture", default="numerical_differentiation.png")
    options = parser.parse_args()
    main(options.quick, options.picture)
