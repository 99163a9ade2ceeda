"""The README says what is true: its programs run, and its two editions agree."""

import re
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]


def programs(language: str, name: str) -> list[str]:
    """The fenced blocks of a language in a Markdown file at the root."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("language", ["sh", "python"])
def test_both_editions_show_the_same_programs(language: str) -> None:
    shown = programs(language, "README.md")
    assert len(shown) == 2
    assert programs(language, "README.ko.md") == shown


def test_define_by_run_prints_what_its_comments_say(capsys: pytest.CaptureFixture[str]) -> None:
    program = programs("python", "README.md")[0]
    exec(program, {})
    promised = re.findall(r"# (variable\(.*?\)):", program)
    assert capsys.readouterr().out.splitlines() == promised
    values = [float(re.sub(r"[^\d.]", "", text)) for text in promised]
    np.testing.assert_allclose(values, np.exp(0.5) * np.array([2.0, 8.0]), rtol=1e-14)


def test_training_program_learns(capsys: pytest.CaptureFixture[str]) -> None:
    exec(programs("python", "README.md")[1], {})
    accuracy = float(re.sub(r"[^\d.]", "", capsys.readouterr().out))
    assert accuracy > 0.95
