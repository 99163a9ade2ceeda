"""Every example runs with --quick, compiled or not, keeps its promise and draws its picture."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted(path for path in ROOT.glob("examples/*.py") if path.stem != "__main__")
UNTRAINED = {"goldstein_price", "numerical_differentiation", "tanh_derivatives", "taylor_sine"}
TRAINING = [path for path in EXAMPLES if path.stem not in UNTRAINED]
OF_FASHION = [path for path in EXAMPLES if "FashionMNIST(" in path.read_text(encoding="utf-8")]

# Runs the program as on a machine where Fashion-MNIST is not installed.
WITHOUT_FASHION = """
import runpy, sys
from dezero.datasets import FashionMNIST
FashionMNIST._debian_folder = "nowhere"
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def run(program: list[str], folder: Path, **environment: str) -> str:
    """What the program prints, with warnings as errors and without a network."""
    picture = folder / "picture.png"
    done = subprocess.run(
        [sys.executable, "-W", "error", *program, "--quick", "--picture", str(picture)],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PYTHONUTF8": "1",
            "OPENBLAS_NUM_THREADS": "1",  # two threads on a busy core wait for each other
            "http_proxy": "http://127.0.0.1:9",  # nothing listens there: no downloads
            "https_proxy": "http://127.0.0.1:9",
            "no_proxy": "",
            **environment,
        },
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert picture.read_bytes().startswith(b"\x89PNG")
    return done.stdout


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_keeps_its_promise(path: Path, tmp_path: Path) -> None:
    run([str(path)], tmp_path)


@pytest.mark.parametrize("path", OF_FASHION, ids=lambda path: path.stem)
def test_digits_take_the_place_of_fashion(path: Path, tmp_path: Path) -> None:
    printed = run(["-c", WITHOUT_FASHION, str(path)], tmp_path, DEZERO_CACHE=str(tmp_path))
    assert "Digits instead" in printed


@pytest.mark.parametrize("path", TRAINING, ids=lambda path: path.stem)
def test_compiled_example_keeps_its_promise(path: Path, tmp_path: Path) -> None:
    # The digits are fewer. A step that is refused would be a warning, and so an error.
    program = ["-c", WITHOUT_FASHION, str(path), "--compile"]
    run(program, tmp_path, DEZERO_CACHE=str(tmp_path))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 150
