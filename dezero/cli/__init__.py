"""The command line: `dezero demo`, `dezero --version`."""

from __future__ import annotations

import sys

INTERRUPTED = 130  # what shells expect of a program that Ctrl-C ended


def main() -> None:
    """Run the command line; every error is one line, and nothing shows a traceback."""
    try:
        from .app import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = INTERRUPTED
    sys.exit(code)
