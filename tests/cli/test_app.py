"""The command line as a person meets it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import dezero
from dezero import cli
from dezero.cli.app import app, run
from dezero.cli.demo import RECIPES

ROOT = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-W", "error", "-c", "from dezero.cli import main; main()"]
ENVIRONMENT = {
    "PYTHONPATH": str(ROOT),
    "OPENBLAS_NUM_THREADS": "1",  # other tests may want the other cores
    "PYTHONUNBUFFERED": "1",
}


def start(*arguments: str, cwd: Path) -> subprocess.Popen[str]:
    """The program in a process of its own, without a terminal."""
    return subprocess.Popen(
        [*PROGRAM, *arguments],
        cwd=cwd,
        env=os.environ | ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"dezero {dezero.__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_help_names_the_commands(arguments: list[str]) -> None:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0
    assert "Train a network on real images" in result.output


def test_help_of_the_demo_names_its_options() -> None:
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["demo", "--help"])
    assert result.exit_code == 0
    for text in ("--data", "digits|fashion-mnist", "--epochs", "--seed", "--out", "dezero-demo"):
        assert text in result.output
    defaults = f"{RECIPES['digits'].epochs} for digits, {RECIPES['fashion-mnist'].epochs} for"
    assert defaults in result.output


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["demo", "--data", "cats"], "'cats' is not one of 'digits', 'fashion-mnist'"),
        (["demo", "--epochs", "0"], "--epochs"),
        (["demo", "--epochs", "many"], "--epochs"),
        (["demo", "--seed", "-1"], "--seed"),
        (["demo", "--seed", str(2**32)], "--seed"),
        (["demo", "--nonsense"], "--nonsense"),
        (["demo", "more"], "more"),
        (["train"], "train"),
    ],
)
def test_bad_options_get_one_clear_line(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    output, error = capsys.readouterr()
    assert output == ""
    assert complaint in error
    assert error.startswith("dezero: ")
    assert error.count("\n") == 1


def test_an_unwritable_folder_is_found_before_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    for out in (tmp_path / "file", tmp_path / "file" / "folder"):
        assert run(["demo", "--out", str(out)]) == 1
        output, error = capsys.readouterr()
        assert output == ""
        assert error.startswith(f"dezero: {out} is no folder to write into (")
        assert error.count("\n") == 1


def test_starting_up_is_cheap() -> None:
    code = "import sys, dezero.cli; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert not {"typer", "rich", "matplotlib"} & set(done.stdout.split())


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for another process")
def test_ctrl_c_ends_the_demo_cleanly_and_keeps_what_was_reached(tmp_path: Path) -> None:
    with start("demo", "--epochs", "100000", cwd=tmp_path) as process:
        assert process.stdout is not None
        while not process.stdout.readline().startswith("epoch"):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        output, error = process.communicate(timeout=300)
    assert process.returncode == cli.INTERRUPTED == 130
    assert error == ""
    assert "Stopped by Ctrl-C after" in output
    written = {path.name for path in (tmp_path / "dezero-demo").iterdir()}
    assert written == {"curves.png", "graph.png", "predictions.png", "weights.safetensors"}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for another process")
def test_ctrl_c_before_anything_happened_shows_no_traceback(tmp_path: Path) -> None:
    code = "import signal; from dezero.cli import main, app; import dezero.cli.demo as demo;"
    code += "demo._check_folder = lambda out: signal.raise_signal(signal.SIGINT); main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "demo"],
        cwd=tmp_path,
        env=os.environ | ENVIRONMENT,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
