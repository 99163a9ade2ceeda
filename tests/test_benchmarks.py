"""That all libraries do the same work, and what the benchmark concludes from what it measured."""

import xml.etree.ElementTree as ElementTree
from types import SimpleNamespace

import numpy as np
import pytest
import typer

from benchmarks import examples, profile, profiler, report, tables
from benchmarks.columns import BY_NAME, ROOT
from benchmarks.compiled import NotCompiledError, Watched, check
from benchmarks.modes import COMPILED, EAGER, MODES, NUMPY
from benchmarks.results import Result
from benchmarks.row import OURS, Row
from benchmarks.rows import ROWS
from benchmarks.rows.graph import NODES
from benchmarks.rows.products import PRODUCT
from benchmarks.rows.startup import COLD
from benchmarks.session import QUICK, Effort, agreeing, measure
from benchmarks.worker import serve
from dezero import Variable
from dezero.compiler import CompileWarning
from dezero.compiler.profile import KernelProfile, Profile

ROW = Row("work", "some work", "Works.", goals={"torch": 0.5}, compiled_goals={"torch": 0.25})
BY_KEY = {row.key: row for row in ROWS}
# Of rows that differ in sizes alone, one.
ALIKE = {"mlp-large", "mlp-large-adam", "mlp-wide", "gpt-4"}
COMPARED = [row.key for row in ROWS if {*OURS} <= row.cases.keys() and row.key not in ALIKE]
ONCE = Effort(rounds=1, slice=0, limit=0, least=1, checks=QUICK.checks, quick=True)


def measured(row: Row = ROW, **amounts: list[float]) -> Result:
    result = Result(row, 1)
    result.amounts = amounts
    return result


def test_rows_are_told_apart_and_know_their_columns():
    assert len({row.key for row in ROWS}) == len(ROWS)
    for row in ROWS:
        named = {*row.cases, *row.goals, *row.compiled_goals, *row.peak_goals, *row.absent}
        assert named <= BY_NAME.keys()
        assert row.cases.keys() & set(OURS)
        assert not row.cases.keys() & row.absent.keys()


def test_ratio_is_the_median_of_the_rounds():
    # round by round 0.5, 0.1 and 0.6; the ratio of the medians would be 0.4
    result = measured(ours=[1.0, 2.0, 3.0], torch=[2.0, 20.0, 5.0])
    ratio = result.ratio(EAGER, "torch")
    assert ratio is not None
    assert (ratio.low, ratio.median, ratio.high) == pytest.approx((0.3, 0.5, 0.55))


@pytest.mark.parametrize(("ours", "met"), [(0.9, True), (1.0, True), (1.1, False)])
def test_goal(ours, met):
    result = measured(ours=[ours], torch=[2.0])
    assert result.met(EAGER, "torch") is met
    assert result.met(COMPILED, "torch") is None


@pytest.mark.parametrize(
    ("ours", "compiled", "verdict"), [(1.0, 0.5, "yes"), (1.0, 0.6, "no"), (1.1, 0.5, "no")]
)
def test_verdict_is_of_all_modes(ours, compiled, verdict):
    result = measured(**{"ours": [ours], "ours.compile": [compiled], "torch": [2.0]})
    assert result.verdict == verdict


def test_numpy_executor_has_the_same_goal_in_every_row():
    for row in ROWS:
        assert NUMPY.goals(row) == ({"ours": 0.65} if "ours.numpy" in row.cases else {})


def test_goals_of_memory_and_of_seconds():
    row = Row("work", "some work", "Works.", peak_goals={"torch": 0.6}, at_most=0.1)
    result = measured(row, **{"ours.compile": [0.2]})
    assert (result.met_at_most(), result.met_peak("torch")) == (False, None)
    result.peaks = {"ours": 100, "ours.compile": 6, "torch": 10}
    assert result.met_peak("torch")
    assert "PyTorch ≤ 0.6: met" in tables.goals_of_peak(result)


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
    amounts = {"ours": [1e-3, 2e-3], "ours.compile": [1e-3, 1e-3], "torch": [4e-3, 4e-3]}
    result = measured(**amounts)
    result.reasons = {"jax": "records nothing"}
    page = report.write(tmp_path, [result], {"CPU": "fast"}, {"mygrad": "not installed"}, QUICK)
    text = page.read_text()
    assert "| some work | 1.50 ms | **0.38** (0.31 to 0.44) | PyTorch ≤ 0.5: met |" in text
    compiled = "| some work | 1.00 ms | **0.75** (0.62 to 0.88) | **0.25** (0.25 to 0.25) |"
    assert compiled + " PyTorch ≤ 0.25: met |" in text
    assert "- MyGrad: not installed." in text
    assert "- some work: JAX: records nothing." in text
    pictures = {mode.picture for mode in MODES if mode.picture}
    for picture in pictures:
        assert ElementTree.parse(tmp_path / picture).getroot().tag.endswith("svg")
    assert {path.name for path in tmp_path.iterdir()} == {"benchmarks.md", *pictures}


def test_speed_is_given_as_a_share_of_the_matrix_product():
    work = Row("work", "some work", "Works.", flops=6e9)
    results = [measured(PRODUCT, numpy=[0.02]), measured(work, torch=[0.1])]
    # 2 * 1024**3 operations in 0.02 s are 107.4 GFLOP/s; 6e9 in 0.1 s are 60
    assert "| some work | 6 | 60.0 (56%) | – |" in tables.speeds(results)


def test_flatness():
    results = [measured(row, ours=[c]) for row, c in zip(NODES, (4e-6, 3e-6, 6e-6), strict=True)]
    assert "DeZero 2.00" in report.flatness(results)
    assert report.flatness(results[:2]) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(2.5, "2.50 s"), (0.0123, "12.3 ms"), (4.567e-6, "4.57 µs"), (123.4e-6, "123 µs")],
)
def test_times_are_readable(seconds, text):
    assert tables.time_text(seconds) == text


@pytest.mark.parametrize("key", COMPARED)
def test_all_that_is_installed_computes_the_same(key):
    columns = [BY_NAME[name] for name in (*OURS, "torch", "jax.jit")]
    columns = [c for c in columns if c.name in BY_KEY[key].cases and not c.missing(None)]
    result = measure(BY_KEY[key], 1, columns, ONCE, None, lambda text: None)
    assert result.failures == {}
    assert result.amounts.keys() == {column.name for column in columns}


def test_steps_that_numpy_replays_instead_of_c_fail(monkeypatch):
    monkeypatch.setenv("CC", "false")
    columns = [BY_NAME["ours"], BY_NAME["ours.compile"]]
    result = measure(BY_KEY["seed"], 1, columns, ONCE, None, lambda text: None)
    assert "is replayed by NumPy" in result.failures["ours.compile"]
    assert result.amounts.keys() == {"ours"}
    assert result.broken
    result = measure(COLD[0], 1, columns, ONCE, None, lambda text: None)
    assert "is replayed by NumPy" in result.failures["ours.compile"]


def test_a_refused_step_fails():
    row = Row("dice", "dice", "Throws dice.")
    row.on("ours.numpy")(lambda setup: setup.wrap(lambda: Variable(np.random.rand(3))))
    told = []
    with pytest.warns(CompileWarning), pytest.raises(NotCompiledError, match="runs eagerly"):
        serve(row, BY_NAME["ours.numpy"], 1, 1, QUICK.checks, told.append)
    assert told == []


def test_a_step_that_is_not_compiled_or_not_replayed_fails():
    wrap = Watched("numpy")
    with pytest.raises(NotCompiledError, match="nothing to compile"):
        check(wrap)
    step = wrap(lambda: Variable(np.ones(3)) * 2)
    for _ in range(3):
        step()
        with pytest.raises(NotCompiledError, match="never replayed"):
            check(wrap)
    step()
    check(wrap)


def test_every_example_that_trains_is_measured():
    sources = {path.stem: path.read_text("utf-8") for path in ROOT.glob("examples/*.py")}
    assert examples.EXAMPLES.keys() == {n for n, text in sources.items() if '"--compile"' in text}


def test_example_is_trained_as_written_and_compiled():
    first, second = examples.measure("rosenbrock", turns=1, seconds=0.001, runs=1)
    assert (first.steps, second.steps) == (50_000, 8)  # though most of them are left out
    for part in (first, second):
        assert part.ratio.median > 0
        assert len(part.times["eager"]) == len(part.times["compiled"]) == 1


def test_example_whose_step_is_refused_fails(monkeypatch):
    monkeypatch.setenv("CC", "false")  # NumPy replays the steps
    with pytest.raises(examples.TrainerError, match=r"linear_regression, compiled: .*by NumPy"):
        examples.measure("linear_regression", turns=1, seconds=0.001, runs=1)


def test_compiling_has_paid_when_both_have_taken_the_same_time():
    part = examples.Part("`work`", {"eager": [2.0, 4.0, 3.0], "compiled": [1.0, 1.0, 0.5]})
    part.ends = [{"steps": 10, "learning": [3.0, 11.0]}]
    assert part.ratio.median == 4  # of 2, 4 and 6
    assert part.even() == 6  # 6 * 3 is 14 + 4 * 1
    assert examples.cells(part)[3:] == ["**4.00** (3.00 to 5.00)", "14.0 s", "6", "10"]
    part.times["compiled"] = [5.0, 5.0, 5.0]
    assert part.even() == np.inf


def test_table_takes_the_place_between_its_marks():
    page = examples.between_marks("a\n<!-- speed -->\nold\n<!-- /speed -->\nb\n", "new\n")
    assert page == "a\n<!-- speed -->\n\nnew\n\n<!-- /speed -->\nb\n"
    assert examples.between_marks(page, "new\n") == page
    with pytest.raises(ValueError, match="lacks the lines"):
        examples.between_marks("<!-- speed -->\n", "new\n")


def test_page_of_profiles():
    def kernel(number, group, share, flops, seconds, operation, moved=0):
        kind = {"matrix products": "matrix product", "loop nests": "loop nest"}.get(group, "set")
        lines = {"row.py:1": 1.0}
        return KernelProfile(
            number, kind, group, "2 x 3 x 4", share, seconds, flops, moved, (operation,), lines
        )

    kernels = (
        kernel(0, "matrix products", 0.3, 3 * 10**7, 3e-4, "matmul"),  # 100 GFLOP/s
        kernel(1, "matrix products", 0.2, 10**7, 2e-4, "2 matmul"),  # 50 GFLOP/s
        kernel(2, "loop nests", 0.1, 10**6, 1e-4, "exp", 10**6),
        kernel(3, "loop nests", 0.1, 10**6, 1e-4, "exp", 10**6),
        kernel(4, "copies", 0.05, 0, 5e-5, "set"),
    )
    made = Profile("step", "C", 1, 30, 1e-3, kernels, 0.0, 0.25)
    one = profile.Profiled(ROW, made, 1.1e-3, 120.0)
    text = profile.page([one], {"CPU": "fast"})
    # 4e7 operations in 0.5 ms are 80 GFLOP/s; at 120 GFLOP/s they would take 0.33 ms
    shares = "50.0% | 20.0% | 5.0% | 25.0%"
    assert (
        f"| some work | 1.10 ms | 1.00 ms | {shares} | 80.0 | 67% of 120 | 30.0% | 33.3% |" in text
    )
    assert "| matrix products | 2 | 50.0% | 500 µs | 80.0 |" in text
    assert "| loop nest 2 x 3 x 4 | 2 | 20.0% | 100 µs | 10.0 | 10.0 | `exp` |" in text
    assert "| CPU | fast |" in text


def test_a_row_is_profiled(monkeypatch):
    if why := BY_NAME["ours.compile"].missing(None):
        pytest.skip(why)
    monkeypatch.setattr(profiler, "SECONDS", 0)
    monkeypatch.setattr(profiler, "LEAST", 1)
    answer = profiler.profile("mlp-small", 4)
    assert answer["call"] > 0
    assert answer["peak"] > 0
    sizes = {k["size"] for k in answer["profile"]["kernels"] if k["kind"] == "matrix product"}
    assert {"4 x 64 x 64", "4 x 10 x 64", "64 x 10 x 4", "4 x 64 x 10", "64 x 64 x 4"} == sizes


def test_rows_that_can_not_be_profiled():
    assert set(profile.KEYS) <= {key for key, row in BY_KEY.items() if "ours.compile" in row.cases}
    with pytest.raises(typer.BadParameter, match="no row nothing, product; there are: "):
        profile.main(["nothing", "product"])
