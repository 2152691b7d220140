"""Floats near real constants, used only to put in order: ends of intervals, and leaders of classes."""

import math
from collections.abc import Callable, Iterable

from .parse import Tree

_FUNCTIONS = {
    "sin": math.sin, "cos": math.cos, "tan": math.tan, "arcsin": math.asin, "arccos": math.acos, "arctan": math.atan,
    "ln": math.log, "abs": abs, "floor": math.floor, "ceil": math.ceil, "sinh": math.sinh, "cosh": math.cosh,
    "tanh": math.tanh, "cot": lambda x: 1 / math.tan(x), "sec": lambda x: 1 / math.cos(x),
    "csc": lambda x: 1 / math.sin(x), "exact": lambda x: x,
}  # fmt: skip
_CONSTANTS = {"pi": math.pi, "e": math.e}


def approx(tree: Tree, add: Callable[[Iterable[float]], float] = sum) -> float | None:
    """A float near the value of a real constant (infinities included), or None; `add` may refuse by ArithmeticError."""
    try:
        value = _value(tree, add)
    except (ArithmeticError, ValueError, KeyError, IndexError, TypeError, RecursionError):
        return None
    return None if isinstance(value, complex) or math.isnan(value) else float(value)


def _value(tree: Tree, add: Callable[[Iterable[float]], float]) -> float:
    kind = tree[0]
    if kind == "num":
        return float(tree[1])
    if kind == "var":
        return _CONSTANTS[tree[1]]
    if kind == "inf":
        return math.inf
    if kind == "neg":
        return -_value(tree[1], add)
    if kind == "add":
        return add([_value(part, add) for part in tree[1:]])
    if kind == "mul":
        return math.prod(_value(part, add) for part in tree[1:])
    if kind == "div":
        return _value(tree[1], add) / _value(tree[2], add)
    if kind == "pow":
        base, exponent = _value(tree[1], add), _value(tree[2], add)
        return math.pow(base, exponent)
    if kind == "unit":
        factor = {"%": 0.01, "deg": 1.0}
        return _value(tree[1], add) * factor.get(tree[2], 1.0)
    if kind == "fn" and tree[1] == "root":
        base, index = _value(tree[2], add), _value(tree[3], add)
        return -math.pow(-base, 1 / index) if base < 0 and index % 2 == 1 else math.pow(base, 1 / index)
    if kind == "fn" and tree[1] == "log":
        return math.log(_value(tree[2], add)) / math.log(_value(tree[3], add))
    if kind == "fn":
        return _FUNCTIONS[tree[1]](_value(tree[2], add))
    raise KeyError(kind)
