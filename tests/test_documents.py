"""The documents say what is true: their programs run, and the README's two editions agree."""

import re
import textwrap
from pathlib import Path

import numpy as np
import pytest

import dezero
import dezero.functions as F
from dezero import Variable
from dezero.compiler import Step
from dezero.functions import elementwise
from dezero.testing.samples import elementwise as elementwise_samples

ROOT = Path(__file__).parents[1]


def programs(language: str, name: str) -> list[str]:
    """The fenced blocks of a language in a Markdown file at the root."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("language", "count"), [("sh", 2), ("python", 2), ("c", 1)])
def test_both_readmes_show_the_same_programs(language: str, count: int) -> None:
    shown = programs(language, "README.md")
    assert len(shown) == count
    assert programs(language, "README.ko.md") == shown


def test_define_by_run_prints_what_its_comments_say(capsys: pytest.CaptureFixture[str]) -> None:
    program = programs("python", "README.md")[0]
    exec(program, {})
    promised = re.findall(r"# (variable\(.*?\)):", program)
    assert capsys.readouterr().out.splitlines() == promised
    values = [float(re.sub(r"[^\d.]", "", text)) for text in promised]
    np.testing.assert_allclose(values, np.exp(0.5) * np.array([2.0, 8.0]), rtol=1e-14)


def test_the_readme_shows_the_c_of_its_graph() -> None:
    def step(x: np.ndarray) -> Variable:
        x = Variable(x)
        y = F.exp(x**2) ** 2
        y.backward()
        return x.grad

    compiled = dezero.compile(step)
    for _ in range(4):
        found = compiled(np.array(0.5))
        compiled.wait()
    np.testing.assert_allclose(found.data, 4 * 0.5 * np.exp(2 * 0.5**2), rtol=1e-14)
    (shown,) = programs("c", "README.md")
    text = textwrap.indent(shown, "    ")
    if compiled.source():  # there is a C compiler
        assert text in compiled.source()


def test_training_program_learns(capsys: pytest.CaptureFixture[str]) -> None:
    exec(programs("python", "README.md")[1], {})
    accuracy = float(re.sub(r"[^\d.]", "", capsys.readouterr().out))
    assert accuracy > 0.95


def labels(file: Path) -> list[str]:
    """The texts of a picture: elements of Graphviz, comments of matplotlib."""
    text = file.read_text(encoding="utf-8")
    return re.findall(r"<text .*?>(.*?)</text>|<!-- (.*?) -->", text)


def run_shown(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, *numbers: int) -> Step:
    """What programs of the page about the compiler compile; their pictures go to a folder."""
    monkeypatch.chdir(folder)
    found = {"__name__": "__main__"}
    for number in numbers:
        exec(compile(programs("python", "docs/compiler.md")[number], name, "exec"), found)
    (step,) = (x for x in found.values() if isinstance(x, Step))
    return step


def test_the_pictures_of_the_compiler_are_what_its_page_draws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wasmtime")
    step = run_shown("predict.py", tmp_path, monkeypatch, 1)
    if not step.source():
        pytest.skip("there is no C compiler: the page shows what it makes")
    page = (ROOT / "docs" / "compiler.md").read_text(encoding="utf-8")
    assert len(list(tmp_path.iterdir())) == 3
    for file in tmp_path.iterdir():
        assert f"](images/{file.name})" in page
        shown = labels(ROOT / "docs" / "images" / file.name)
        assert labels(file) == shown, "run the program of docs/compiler.md in docs/images"
    maximum, softmax, calls = programs("c", "docs/compiler.md")
    assert maximum in step.source()
    assert softmax in step.source()
    comments = re.findall(r"/\*.*?\*/", calls)
    assert comments == re.findall(r"/\* \d+: .*?\*/", step.source())
    assert all(call in step.source() for call in re.findall(r"^kernel\d+(?=\()", calls, re.M))


def test_the_page_about_the_compiler_trains_and_reports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = run_shown("train.py", tmp_path, monkeypatch, 2)
    (file,) = tmp_path.iterdir()
    page = (ROOT / "docs" / "compiler.md").read_text(encoding="utf-8")
    assert f"](images/{file.name})" in page
    assert labels(file)
    step(*np.zeros((2, 8, 64), int))
    head = step.report().splitlines()[1]
    assert head.split() == re.search(r"^path  executor .*$", page, re.M)[0].split()
    names = re.findall(
        r"^\| ([^|`]*) \| [^|]* \|$", page.split("## The report")[1].split("\n## ")[0], re.M
    )
    assert ", ".join(names[1:]).split(", ") == head.split()


def test_the_page_about_the_compiler_profiles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    step = run_shown("train.py", tmp_path, monkeypatch, 2, 3)
    page = (ROOT / "docs" / "compiler.md").read_text(encoding="utf-8")
    part = page.split("## Where the time goes")[1].split("\n## ")[0]
    files = {"compiler-memory-gpt.svg", "compiler-profile-gpt.svg"}
    assert {file.name for file in tmp_path.iterdir()} == files
    assert "](images/compiler-profile-gpt.svg)" in part
    if not step.source():
        pytest.skip("there is no C compiler: the page shows what it makes")
    shown = re.search(r"^```\n(train_step: .*?)^```$", part, re.M | re.DOTALL)[1]
    heads = [
        [line.split() for line in text.splitlines() if line.split()[:1] == ["share"]]
        for text in (shown, capsys.readouterr().out)
    ]
    assert heads[0] == heads[1]
    explained = re.findall(r"^\| ([^|]*) \| [^|]* \|$", part, re.M)[1:]
    assert {name for head in heads[0] for name in head} == set(", ".join(explained).split(", "))


def test_the_op_of_the_contributing_page_is_right() -> None:
    op, samples = programs("python", "CONTRIBUTING.md")
    module = dict(vars(elementwise))
    exec(op, module)
    entry = eval(samples, dict(vars(elementwise_samples)))
    for sample in entry.samples:
        (point,) = sample.args
        x = Variable(point)
        y = module[entry.name](x)
        np.testing.assert_allclose(y.data, entry.reference(point), rtol=1e-14)
        y.backward(create_graph=True)
        gx = x.grad
        np.testing.assert_allclose(gx.data, -2 * point * np.exp(-(point**2)), rtol=1e-14)
        x.cleargrad()
        gx.backward()
        second = (4 * point**2 - 2) * np.exp(-(point**2))
        np.testing.assert_allclose(x.grad.data, second, rtol=1e-13)


def test_the_table_of_dtypes_is_right() -> None:
    text = (ROOT / "docs" / "dtypes.md").read_text(encoding="utf-8")
    head, _, *rows = (line.strip("| ").split(" | ") for line in text.splitlines() if "|" in line)
    numbers = {"number `2`": 2, "number `2.0`": 2.0}
    assert len(rows) == 7
    for left, *results in rows:
        x = Variable(np.ones(3, left.strip("*")))
        for right, expected in zip(head[1:], results, strict=True):
            other = numbers[right] if right in numbers else Variable(np.ones(3, right))
            assert str((x + other).dtype) == expected
