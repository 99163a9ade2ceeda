"""`import dezero` loads NumPy and nothing else; the core is written with NumPy alone."""

import ast
import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest

import dezero

ROOT = Path(__file__).parents[1]


def loaded_by(statement: str) -> set[str]:
    """Top-level names of the modules that a fresh interpreter has loaded after statement."""
    program = f"import sys; {statement}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    return set(done.stdout.split())


def test_import_loads_numpy_and_nothing_else() -> None:
    loaded = loaded_by("import dezero")
    assert "numpy" in loaded
    assert loaded - loaded_by("import numpy") - sys.stdlib_module_names == {"dezero"}


def test_version_is_the_installed_one() -> None:
    try:
        installed = importlib.metadata.version("dezero")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("dezero is used from the checkout, it is not installed")
    assert dezero.__version__ == installed


def test_package_is_typed() -> None:
    assert (ROOT / "dezero" / "py.typed").is_file()


CORE = sorted((ROOT / "dezero" / "core").glob("*.py"))


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.name)
def test_core_uses_only_numpy_and_the_standard_library(path: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            imported.add((node.module or "").partition(".")[0])
    assert imported - sys.stdlib_module_names <= {"numpy"}
