"""Floating-point values of real constants, only ever used to put the ends of intervals in order."""

import math

from .parse import Tree

_FUNCTIONS = {
    "sin": math.sin, "cos": math.cos, "tan": math.tan, "arcsin": math.asin, "arccos": math.acos, "arctan": math.atan,
    "ln": math.log, "abs": abs, "floor": math.floor, "ceil": math.ceil, "sinh": math.sinh, "cosh": math.cosh,
    "tanh": math.tanh, "cot": lambda x: 1 / math.tan(x), "sec": lambda x: 1 / math.cos(x),
    "csc": lambda x: 1 / math.sin(x), "exact": lambda x: x,
}  # fmt: skip
_CONSTANTS = {"pi": math.pi, "e": math.e}


def approx(tree: Tree) -> float | None:
    """A float near the value of a real constant (infinities included), or None."""
    try:
        value = _value(tree)
    except (ArithmeticError, ValueError, KeyError, IndexError, TypeError, RecursionError):
        return None
    return None if isinstance(value, complex) or math.isnan(value) else float(value)


def _value(tree: Tree) -> float:
    kind = tree[0]
    if kind == "num":
        return float(tree[1])
    if kind == "var":
        return _CONSTANTS[tree[1]]
    if kind == "inf":
        return math.inf
    if kind == "neg":
        return -_value(tree[1])
    if kind == "add":
        return sum(_value(part) for part in tree[1:])
    if kind == "mul":
        return math.prod(_value(part) for part in tree[1:])
    if kind == "div":
        return _value(tree[1]) / _value(tree[2])
    if kind == "pow":
        base, exponent = _value(tree[1]), _value(tree[2])
        return math.pow(base, exponent)
    if kind == "unit":
        factor = {"%": 0.01, "deg": 1.0}
        return _value(tree[1]) * factor.get(tree[2], 1.0)
    if kind == "fn" and tree[1] == "root":
        base, index = _value(tree[2]), _value(tree[3])
        return -math.pow(-base, 1 / index) if base < 0 and index % 2 == 1 else math.pow(base, 1 / index)
    if kind == "fn" and tree[1] == "log":
        return math.log(_value(tree[2])) / math.log(_value(tree[3]))
    if kind == "fn":
        return _FUNCTIONS[tree[1]](_value(tree[2]))
    raise KeyError(kind)
