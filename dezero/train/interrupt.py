"""Ctrl-C as a wish that is granted at the next good moment."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType


class Interrupt:
    """Inside `with`, the first Ctrl-C sets `requested` instead of raising KeyboardInterrupt.

    So a loop can finish its step and leave consistent weights. The second Ctrl-C raises as
    usual. Where Ctrl-C is not Python's business (another thread than the main one, a program
    that handles the signal itself), nothing changes.

    Attributes:
        requested: Whether Ctrl-C was pressed.

    >>> with Interrupt() as interrupt:
    ...     signal.raise_signal(signal.SIGINT)
    ...     interrupt.requested
    True
    """

    def __init__(self) -> None:
        self.requested = False
        self._active = False

    def __enter__(self) -> Interrupt:
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            try:
                signal.signal(signal.SIGINT, self._note)
            except ValueError:  # not the main thread, which alone gets signals
                return self
            self._active = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._restore()

    def _note(self, number: int, frame: FrameType | None) -> None:
        """Remember the wish; from now on Ctrl-C raises again."""
        self.requested = True
        self._restore()

    def _restore(self) -> None:
        """Give the signal back to Python."""
        if self._active:
            self._active = False
            signal.signal(signal.SIGINT, signal.default_int_handler)
