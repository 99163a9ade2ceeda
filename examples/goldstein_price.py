"""The Goldstein-Price function: a long formula, differentiated by one call, and its graph drawn.

At (1, 1) the gradient is (-5376, 8064). The picture is the graph that the formula left behind.
"""

import argparse

import numpy as np

from dezero import Variable
from dezero.utils import plot_dot_graph


def goldstein_price(x, y):
    left = 19 - 14 * x + 3 * x**2 - 14 * y + 6 * x * y + 3 * y**2
    right = 18 - 32 * x + 12 * x**2 + 48 * y - 36 * x * y + 27 * y**2
    return (1 + (x + y + 1) ** 2 * left) * (30 + (2 * x - 3 * y) ** 2 * right)


def main(quick, picture):
    x, y = Variable(np.array(1.0), name="x"), Variable(np.array(1.0), name="y")
    z = goldstein_price(x, y)
    z.name = "z"
    z.backward()
    print(f"f(1, 1) = {float(z)}, gradient = ({float(x.grad)}, {float(y.grad)})")
    plot_dot_graph(z, verbose=False, to_file=picture)

    minimum = goldstein_price(Variable(np.array(0.0)), Variable(np.array(-1.0)))
    assert (float(x.grad), float(y.grad)) == (-5376.0, 8064.0)
    assert float(minimum) == 3.0  # the known global minimum


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the same: it is quick")
    parser.add_argument("--picture", default="goldstein_price.png")
    options = parser.parse_args()
    main(options.quick, options.picture)
