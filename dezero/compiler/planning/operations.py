"""Operations: what a loop of native code can compute, and the C for it."""

from __future__ import annotations

from functools import cache
from typing import Any

from ..tracing.tape import Node
from .layout import node_size

FLOATS = ("float32", "float64")
TYPES = {
    "float32": "float",
    "float64": "double",
    "int64": "int64_t",
    "int32": "int32_t",
    "bool": "boolean",
    "uint8": "uint8_t",
}
NUMERIC = ("float32", "float64", "int64", "int32", "bool")
# One C expression each: a and b are the operands in the loop's type T, F is its suffix.
ANY = {
    "add": "a + b",
    "subtract": "a - b",
    "multiply": "a * b",
    "negative": "-a",
    "positive": "a",
    "square": "a * a",
    "greater": "a > b",
    "greater_equal": "a >= b",
    "less": "a < b",
    "less_equal": "a <= b",
    "equal": "a == b",
    "not_equal": "a != b",
    "logical_and": "a && b",
    "logical_or": "a || b",
    "logical_not": "!a",
    "logical_xor": "!a != !b",
    "maximum": "a >= b ? a : b",
    "minimum": "a <= b ? a : b",
}
WHOLE = {
    "bitwise_and": "a & b",
    "bitwise_or": "a | b",
    "bitwise_xor": "a ^ b",
}
REAL = {
    "divide": "a / b",
    "sqrt": "__builtin_sqrtF(a)",
    "absolute": "__builtin_fabsF(a)",
    "fabs": "__builtin_fabsF(a)",
    "reciprocal": "1 / a",
    "sign": "a != a ? a : (T)((a > 0) - (a < 0))",
    "isnan": "a != a",
    "exp": "exp_T(a)",
    "log": "log_T(a)",
    "log1p": "log1p_T(a)",
    "tanh": "tanh_T(a)",
    "floor": "__builtin_floorF(a)",
    "ceil": "__builtin_ceilF(a)",
    "trunc": "__builtin_truncF(a)",
    "rint": "__builtin_rintF(a)",
}
EXTREMES = {"maximum": "max_T(a, b)", "minimum": "min_T(a, b)"}  # of floating-point numbers
# libm's, which are not vectorised: no slower than NumPy's for few numbers only
FEW = {"power": "powF(a, b)"} | {
    name: f"{c}F(a)"
    for name, c in {
        "sin": "sin",
        "cos": "cos",
        "tan": "tan",
        "arctan": "atan",
        "sinh": "sinh",
        "cosh": "cosh",
        "expm1": "expm1",
        "log2": "log2",
        "log10": "log10",
        "exp2": "exp2",
    }.items()
}
FEW_NUMBERS = 64
POWERS = {
    2.0: "a * a",
    3.0: "a * a * a",
    4.0: "(a * a) * (a * a)",
    -1.0: "1 / a",
    -2.0: "1 / (a * a)",
}
REDUCTIONS = ("add", "maximum", "minimum")
DEAR = ("exp", "log", "log1p", "tanh", "divide", "sqrt", "reciprocal", "power")
CHEAP = (*ANY, *WHOLE, "absolute", "fabs", "isnan")


@cache
def dtype_name(dtype: Any) -> str:
    """A dtype's name, which NumPy makes anew each time."""
    return str(dtype)


def is_loop(node: Node, nodes: list[Node]) -> bool:
    """Whether a node can be part of a loop nest."""
    inside = [nodes[j] for j in node.ins]
    if any(dtype_name(n.dtype) not in NUMERIC for n in (node, *inside)):
        return False
    if node.kind == "ufunc":
        return bool(node_size(node)) and expression(node, nodes) is not None
    if node.kind in ("cast", "where"):
        return bool(node_size(node))
    if node.kind == "reduce" and node.op in REDUCTIONS:
        source = inside[0]
        numeric = dtype_name(node.dtype) in (*FLOATS, "int64") and source.dtype == node.dtype
        return bool(numeric and node_size(source))
    return False


def expression(node: Node, nodes: list[Node]) -> str | None:
    """The C of a ufunc, or None where there is none."""
    loop = dtype_name(node.attr[0])
    same = node.attr[0] == node.attr[len(node.ins) - 1]
    if not same or any(dtype_name(d) not in NUMERIC for d in node.attr):
        return None
    if node.op == "power" and loop in FLOATS:
        exponent = nodes[node.ins[1]]
        if exponent.kind == "const" and exponent.shape == ():
            found = POWERS.get(float(exponent.attr))
            if found:
                return found
    if node.op in EXTREMES and loop in FLOATS:
        return EXTREMES[node.op]
    if node.op in FEW and node_size(node) <= FEW_NUMBERS:
        return FEW[node.op] if loop in FLOATS else None
    if node.op in REAL:
        return REAL[node.op] if loop in FLOATS else None
    if node.op in WHOLE:
        return WHOLE[node.op] if loop not in FLOATS else None
    if loop == "bool" and node.op in ("add", "subtract", "multiply", "negative", "square"):
        return None
    return ANY.get(node.op)


def is_cheap(node: Node) -> bool:
    """Whether it costs less to compute again than to keep."""
    return node.kind in ("cast", "where") or (node.kind == "ufunc" and node.op in CHEAP)


def cost(node: Node) -> int:
    """What one element costs, in about a nanosecond's eighth."""
    return 8 if node.op in DEAR or node.op in FEW else 1
