"""Says at the end of a run how much the sample catalogue was worth."""

from dezero.testing.catalogue import catalogue

DERIVED = ("test_catalogue.py", "test_compositions.py", "test_ops.py")


def pytest_terminal_summary(terminalreporter):
    reports = terminalreporter.stats.get("passed", [])
    derived = [r for r in reports if r.nodeid.split("::")[0].endswith(DERIVED)]
    if derived:
        ops = catalogue().values()
        samples = sum(len(op.samples) for op in ops)
        checks = f"{len(derived)} derived checks passed"
        terminalreporter.write_line(
            f"sample catalogue: {len(ops)} ops, {samples} samples, {checks}"
        )
