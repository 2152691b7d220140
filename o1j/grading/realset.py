"""Sets of real numbers as unions of intervals with exact ends: `(2, 12) ∪ (12, 102)`, `x ≥ 5`, `{-1} ∪ [0, 7)`."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from . import algebra
from .approx import approx
from .parse import Tree
from .shapes import symbols

Equal = Callable[[Tree, Tree], bool]
_INF: Tree = ("inf",)
_MINUS_INF: Tree = ("neg", ("inf",))
_FLIP = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "!=": "!=", "=": "="}


class NotASet(ValueError):
    """The tree can't be read as a set of real numbers."""


@dataclass(frozen=True, slots=True)
class Interval:
    """From `low` to `high`; the floats only order the exact trees."""

    low: Tree
    low_closed: bool
    high: Tree
    high_closed: bool
    start: float
    end: float


class RealSet:
    """Intervals in order, those that touch joined."""

    def __init__(self, intervals: list[Interval], equal: Equal) -> None:
        self.intervals: list[Interval] = []
        for new in sorted(intervals, key=lambda each: (each.start, not each.low_closed)):
            if new.start > new.end:
                continue
            if self.intervals and self._touch(self.intervals[-1], new, equal):
                self.intervals[-1] = _join(self.intervals[-1], new)
            else:
                self.intervals.append(new)

    def _touch(self, a: Interval, b: Interval, equal: Equal) -> bool:
        if b.start < a.end:
            return True
        return (a.high_closed or b.low_closed) and math.isclose(a.end, b.start, rel_tol=1e-9) and equal(a.high, b.low)

    def same(self, other: "RealSet", equal: Equal) -> bool:
        return len(self.intervals) == len(other.intervals) and all(
            a.low_closed == b.low_closed
            and a.high_closed == b.high_closed
            and _near(a.start, b.start)
            and _near(a.end, b.end)
            and equal(a.low, b.low)
            and equal(a.high, b.high)
            for a, b in zip(self.intervals, other.intervals, strict=True)
        )


def real_set(tree: Tree, equal: Equal) -> RealSet:
    """Read an interval, a union, a finite set, `x in S` or an inequality in one variable; raises `NotASet`."""
    return RealSet(_intervals(tree, equal), equal)


def _near(a: float, b: float) -> bool:
    return a == b or math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-12)


def _join(a: Interval, b: Interval) -> Interval:
    if b.end > a.end:
        return Interval(a.low, a.low_closed, b.high, b.high_closed, a.start, b.end)
    closed = a.high_closed or (b.high_closed and b.end == a.end)
    return Interval(a.low, a.low_closed, a.high, closed, a.start, a.end)


def _interval(low: Tree, low_closed: bool, high: Tree, high_closed: bool) -> Interval:
    start, end = approx(low), approx(high)
    if start is None or end is None:
        raise NotASet("ends are no real constants")
    return Interval(low, low_closed and math.isfinite(start), high, high_closed and math.isfinite(end), start, end)


def _intervals(tree: Tree, equal: Equal) -> list[Interval]:
    kind = tree[0]
    if kind == "seq" and len(tree) == 5:
        return [_interval(tree[3], tree[1] == "[", tree[4], tree[2] == "]")]
    if kind == "set":
        return [_interval(item, True, item, True) for item in tree[1:]]
    if kind == "cup":
        return [interval for part in tree[1:] for interval in _intervals(part, equal)]
    if kind == "minus":
        return _without(_intervals(tree[1], equal), _intervals(tree[2], equal))
    if kind == "where" and tree[1][0] in {"var", "rel"}:
        condition = tree[2]
        if condition[0] == "list":
            raise NotASet("several conditions")
        return _intervals(condition, equal)
    if kind == "rel":
        return _solutions(tree, equal)
    if kind == "list" and all(part[0] in {"rel", "seq", "cup"} for part in tree[1:]):
        found = [interval for part in tree[1:] for interval in _intervals(part, equal)]
        return _overlap(found) if len(found) == 2 and all(part[0] == "rel" for part in tree[1:]) else found
    raise NotASet(kind)


def _overlap(pair: list[Interval]) -> list[Interval]:
    """Two half-lines that together are the whole line were meant as one condition: `x > -1, x <= 4`."""
    first, second = sorted(pair, key=lambda each: each.start)
    if first.start == -math.inf and second.end == math.inf and second.start < first.end < math.inf:
        return [Interval(second.low, second.low_closed, first.high, first.high_closed, second.start, first.end)]
    return pair


def _without(whole: list[Interval], holes: list[Interval]) -> list[Interval]:
    """Cut points and intervals out of intervals."""
    result = list(whole)
    for hole in holes:
        cut: list[Interval] = []
        for part in result:
            if hole.end < part.start or part.end < hole.start:
                cut.append(part)
                continue
            closed = part.low_closed and (part.start < hole.start or not hole.low_closed)
            if part.start < hole.start or (part.start == hole.start and closed):
                end_closed = not hole.low_closed
                cut.append(Interval(part.low, part.low_closed, hole.low, end_closed, part.start, hole.start))
            if hole.end < part.end or (part.end == hole.end and part.high_closed and not hole.high_closed):
                cut.append(Interval(hole.high, not hole.high_closed, part.high, part.high_closed, hole.end, part.end))
        result = cut
    return result


def _solutions(tree: Tree, equal: Equal) -> list[Interval]:
    parts, ops = tree[1::2], tree[2::2]
    if any(part[:2] == ("fn", "call") and not set().union(*map(symbols, part[3:])) for part in parts):
        raise NotASet("about one value of a function")
    if ops == ("in",):
        return _intervals(parts[1], equal)
    if ops == ("=",) and parts[0][0] == "var":
        return [_interval(parts[1], True, parts[1], True)]
    if len(ops) == 1:
        return _half_line(parts[0], ops[0], parts[1])
    if len(ops) == 2 and (set(ops) <= {"<", "<="} or set(ops) <= {">", ">="}):
        low, middle, high = parts if ops[0] in {"<", "<="} else parts[::-1]
        first, second = ops if ops[0] in {"<", "<="} else ops[::-1]
        closed = first in {"<=", ">="}, second in {"<=", ">="}
        if middle[:2] == ("fn", "abs"):
            return _between(("neg", high), closed[1], middle[2], ("neg", low), closed[0]) + _between(
                low, closed[0], middle[2], high, closed[1]
            )
        return _between(low, closed[0], middle, high, closed[1])
    raise NotASet("inequality")


def _between(low: Tree, low_closed: bool, middle: Tree, high: Tree, high_closed: bool) -> list[Interval]:
    """low < middle < high, for a middle that is a name or linear in its one variable."""
    if approx(middle) is not None:
        raise NotASet("nothing unknown")
    if middle[0] in {"var", "fn", "div"}:
        return [_interval(low, low_closed, high, high_closed)]
    lower, op = _solve(("add", middle, ("neg", low)), ">")
    upper, _ = _solve(("add", middle, ("neg", high)), "<")
    if op == "<":
        return [_interval(upper, high_closed, lower, low_closed)]
    return [_interval(lower, low_closed, upper, high_closed)]


def _half_line(left: Tree, op: str, right: Tree) -> list[Interval]:
    if op not in _FLIP:
        raise NotASet(op)
    if approx(left) is not None and approx(right) is None:
        left, right, op = right, left, _FLIP[op]
    if left[:2] == ("fn", "abs") and approx(right) is not None:
        if op in {"<", "<="}:
            return _between(("neg", right), op == "<=", left[2], right, op == "<=")
        return _half_line(left[2], op, right) + _half_line(left[2], _FLIP[op], ("neg", right))
    if approx(right) is None or left[0] not in {"var", "fn"}:
        right, op = _solve(("add", left, ("neg", right)), op)
    if op == "!=":
        return [_interval(_MINUS_INF, False, right, False), _interval(right, False, _INF, False)]
    if op == "=":
        return [_interval(right, True, right, True)]
    if op in {"<", "<="}:
        return [_interval(_MINUS_INF, False, right, op == "<=")]
    return [_interval(right, op == ">=", _INF, False)]


def _solve(difference: Tree, op: str) -> tuple[Tree, str]:
    """For a difference a·x + b with rational a: the bound -b/a and the operator, turned round if a is negative."""
    try:
        num, den = algebra.Algebra().form(difference)
    except (ArithmeticError, RecursionError) as error:
        raise NotASet("no normal form") from error
    linear = [monomial for monomial in num if any(atom.startswith("s:") for atom, _ in monomial)]
    if den != algebra.ONE or len(linear) != 1 or len(linear[0]) != 1 or linear[0][0][1] != 1:
        raise NotASet("not linear in one variable")
    name, slope = linear[0][0][0][2:], num[linear[0]]
    rest = _at_zero(difference, name)
    bound: Tree = ("div", ("neg", rest), ("num", slope, 0))
    return bound, (_FLIP[op] if slope < 0 else op)


def _at_zero(tree: Tree, name: str) -> Tree:
    from fractions import Fraction

    if tree == ("var", name):
        return ("num", Fraction(0), 0)
    return tuple(_at_zero(part, name) if isinstance(part, tuple) else part for part in tree)
