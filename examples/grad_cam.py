"""Where a convolutional network looks: Grad-CAM on Fashion-MNIST.

The network learns from single clothes what they are, and then sees four at once. The gradient of
a class's score by the last feature maps says how much each map speaks for that class; the maps,
added up with those weights, show where. `backward` throws such gradients on the way away, unless
it is told `retain_grad=True`. Where the pictures are not to be had, Digits takes their place.
"""

import argparse

import matplotlib
import numpy as np

import dezero.functions as F
import dezero.layers as L
from dezero import DataLoader, Model
from dezero.datasets import Digits, FashionMNIST
from dezero.errors import DownloadError
from dezero.optimizers import AdamW, WarmupCosine
from dezero.train import fit
from dezero.transforms import Compose, Normalize, ToFloat

matplotlib.use("Agg")
import matplotlib.pyplot as plt


class CNN(Model):
    def __init__(self):
        super().__init__()
        # without a bias, so that empty places say nothing
        self.convs = [L.Conv2d(n, kernel_size=3, pad=1, nobias=True) for n in (16, 32, 64)]
        self.out = L.Linear(10)

    def maps(self, x):
        for conv in self.convs:
            x = x if conv is self.convs[0] else F.pooling(x, 2, stride=2)
            x = 2**0.5 * F.relu(conv(x))  # rectifiers halve the variance
        return x

    def head(self, maps):
        return self.out(4 * F.mean(maps, axis=(2, 3)))  # a mean over places is small: enlarged

    def forward(self, x):
        return self.head(self.maps(x))


def load():
    try:
        scaled = Compose([ToFloat(), Normalize(0, 255)])
        return FashionMNIST(True, scaled), FashionMNIST(False, scaled)
    except DownloadError as error:
        print(f"{error}\nWithout Fashion-MNIST: learning Digits instead.")
        scaled = Compose([ToFloat(), Normalize(0, 16)])
        return Digits(True, scaled), Digits(False, scaled)


def four_at_once(dataset, count):
    """Images (count, 1, 2H, 2W) of four different things, and what they are: (count, 4)."""
    things, classes = [], []
    for _ in range(count):
        classes.append(np.random.permutation(10)[:4])
        things += [np.random.choice(np.flatnonzero(dataset.label == t)) for t in classes[-1]]
    x, _ = dataset.batch(things)
    _, _, H, W = x.shape
    x = x.reshape(count, 2, 2, H, W).swapaxes(2, 3)
    return x.reshape(count, 1, 2 * H, 2 * W), np.array(classes)


def grad_cam(model, x, t):
    """How much each place of the last maps speaks for the classes t: (N, H, W), from 0."""
    maps = model.maps(x)
    scores = model.head(maps)
    F.sum(scores[np.arange(len(x)), t]).backward(retain_grad=True)
    weights = maps.grad.data.mean(axis=(2, 3), keepdims=True)
    return np.maximum((weights * maps.data).sum(axis=1), 0)


def quarters(images):
    """The sum over each quarter of images (N, H, W): (N, 4)."""
    N, H, W = images.shape
    return images.reshape(N, 2, H // 2, 2, W // 2).sum(axis=(2, 4)).reshape(N, 4)


def without(x, quarter):
    """Images x, each with one of its quarters empty."""
    kept = (np.arange(4) != quarter[:, np.newaxis]).reshape(-1, 1, 2, 2)
    return x * kept.repeat(x.shape[2] // 2, axis=2).repeat(x.shape[3] // 2, axis=3)


def errors_of_means(train, test):
    """The share of test images that are nearer to the mean image of a wrong class."""
    (x, t), (y, u) = (part.batch(range(len(part))) for part in (train, test))
    means = np.array([x[t == k].mean(axis=0).ravel() for k in range(10)])
    nearest = (means**2).sum(axis=1) - 2 * y.reshape(len(y), -1) @ means.T
    return np.mean(nearest.argmin(axis=1) != u)


def draw(model, x, classes, names, picture):
    figure, axes = plt.subplots(len(x), 5, figsize=(10, 2.15 * len(x)), layout="constrained")
    for row, image, ts in zip(axes, x, classes, strict=True):
        for t, panel in zip([None, *ts], row, strict=True):
            panel.imshow(image[0], cmap="gray_r", extent=(0, 1, 0, 1))
            panel.axis("off")
            if t is not None:
                (heat,) = grad_cam(model, image[np.newaxis], [t])
                look = {"cmap": "inferno", "alpha": 0.7, "interpolation": "bilinear"}
                panel.imshow(heat, vmin=0, extent=(0, 1, 0, 1), **look)
                panel.set_title(f"Where is: {names[int(t)]}?", size=9)
    figure.savefig(picture, dpi=90)


def main(quick, compiled, picture):
    np.random.seed(0)
    train, test = load()
    count = 3000 if quick else 20000
    for part, n in ((train, count), (test, count // 3)):
        part.data = np.pad(part.data[:n], [(0, 0), (0, 0), (2, 2), (2, 2)])  # a space between
        part.label = part.label[:n]
    model = CNN()
    loader, in_order = DataLoader(train, 25 if quick else 50), DataLoader(test, 500, shuffle=False)
    optimizer = AdamW().setup(model)
    total = (epochs := max(3, 9000 // len(train))) * len(loader)
    optimizer.add_hook(WarmupCosine(optimizer, peak=0.015, warmup=total // 10, total=total))
    history = fit(model, optimizer, loader, epochs, test=in_order, compile=compiled)
    wrong, baseline = 1 - history.curves("accuracy")["test"][-1], errors_of_means(train, test)

    x, classes = four_at_once(test, 100)
    x, t = np.repeat(x, 4, axis=0), classes.ravel()  # ask for each of the four
    heat = quarters(grad_cam(model, x, t))
    found = np.mean(heat.argmax(axis=1) == np.arange(400) % 4)
    images = x, without(x, heat.argmax(axis=1)), without(x, heat.argmin(axis=1))
    scores = np.array([model(y).data[np.arange(400), t].mean() for y in images])
    hottest, coldest = scores[0] - scores[1:]
    print(f"{wrong:.3f} of the single test images are wrong; {baseline:.3f} by the nearest mean")
    print(f"{found:.3f} of the things are where the map of their class is hottest")
    print(f"the hottest quarter gives {hottest:.2f} to a score, the coldest {coldest:.2f}")
    draw(model, x[:16:4], classes[:4], test.labels(), picture)

    assert wrong < baseline * (0.75 if quick else 0.5)
    assert found > (2 / 3 if quick else 3 / 4)  # twice, three times as often as elsewhere
    assert hottest > 0 > coldest  # the one speaks for the class, the other against it


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="3,000 images instead of 20,000")
    parser.add_argument("--compile", action="store_true", help="run the step as native code")
    parser.add_argument("--picture", default="grad_cam.png")
    options = parser.parse_args()
    main(options.quick, options.compile, options.picture)
