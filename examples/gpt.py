"""A small GPT learns to write, character by character.

The text is the Python language reference, which every Python brings along for `help()`; `--text`
names any other. How good a model of text is, its loss says: the surprise at each character, in
nats. A model that knows nothing but how frequent each character is reaches the entropy of these
frequencies; one that also knows the character before reaches that of pairs.
"""

import argparse
import re
import textwrap
from pathlib import Path
from pydoc_data.topics import topics

import matplotlib
import numpy as np

import dezero
import dezero.functions as F
from dezero.models import GPT
from dezero.optimizers import AdamW, ClipGrad, WarmupCosine

matplotlib.use("Agg")
import matplotlib.pyplot as plt

BATCH = 16


def reference():
    """The Python language reference, without the indentation of its code and tables."""
    return re.sub(" +", " ", "\n\n".join(topics.values()))


def entropy(counts):
    """In nats, of what was counted so often."""
    p = counts[counts > 0] / counts.sum()
    return float(-(p * np.log(p)).sum())


def entropies(text, vocabulary):
    """Of one character, and of one character after the one before."""
    pairs = np.zeros((vocabulary, vocabulary))
    np.add.at(pairs, (text[:-1], text[1:]), 1)
    alone = entropy(pairs.sum(axis=0))
    return alone, entropy(pairs) - entropy(pairs.sum(axis=1))


def pieces_at(starts, text, model):
    """The pieces of the text that begin there, as long as the model sees and one more."""
    return text[np.add.outer(starts, np.arange(model.context + 1))]  # (N, T + 1)


def loss_of(model, pieces):
    """The mean surprise at each character of the pieces but the first ones."""
    logits = model(pieces[:, :-1])  # (N, T, V)
    return F.softmax_cross_entropy(logits.reshape(-1, logits.shape[-1]), pieces[:, 1:].reshape(-1))


def surprise(model, text):
    """The loss on all of `text`."""
    starts = np.arange(0, len(text) - model.context, model.context)
    with dezero.test_mode(), dezero.no_grad():
        parts = [pieces_at(some, text, model) for some in np.array_split(starts, 20)]
        return float(np.mean([float(loss_of(model, pieces)) for pieces in parts]))


def train(model, text, held_out, steps, compiled):
    optimizer = AdamW(beta2=0.99, weight_decay=0.1).setup(model)
    optimizer.add_hook(WarmupCosine(optimizer, peak=4e-3, warmup=steps // 10, total=steps))
    optimizer.add_hook(ClipGrad(1.0))

    def learn(pieces):
        loss = loss_of(model, pieces)
        model.cleargrads()
        loss.backward()
        optimizer.update()
        return loss

    if compiled:
        learn = dezero.compile(learn)
    losses, tested = [], {}
    for step in range(1, steps + 1):
        starts = np.random.randint(0, len(text) - model.context, BATCH)
        losses.append(float(learn(pieces_at(starts, text, model))))
        if step % (steps // 5) == 0:
            tested[step] = surprise(model, held_out)
            print(f"step {step:4}: loss {np.mean(losses[-100:]):.3f}, unseen {tested[step]:.3f}")
    return losses, tested


def draw(losses, tested, known, sample, picture):
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.5), layout="constrained")
    left.plot(losses, color="0.7", label="training")
    left.plot(*zip(*tested.items(), strict=True), "o-", label="unseen text")
    left.axhline(known[0], linestyle="--", color="black", label="knowing no other character")
    left.axhline(known[1], linestyle=":", color="black", label="knowing the one before")
    left.set(xlabel="step", ylabel="loss [nats per character]", title="Learning", ylim=(0, None))
    left.legend()
    right.axis("off")
    right.set_title("What it writes")
    lines = [piece for line in sample.splitlines() for piece in textwrap.wrap(line, 64) or [""]]
    right.text(0, 1, "\n".join(lines[:22]), va="top", family="monospace", size=9.5)
    figure.savefig(picture, dpi=100)


def main(quick, compiled, picture, path):
    np.random.seed(0)
    dezero.random.seed(0)  # of the samples
    written = path.read_text(encoding="utf-8") if path else reference()
    characters, text = np.unique(list(written), return_inverse=True)
    text, held_out = np.split(text, [len(text) * 9 // 10])
    held_out = held_out[: 5000 if quick else 50_000]
    known = entropies(text, len(characters))
    print(f"{len(text):,} characters to learn from, {len(characters)} different ones")
    print(f"entropy of characters {known[0]:.3f}, of pairs {known[1]:.3f} nats")

    if quick:
        model = GPT(len(characters), context=32, n_layers=1, n_heads=2, size=32)
    else:
        model = GPT(len(characters), context=64, n_layers=2, n_heads=4, size=128)
    losses, tested = train(model, text, held_out, 300 if quick else 1800, compiled)
    for temperature, top_k in ((1.0, None), (0.5, None), (0.8, 10)):
        numbers = model.generate(held_out[:20], 60 if quick else 600, temperature, top_k)
        sample = "".join(characters[numbers[20:]])
        print(f"\n--- temperature {temperature}, top {top_k or 'all'}:\n{sample}")
    draw(losses, tested, known, sample, picture)

    final = list(tested.values())[-1]
    assert final < (0.85 if quick else 0.5) * known[0]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="300 steps of a tiny model")
    parser.add_argument("--compile", action="store_true", help="run the step as native code")
    parser.add_argument("--picture", default="gpt.png")
    parser.add_argument("--text", type=Path, help="a UTF-8 text file to learn from")
    options = parser.parse_args()
    main(options.quick, options.compile, options.picture, options.text)
