import math

import numpy as np
import pytest

from dezero.datasets import Spiral, get_spiral


@pytest.mark.parametrize(("train", "seed"), [(True, 1984), (False, 2020)])
def test_every_point_follows_the_formula_drawn_one_by_one(train, seed):
    x, t = get_spiral(train)
    generator = np.random.RandomState(seed)
    points, arms = [], []
    for j in range(3):
        for i in range(100):
            angle = 4 * j + 4 * (i / 100) + 0.2 * generator.randn()
            points.append((i / 100 * math.sin(angle), i / 100 * math.cos(angle)))
            arms.append(j)
    order = generator.permutation(300)
    assert x.dtype == np.float32
    assert np.allclose(x, np.array(points)[order], rtol=0, atol=1e-7)
    assert t.tolist() == [arms[place] for place in order]


def test_the_global_generator_goes_on_from_the_seed():
    np.random.seed(1984)
    np.random.randn(300)
    np.random.permutation(300)
    expected = np.random.rand()
    get_spiral(train=True)
    assert np.random.rand() == expected


def test_the_dataset_holds_these_points():
    for train in (True, False):
        x, t = get_spiral(train)
        spiral = Spiral(train=train)
        assert len(spiral) == 300
        assert np.array_equal(spiral.data, x)
        assert np.array_equal(spiral.label, t)
    assert not np.array_equal(Spiral().data, Spiral(train=False).data)
