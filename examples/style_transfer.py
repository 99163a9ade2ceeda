"""A photograph, painted anew in the strokes of another picture, by gradient descent on pixels.

How a picture is painted is kept in the Gram matrices of feature maps: which features come together,
wherever that is. The features are random mixtures of the principal components of the painting's
patches: they need no training.
"""

import argparse

import matplotlib
import numpy as np
from PIL import Image

import dezero
import dezero.functions as F
from dezero import Layer, Parameter
from dezero.optimizers import Adam, WarmupCosine

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.cbook import get_sample_data
from matplotlib.collections import LineCollection

NIGHT = np.array(["#0b1d51", "#1d4e89", "#3f88c5", "#8ecae6", "#f4d35e", "#f7b801", "#fdf6d8"])
PARTS = 60  # principal components of patches, of 147
THRESHOLD = 1.2  # in standard deviations of a feature: only what is striking counts


def as_batch(image, size):
    return np.asarray(image.resize(size), np.float32).transpose(2, 0, 1)[np.newaxis] / 255


def photograph(size):
    """Admiral Grace Hopper; the photograph comes with Matplotlib."""
    with get_sample_data("grace_hopper.jpg") as file, Image.open(file) as image:
        return as_batch(image.convert("RGB").crop((40, 0, 500, 520)), size)


def painting(size):
    rng = np.random.default_rng(1)
    centres, at = rng.uniform(0, 1, (6, 2)), rng.uniform(-0.05, 1.05, (3000, 2))
    away = at[:, np.newaxis] - centres
    distance = np.sqrt((away**2).sum(axis=2))
    pull = np.exp(-((distance / 0.22) ** 2))[..., np.newaxis] * [1, -1] * away[..., ::-1]
    flow = pull.sum(axis=1) / 0.22 + [0.12, 0.03]
    flow *= 0.04 / np.linalg.norm(flow, axis=1, keepdims=True)
    near = distance.min(axis=1)
    light = 1.6 + 1.2 * np.cos(near * 40) + 3 * np.exp(-near / 0.06) + rng.normal(0, 0.8, 3000)
    figure = plt.figure(figsize=(5, 5), dpi=100, facecolor=NIGHT[0])
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, 1), ylim=(0, 1), frameon=False)
    strokes = LineCollection(np.stack([at - flow, at + flow], axis=1), linewidths=7)
    strokes.set_color(NIGHT[np.clip(light, 0, 6).astype(int)])
    axes.add_collection(strokes)
    figure.canvas.draw()
    return as_batch(Image.fromarray(np.array(figure.canvas.buffer_rgba())[..., :3]), size)


def sizes(x):
    return [F.average_pooling(x, scale, stride=scale) for scale in (1, 2, 4, 8)]


def patch_features(style, kernels):
    """Kernels, and what to add so that each feature of the painting has mean 0."""
    patches = np.lib.stride_tricks.sliding_window_view(style, (7, 7), axis=(1, 2))
    patches = patches.transpose(1, 2, 0, 3, 4).reshape(-1, 147)
    variance, directions = np.linalg.eigh(np.cov(patches.T))
    parts = directions[:, -PARTS:] / np.sqrt(PARTS * (variance[-PARTS:] + 0.005))
    W = (np.random.randn(kernels, PARTS) @ parts.T).astype(np.float32)
    return W.reshape(-1, 3, 7, 7), -W @ patches.mean(axis=0)


def grams(features, x):
    """How strongly each two features come together in the picture, at each of four sizes."""
    for y, (W, b) in zip(sizes(x), features, strict=True):
        maps = F.relu(F.conv2d(y, W, b, pad=3) - THRESHOLD)
        rows = maps.reshape(maps.shape[1], -1)
        yield F.matmul(rows, rows.T) / rows.shape[1]


def content(x):
    """A small copy without colours, of mean 0 and variance 1."""
    grey = F.average_pooling(F.mean(x, axis=1, keepdims=True), 6, stride=6)
    return (grey - F.mean(grey)) / F.sqrt(F.var(grey))


def difference(y, target):
    return F.sum((y - target) ** 2) / np.sum(target**2)


class Canvas(Layer):
    """The pixels to be found: at first the photograph in grey, as bright as the painting."""

    def __init__(self, photo, style):
        super().__init__()
        grey = photo.mean(axis=1, keepdims=True)
        mean, deviation = (f(style, axis=(2, 3), keepdims=True) for f in (np.mean, np.std))
        start = np.clip(mean + deviation * (grey - grey.mean()) / grey.std(), 0.05, 0.95)
        self.paint = Parameter(np.log(start / (1 - start)))

    def forward(self):
        return F.sigmoid(self.paint)


def transfer(features, photo, style, steps, compiled):
    shown, painted = content(photo).data, [gram.data for gram in grams(features, style)]
    canvas = Canvas(photo, style)
    optimizer = Adam().setup(canvas)
    optimizer.add_hook(WarmupCosine(optimizer, peak=0.08, warmup=5, total=steps))

    def learn():
        x = canvas()
        pairs = zip(grams(features, x), painted, strict=True)
        losses = difference(content(x), shown), sum(difference(gram, g) for gram, g in pairs)
        canvas.cleargrads()
        (losses[0] + 20 * losses[1]).backward()
        optimizer.update()
        return losses

    if compiled:
        learn = dezero.compile(learn)
    history = [[float(loss) for loss in learn()] for _ in range(steps)]
    return canvas().data, history[0], history[-1]


def main(quick, compiled, picture):
    np.random.seed(0)
    size = (84, 96) if quick else (168, 192)
    photo, style = photograph(size), painting(size)
    features = [patch_features(y.data[0], 16 if quick else 48) for y in sizes(style)]
    image, first, last = transfer(features, photo, style, 30 if quick else 100, compiled)
    other = float(difference(content(style), content(photo).data))
    print(f"style: at first {first[1]:.3f} from the painting, at last {last[1]:.3f}")
    print(f"content: {last[0]:.3f} from the photograph; the painting is {other:.3f} from it")
    figure, axes = plt.subplots(1, 3, figsize=(10, 4.1), layout="constrained")
    for panel, shown in zip(axes, (photo, style, image), strict=True):
        panel.imshow(shown[0].transpose(1, 2, 0), interpolation="bicubic")
        panel.axis("off")
    figure.savefig(picture, dpi=80)
    assert last[1] < first[1] / 4 and last[0] < other / 5


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="30 steps of a small picture")
    parser.add_argument("--compile", action="store_true", help="run the step as native code")
    parser.add_argument("--picture", default="style_transfer.png")
    options = parser.parse_args()
    main(options.quick, options.compile, options.picture)
