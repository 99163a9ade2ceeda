"""The commands and their options."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from ..errors import DeZeroError

app = typer.Typer(
    pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]}
)


class Data(StrEnum):
    """What the demo can learn."""

    digits = "digits"
    fashion_mnist = "fashion-mnist"


def _show_version(wanted: bool) -> None:
    """Print the version and end."""
    if wanted:
        # by name: an import of the whole package is one of the doors above this floor
        print(f"dezero {import_module('dezero').__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def overview(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """DeZero, a deep learning framework that is defined by running it."""
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command()
def demo(
    data: Annotated[
        Data,
        typer.Option(help="8x8 handwriting that comes with DeZero, or 28x28 pictures of clothes."),
    ] = Data.digits,
    epochs: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="How often to go through the training images.",
            show_default="30 for digits, 10 for fashion-mnist",
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=2**32 - 1, help="Where all random numbers start.")
    ] = 0,
    out: Annotated[Path, typer.Option(help="The folder for pictures and weights.")] = Path(
        "dezero-demo"
    ),
) -> None:
    """Train a network on real images, then show and save what it has learned.

    Ctrl-C ends the training early and keeps what was reached.
    """
    from .demo import RECIPES, run_demo

    raise typer.Exit(run_demo(RECIPES[data], epochs, seed, out))


def run(arguments: Sequence[str]) -> int:
    """The exit code of a command line; errors are printed as one line."""
    try:
        return app(args=list(arguments), prog_name="dezero", standalone_mode=False) or 0
    except typer.TyperException as error:
        return _failed(error.format_message(), 2)
    except (DeZeroError, OSError) as error:
        return _failed(str(error), 1)


def _failed(message: str, code: int) -> int:
    """Print an error as one line."""
    print(f"dezero: {' '.join(message.split())}", file=sys.stderr)
    return code
