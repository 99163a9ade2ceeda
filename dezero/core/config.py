"""Configuration of the running thread or async task; a new thread starts from the defaults."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any

from ..errors import ConfigError

SETTINGS: dict[str, ContextVar[bool]] = {
    "enable_backprop": ContextVar("enable_backprop", default=True),  # record the graph
    "train": ContextVar("train", default=True),  # dropout, batch norm: as in training
}
recording = SETTINGS["enable_backprop"].get


def setting(name: str) -> ContextVar[bool]:
    """The context variable behind a setting."""
    if name not in SETTINGS:
        raise ConfigError(f"Config has no {name!r}; the settings are {', '.join(SETTINGS)}")
    return SETTINGS[name]


class _Config:
    """The settings as attributes: `Config.train`, `Config.enable_backprop`."""

    def __getattr__(self, name: str) -> bool:
        return setting(name).get()

    def __setattr__(self, name: str, value: bool) -> None:
        setting(name).set(bool(value))


Config: Any = _Config()


@contextmanager
def using_config(name: str, value: bool) -> Iterator[None]:
    """Give the setting "enable_backprop" or "train" a value inside a `with` block."""
    token = setting(name).set(bool(value))
    try:
        yield
    finally:
        setting(name).reset(token)


def no_grad() -> AbstractContextManager[None]:
    """Compute without recording: `with dezero.no_grad(): y = model(x)`."""
    return using_config("enable_backprop", False)


def test_mode() -> AbstractContextManager[None]:
    """Behave as in prediction: dropout passes everything, batch norm uses its averages."""
    return using_config("train", False)
