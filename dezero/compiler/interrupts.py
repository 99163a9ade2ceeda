"""Ctrl-C: what must not be left half done is finished first."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Put off Ctrl-C until the end of the block. Only the main thread can get it.

    >>> with uninterrupted():
    ...     half = 1
    ...     half += 1
    >>> half
    2
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    late: list[tuple[Any, ...]] = []
    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler):  # ignored, or not Python's
        yield
        return
    signal.signal(signal.SIGINT, lambda *caught: late.append(caught))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if late:
            handler(*late[0])
