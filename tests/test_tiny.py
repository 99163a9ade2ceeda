"""One path through everything, in two seconds."""

import numpy as np

import dezero
import dezero.functions as F
import dezero.layers as L
from dezero import DataLoader, datasets, models, optimizers


def test_one_path_through_everything(tmp_path):
    np.random.seed(0)
    train, test = datasets.Digits(train=True), datasets.Digits(train=False)
    model = models.Sequential(L.Linear(32), F.relu, L.Linear(10))
    optimizer = optimizers.Adam(alpha=0.01).setup(model)
    for _ in range(8):
        for x, t in DataLoader(train, 64):
            loss = F.softmax_cross_entropy(model(x), t)
            model.cleargrads()
            loss.backward()
            optimizer.update()
    with dezero.no_grad():
        x, t = next(iter(DataLoader(test, len(test), shuffle=False)))
        accuracy = float(F.accuracy(model(x), t))
    assert accuracy > 0.9

    path = tmp_path / "weights.safetensors"
    model.save_weights(path)
    twin = models.Sequential(L.Linear(32), F.relu, L.Linear(10))
    twin.load_weights(path)
    with dezero.no_grad():
        np.testing.assert_array_equal(twin(x).data, model(x).data)
