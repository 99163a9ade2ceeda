"""A sine that a Python loop computes, and the graph that the loop leaves behind.

The series stops when a term is below a threshold: which operations there are depends on the
values, and the graph is that of this run. Its derivative is the cosine, to the same accuracy.
"""

import argparse
import math

import numpy as np

from dezero import Variable
from dezero.utils import plot_dot_graph


def sine(x, threshold):
    y = 0
    for i in range(1000):
        term = (-1) ** i / math.factorial(2 * i + 1) * x ** (2 * i + 1)
        y = y + term
        if abs(float(term)) < threshold:
            return y, i + 1
    raise ArithmeticError("the series did not converge")


def main(quick, picture):
    for threshold in (1e-2, 1e-4, 1e-8, 1e-15):
        x = Variable(np.array(math.pi / 4), name="x")
        y, terms = sine(x, threshold)
        y.backward()
        errors = abs(float(y) - math.sqrt(0.5)), abs(float(x.grad) - math.sqrt(0.5))
        print(f"{threshold:.0e}: {terms} terms, error {errors[0]:.1e}, of slope {errors[1]:.1e}")
    assert max(errors) < 1e-14

    x = Variable(np.array(math.pi / 4), name="x")
    y, _ = sine(x, 1e-2)
    y.name = "y"
    plot_dot_graph(y, verbose=False, to_file=picture)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the same: it is quick")
    parser.add_argument("--picture", default="taylor_sine.png")
    options = parser.parse_args()
    main(options.quick, options.picture)
