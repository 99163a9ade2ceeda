"""What the compiler's tests share."""

from contextlib import nullcontext

import pytest

from dezero.compiler import path


@pytest.fixture(autouse=True)
def waits_for_the_compiler(monkeypatch):
    """Replays are C from the first on, so that it is C that is tested, not NumPy meanwhile."""
    monkeypatch.setattr(path, "deferring", nullcontext)
