"""What the benchmark concludes from what it measured; the measuring itself is tried by `nox`."""

import xml.etree.ElementTree as ElementTree
from types import SimpleNamespace

import pytest

from benchmarks import report
from benchmarks.columns import BY_NAME
from benchmarks.results import Result
from benchmarks.row import Row
from benchmarks.rows import ROWS
from benchmarks.rows.graph import NODES
from benchmarks.session import QUICK, agreeing

ROW = Row("work", "some work", "Works.", goals={"torch": 0.5})


def measured(row: Row = ROW, **amounts: list[float]) -> Result:
    result = Result(row, 1)
    result.amounts = amounts
    return result


def test_rows_are_told_apart_and_know_their_columns():
    assert len({row.key for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert {*row.cases, *row.goals, *row.absent} <= BY_NAME.keys()
        assert "ours" in row.cases
        assert not row.cases.keys() & row.absent.keys()


def test_ratio_is_the_median_of_the_rounds():
    # round by round 0.5, 0.1 and 0.6; the ratio of the medians would be 0.4
    result = measured(ours=[1.0, 2.0, 3.0], torch=[2.0, 20.0, 5.0])
    ratio = result.ratio("torch")
    assert ratio is not None
    assert (ratio.low, ratio.median, ratio.high) == pytest.approx((0.3, 0.5, 0.55))


@pytest.mark.parametrize(("ours", "verdict"), [(0.9, "yes"), (1.0, "yes"), (1.1, "no")])
def test_goal(ours, verdict):
    assert measured(ours=[ours], torch=[2.0]).verdict == verdict


def test_goal_without_the_peer_is_not_called_met():
    assert measured(ours=[1.0]).verdict == "not measured"


def test_who_computes_something_else_is_not_compared():
    result = measured()
    result.values = {"ours": [1.0, 2.0], "torch": [1.0, 2.00001], "jax": [1.0, 2.1]}
    workers = [SimpleNamespace(column=BY_NAME[name]) for name in result.values]
    assert [w.column.name for w in agreeing(ROW, result, workers)] == ["ours", "torch"]
    assert result.failures == {"jax": "computes [1, 2.1] where ours has [1, 2]"}
    assert result.broken


def test_page(tmp_path):
    result = measured(ours=[1e-3, 2e-3], torch=[4e-3, 4e-3])
    result.reasons = {"jax": "records nothing"}
    page = report.write(tmp_path, [result], {"CPU": "fast"}, {"mygrad": "not installed"}, QUICK)
    text = page.read_text()
    assert "| some work | 1.50 ms | **0.38** (0.31 to 0.44) | PyTorch ≤ 0.5: met |" in text
    assert "- MyGrad: not installed." in text
    assert "- some work: JAX: records nothing." in text
    assert ElementTree.parse(tmp_path / "benchmarks.svg").getroot().tag.endswith("svg")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["benchmarks.md", "benchmarks.svg"]


def test_flatness():
    results = [measured(row, ours=[c]) for row, c in zip(NODES, (4e-6, 3e-6, 6e-6), strict=True)]
    assert "DeZero 2.00" in report.flatness(results)
    assert report.flatness(results[:2]) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(2.5, "2.50 s"), (0.0123, "12.3 ms"), (4.567e-6, "4.57 µs"), (123.4e-6, "123 µs")],
)
def test_times_are_readable(seconds, text):
    assert report.time_text(seconds) == text
