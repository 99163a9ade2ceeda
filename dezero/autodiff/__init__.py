"""What reads and runs graphs: finding writes into arrays, derivatives of whole functions."""

from .debug import debug_mode

__all__ = ["debug_mode"]
