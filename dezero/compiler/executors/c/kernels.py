"""Convolutions and pooling in a schedule: which kernels it needs, and where their stages are."""

from __future__ import annotations

import ctypes
from math import prod
from typing import Any

from ...planning.fuse import Fusion, Nest
from ...planning.layout import CHANNELS_LAST, called
from ...planning.operations import FLOATS, dtype_name
from ...tracing.tape import Node
from .convolution import kernel as convolution
from .pooling import kernel as pooling
from .vectors import FLAGS, Kernel

CONVOLUTIONS = ("conv", "conv_transposed", "conv_weights")


class Kernels:
    """The kernels of the nests that are one call of a convolution or of pooling.

    Attributes:
        found: By the index of the nest.
        sizes: Bytes of scratch memory of each.
    """

    def __init__(self, fusion: Fusion) -> None:
        self.nodes = fusion.nodes
        self.found: dict[int, Kernel] = {}
        self.sizes: dict[int, int] = {}
        for nest in fusion.nests:
            node = self.nodes[nest.members[0]]
            if node.kind == "call" and node.op in CHANNELS_LAST and len(nest.members) == 1:
                kernel = self.kernel(node)
                if kernel is not None:
                    self.found[nest.index] = kernel

    def kernel(self, node: Node) -> Kernel | None:
        """The kernel of a call, or None where there is none for its dtypes."""
        kinds = {dtype_name(self.nodes[j].dtype) for j in (*node.ins, node.id)} - {"uint8", "int64"}
        if len(kinds) != 1 or not kinds <= set(FLOATS) or not prod(node.shape):
            return None
        shapes = [self.nodes[j].shape for j in (*node.ins, node.id)]
        if not all(map(prod, shapes)):
            return None
        args = [a for a in called(node).args if type(a).__name__ == "Window"]
        dtype = self.nodes[node.ins[0]].dtype
        if node.op in CONVOLUTIONS:
            groups = called(node).args[-1]
            return convolution(node.op, shapes, args[0], groups, dtype)
        return pooling(node.op, shapes, args[0], dtype)

    def scratch(self, nest: Nest, threads: int) -> int:
        """Bytes that a nest's kernel works with."""
        kernel = self.found.get(nest.index)
        size = kernel.scratch(threads) if kernel else 0
        self.sizes[nest.index] = size
        return size

    def sources(self) -> list[str]:
        """The texts of all kernels, each once."""
        return list(dict.fromkeys([kernel.source for kernel in self.found.values()]))

    def flags(self) -> tuple[str, ...]:
        """What the C compiler is told in addition."""
        return FLAGS if self.found else ()

    def addresses(self, loaded: list[Any]) -> dict[str, int]:
        """Where the stages are, in libraries in the order of `sources`."""
        of = dict(zip(self.sources(), loaded, strict=True))
        found = {}
        for kernel in self.found.values():
            for stage in kernel.stages:
                function = getattr(of[kernel.source], stage)
                found[stage] = ctypes.cast(function, ctypes.c_void_p).value or 0
        return found
