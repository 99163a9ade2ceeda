"""The demo learns what it says, and writes what it says."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from dezero.cli.demo import RECIPES, run_demo
from dezero.datasets import Digits

from .test_app import start

FILES = ["curves.png", "graph.png", "predictions.png", "weights.safetensors"]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.Popen, str, str, Path]:
    """`dezero demo` as it comes, in a process of its own: process, output, errors, folder."""
    folder = tmp_path_factory.mktemp("demo")
    with start("demo", cwd=folder) as process:
        output, error = process.communicate(timeout=600)
    return process, output, error, folder / "dezero-demo"


def test_ends_well_and_writes_its_files(demo: tuple) -> None:
    process, _, error, folder = demo
    assert (process.returncode, error) == (0, "")
    assert sorted(path.name for path in folder.iterdir()) == FILES
    for name in FILES[:3]:
        assert (folder / name).read_bytes().startswith(b"\x89PNG")


def test_prints_progress_results_and_where_the_files_are(demo: tuple) -> None:
    output, epochs = demo[1], RECIPES["digits"].epochs
    lines = [line for line in output.splitlines() if line.startswith("epoch ")]
    assert len(lines) == epochs
    for text in ("loss", "accuracy", "test loss", "images/s", "s left"):
        assert all(text in line for line in lines)
    assert "\x1b" not in output
    assert "17,226 parameters" in output  # 64*128+128 + 128*64+64 + 64*10+10
    for name in FILES:
        assert f"{Path('dezero-demo') / name}: " in output


def test_saved_weights_recognise_97_percent_of_the_test_digits(demo: tuple) -> None:
    _, output, _, folder = demo
    weights = load_file(folder / "weights.safetensors")
    test = Digits(train=False)
    y = test.images.reshape(-1, 64) / 16.0
    for i, layer in enumerate(("l0", "l3", "l6")):
        y = y @ weights[f"{layer}/W"].astype(float) + weights[f"{layer}/b"]
        y = np.maximum(y, 0) if i < 2 else y
    accuracy = np.mean(y.argmax(axis=1) == test.label)
    assert accuracy >= 0.97
    [shown] = re.findall(r"^ *test .* (\d+\.\d+) %", output, flags=re.MULTILINE)
    assert float(shown) == pytest.approx(100 * accuracy, abs=0.3)  # rounding may tip one image


class FewClothes(Digits):
    """40 images of another size and other names, none of which can be learned."""

    def prepare(self) -> None:
        random = np.random.RandomState(self.train)
        self.data = random.randint(0, 17, (40, 1, 28, 28)).astype(np.uint8)
        self.label = np.arange(40) % 10

    @staticmethod
    def labels() -> dict[int, str]:
        return {i: f"[cloth {i}]" for i in range(10)}


def test_other_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = replace(RECIPES["fashion-mnist"], dataset=FewClothes, batch_size=16)
    assert run_demo(recipe, 1, 0, tmp_path) == 0
    output = capsys.readouterr().out
    assert "40 images of 28x28 pixels" in output
    assert "[cloth 9]" in output
    assert sorted(path.name for path in tmp_path.iterdir()) == FILES


def test_the_seed_decides(tmp_path: Path) -> None:
    def weights(seed: int, folder: str) -> dict[str, np.ndarray]:
        run_demo(RECIPES["digits"], 1, seed, tmp_path / folder)
        return load_file(tmp_path / folder / "weights.safetensors")

    first, again, other = weights(1, "first"), weights(1, "again"), weights(2, "other")
    for name, array in first.items():
        np.testing.assert_array_equal(array, again[name])
    assert not np.array_equal(first["l0/W"], other["l0/W"])
