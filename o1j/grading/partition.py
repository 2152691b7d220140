"""Which answers may be equal at all: constants whose values lie apart need not be compared.

Dividing n different answers into classes takes n²/2 comparisons; nearly all answers to one problem are numbers, and
their values, put in order, leave a few neighbours each. Everything else is compared with everything.
"""

import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from heapq import merge

from .answer import Answer
from .conventions import Conventions
from .parse import Tree

CANCELLED = 1e-4  # a sum that is smaller than its terms by this factor has lost too many digits to be trusted
FLOAT_ERROR = 1e-9
_CONSTANTS = {"pi": math.pi, "e": math.e}


class Leaders:
    """The first answer of each class, found again by what a new answer may be equal to."""

    def __init__(self, conventions: Conventions) -> None:
        rounding = 0.0 if conventions.rounding is None else 10.0 ** (1 - conventions.rounding)
        self.margin = 2 * max(float(conventions.tolerance), rounding, FLOAT_ERROR)
        self.texts: list[str] = []
        self.constants: list[tuple[float, int]] = []  # in order of value
        self.others: list[int] = []

    def add(self, text: str, value: float | None) -> int:
        """Open a class; returns its number."""
        number = len(self.texts)
        self.texts.append(text)
        if value is None:
            self.others.append(number)
        else:
            insort(self.constants, (value, number))
        return number

    def candidates(self, value: float | None) -> Iterator[int]:
        """The numbers of the classes that an answer may belong to, in order."""
        if value is None or self.margin >= 1:
            return iter(range(len(self.texts)))
        reach = abs(value) * self.margin / (1 - self.margin)
        first = bisect_left(self.constants, (value - reach, -1))
        last = bisect_right(self.constants, (value + reach, len(self.texts)))
        return merge(self.others, sorted(number for _, number in self.constants[first:last]))


def value_of(answer: Answer) -> float | None:
    """The value of an answer that is nothing but a real constant, to nine digits; None for any other."""
    if answer.tree is None or answer.letters or answer.content:
        return None
    try:
        value = _value(answer.tree)
    except (ArithmeticError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return value if math.isfinite(value) else None


def _value(tree: Tree) -> float:
    kind = tree[0]
    if kind == "num":
        return float(tree[1])
    if kind == "var":
        return _CONSTANTS[tree[1]]
    if kind == "neg":
        return -_value(tree[1])
    if kind == "add":
        terms = [_value(part) for part in tree[1:]]
        total = math.fsum(terms)
        if abs(total) <= CANCELLED * max(map(abs, terms)):
            raise ArithmeticError("cancelled")
        return total
    if kind == "mul":
        return math.prod(_value(part) for part in tree[1:])
    if kind == "div":
        return _value(tree[1]) / _value(tree[2])
    if kind == "pow":
        return math.pow(_value(tree[1]), _value(tree[2]))
    if kind == "fn" and tree[1] == "root":
        base, index = _value(tree[2]), _value(tree[3])
        return -math.pow(-base, 1 / index) if base < 0 and index % 2 == 1 else math.pow(base, 1 / index)
    raise KeyError(kind)
