"""The commands that judge the project, for a person and for `.ci/run` alike.

They run in the environment that nox itself is installed in:
`.venv/bin/pip install -e '.[test,dev]'`, then `.venv/bin/nox`, or `.venv/bin/nox -s lint`.
"""

import sys
from pathlib import Path

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "types", "imports", "tests"]

PYTHON = sys.executable


@nox.session
def lint(session: nox.Session) -> None:
    """Style, suspicious code, formatting."""
    session.run(PYTHON, "-m", "ruff", "check", "--quiet")
    session.run(PYTHON, "-m", "ruff", "format", "--check", "--quiet")


@nox.session
def types(session: nox.Session) -> None:
    """Static types: strict on the floors that everything stands on."""
    session.run(PYTHON, "-m", "mypy")


@nox.session
def imports(session: nox.Session) -> None:
    """The floors: imports go downward only."""
    session.run(str(Path(PYTHON).with_name("lint-imports")), "--no-logo")


@nox.session
def tests(session: nox.Session) -> None:
    """Tests and doctests, warnings as errors; arguments after `--` go to pytest."""
    session.run(PYTHON, "-m", "pytest", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """One tiny run of the benchmark, so that it never rots."""
    session.run(PYTHON, "-m", "benchmarks", "--quick")


@nox.session
def fix(session: nox.Session) -> None:
    """Format, and mend what ruff can mend by itself."""
    session.run(PYTHON, "-m", "ruff", "check", "--fix", "--quiet")
    session.run(PYTHON, "-m", "ruff", "format", "--quiet")
