"""What a person, or a log file, gets to see."""

import io
import re

import pytest
from rich.console import Console

from dezero.train import Bar, Epoch, Lines, progress_on

HALF = Epoch(0.5, 0.25, 500, {"loss": 1.25, "accuracy": 0.5})
WHOLE = Epoch(1.0, 0.5, 1000, {"loss": 1.0, "accuracy": 0.625}, {"loss": 1.5, "accuracy": 0.6})


def test_lines(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines("images")
    lines.begin(20, 4)
    lines.step(HALF)
    lines.epoch(WHOLE)
    lines.end()
    shown = capsys.readouterr().out
    assert re.sub(r"\d+ s left", "N s left", shown) == (
        "epoch  1/20 | loss 1.0000  accuracy 62.5 % | test loss 1.5000  accuracy 60.0 %"
        " | 2,000 images/s | N s left\n"
    )


def test_a_line_for_a_part_of_an_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines()
    lines.begin(20, 4)
    lines.epoch(HALF)
    assert capsys.readouterr().out.startswith("epoch 0.5/20 | loss 1.2500  accuracy 50.0 % | 2,000")


@pytest.mark.parametrize("width", [60, 80, 120])
def test_bar(width: int) -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=width, color_system=None)
    bar = Bar("images", console)
    bar.begin(20, 4)
    bar.step(HALF)
    bar.epoch(WHOLE)
    bar.end()
    last = re.sub(r"\x1b\[[\d;?]*\w", "", screen.getvalue()).splitlines()[-1].split("\r")[-1]
    assert last.startswith("epoch 1/20")
    assert len(last) <= width
    if width >= 80:
        assert "loss 1.0000  accuracy 62.5 %  2,000 images/s" in last
        assert last.rstrip().endswith("left")


def test_bar_draws_only_now_and_then() -> None:
    screen = io.StringIO()
    bar = Bar("images", Console(file=screen, force_terminal=True, width=80))
    bar.begin(1, 1000)
    for i in range(1, 1001):
        bar.step(Epoch(i / 1000, i / 1000, i, {"loss": 1.0}))
    bar.end()
    assert screen.getvalue().count("epoch") < 50


def test_pipes_get_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert isinstance(progress_on(), Lines)


def test_terminals_get_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert isinstance(progress_on(), Bar)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(progress_on(), Lines)
