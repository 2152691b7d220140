"""Are two parsed answers equal? Kinds first (numbers, collections, intervals, statements), then exact algebra,
then a worker process for identities that have no normal form.

Equality is symmetric. What counts as the same answer beyond mathematical identity is stated in `Conventions`.
"""

import time
from fractions import Fraction
from itertools import pairwise, permutations, product

from . import algebra, matrix, sandbox
from .conventions import Conventions
from .parse import Tree, substitute
from .realset import NotASet, real_set
from .shapes import (
    FLIPPED,
    ascending,
    clash,
    digits_of,
    flatten,
    flipped,
    named_value,
    on_the_24_hour_clock,
    permutations_called,
    scalar,
    scaled,
    sign_of_infinity,
    spread,
    symbols,
    values_of,
    written_out,
)
from .units import measure

MAX_ITEMS = 100
MAX_CONSTANTS = 3
FLOAT_DIGITS = 12
_RADIANS = {"rad", "rads", "radian", "radians"}
_COLLECTIONS = {"list", "seq", "set", "cup", "cap", "minus", "where", "mat"}
_REMAINDERS = {("fn", "residue"), ("fn", "mod")}


class Comparison:
    """Compares trees under one set of conventions; `timed_out` tells whether a worker had to be killed."""

    def __init__(self, conventions: Conventions) -> None:
        self.conventions = conventions
        self.timed_out = False
        self.deadline = time.monotonic() + conventions.timeout

    def equal(self, a: Tree, b: Tree) -> bool:
        """Whether two answers are equal; False with `timed_out` set where that could not be found out."""
        if a == b:
            return True
        if self.timed_out or time.monotonic() > self.deadline:
            self.timed_out = True
            return False
        a, b = scaled(matrix.evaluate(a)), scaled(matrix.evaluate(b))
        for rule in (self._spread, self._units, self._statements, self._collections):
            verdict = rule(a, b)
            if verdict is not None:
                return verdict
        return self._scalars(a, b)

    # -- plus-minus

    def _spread(self, a: Tree, b: Tree) -> bool | None:
        spread_a, spread_b = spread(a), spread(b)
        if spread_a is a and spread_b is b:
            return None
        return self.equal(spread_a, spread_b)

    # -- units

    def _units(self, a: Tree, b: Tree) -> bool | None:
        if a[0] != "unit" and b[0] != "unit":
            return None
        if a[0] != "unit":
            a, b = b, a
        core, unit = a[1], a[2]
        if self.conventions.units == "ignored" and unit not in {"%", "deg"}:
            return self.equal(core, b[1] if b[0] == "unit" else b)
        if b[0] == "unit":
            return self._two_units(core, unit, b[1], b[2])
        if b[0] == "list" and unit in {"%", "deg"}:
            return all(self.equal(a, item) for item in b[1:])
        if b[0] not in {"num", "add", "mul", "div", "neg", "pow", "fn", "var", "base", "ratio", "inf"}:
            if b[0] == "rel":
                return None
            return self.equal(core, b) if unit not in {"%", "deg"} else False
        if unit == "%":
            return self._percent(core, b)
        if unit in {"am", "pm"}:
            times = {on_the_24_hour_clock(core, unit)[1:3], core[1:3]}
            return b[:1] == core[:1] == ("ratio",) and len(b) == 3 and b[1:] in times
        if unit == "deg":
            return self.equal(core, b) or self._scalars(a, b)
        if self.conventions.units == "required":
            return False
        if self.equal(core, b):
            return True
        if len(unit) == 1 and unit.isascii():
            return self._scalars(("mul", core, ("var", unit)), b)
        return False

    def _percent(self, core: Tree, bare: Tree) -> bool:
        mode = self.conventions.percent
        if mode != "unit" and self._scalars(("unit", core, "%"), bare):
            return True
        if mode == "value":
            return False
        value = algebra.rational(bare)
        if mode == "either" and value is not None and abs(value) < 1:
            return False
        return self.equal(core, bare)

    def _two_units(self, a: Tree, unit_a: str, b: Tree, unit_b: str) -> bool:
        if unit_a == unit_b:
            return self.equal(a, b)
        if "%" in {unit_a, unit_b} or {unit_a, unit_b} == {"am", "pm"}:
            return False
        if "deg" in {unit_a, unit_b} and _RADIANS & {unit_a, unit_b}:
            a, b = (("unit", x, unit) if unit == "deg" else x for x, unit in ((a, unit_a), (b, unit_b)))
            return self._scalars(a, b)
        size_a, size_b = measure(unit_a), measure(unit_b)
        if size_a and size_b:
            if size_a[0] != size_b[0]:
                return False
            return self.equal(("mul", ("num", size_a[1], 0), a), ("mul", ("num", size_b[1], 0), b))
        return self.equal(a, b)

    # -- equations, inequalities

    def _statements(self, a: Tree, b: Tree) -> bool | None:
        if a[0] != "rel" and b[0] != "rel":
            return None
        if "list" in {a[0], b[0]} and (ascending(a) or ascending(b)):
            return self._in_order(ascending(a) or a[1:], ascending(b) or b[1:])
        named_a, named_b = named_value(a), named_value(b)
        if named_a and named_b:
            return self._two_named(a, named_a, b, named_b)
        if named_a or named_b:
            if named_b:
                a, b, named_a = b, a, named_b
            if b[0] != "rel":
                return any(self.equal(value, b) for value in named_a[1])
        if a[0] == "rel" and b[0] == "rel":
            if all(op == "=" for op in (*a[2::2], *b[2::2])) and len(a) == len(b) == 4:
                return self._same_equation(a, b)
            sets = self._real_sets(a, b)
            if sets is not None:
                return sets
            return self._same_relation(a, b)
        return self._real_sets(a, b) or False

    def _two_named(self, a: Tree, named_a: tuple, b: Tree, named_b: tuple) -> bool:
        (name_a, values_a), (name_b, values_b) = named_a, named_b
        renamed = self._same_name(name_a, name_b)
        if renamed is not None:
            pairs = [(substitute(x, renamed[0]), substitute(y, renamed[1])) for x in values_a for y in values_b]
            if any(self.equal(x, y) for x, y in pairs):
                return True
            bound = substitute(name_a, renamed[0])
            return name_a[:2] == ("fn", "call") and any(self._same_family(x, y, bound) for x, y in pairs)
        constant = all(not symbols(value) for value in (*values_a, *values_b))
        graph = {name_a[:2], name_b[:2]} >= {("var", "y"), ("fn", "call")}
        if graph or (constant and not clash(name_a, name_b)):
            return any(self.equal(x, y) for x in values_a for y in values_b)
        if len(a) == len(b) == 4 and a[2] == b[2] == "=":
            return self._same_equation(a, b)
        return False

    def _same_name(self, a: Tree, b: Tree) -> tuple[dict, dict] | None:
        """None where two left-hand sides differ; else the renamings of their bound variables that make them one."""
        if a == b and a[:2] != ("fn", "call"):
            return {}, {}
        if a[:3] != b[:3] or a[:2] != ("fn", "call") or len(a) != len(b):
            return None
        if any(x[0] != "var" or y[0] != "var" for x, y in zip(a[3:], b[3:], strict=True)):
            return ({}, {}) if a == b else None
        # Names of their own, since one side's variable may be the other's constant: f(m) = km, f(k) = ak.
        fresh = [("var", f"#{place}") for place in range(len(a[3:]))]
        return tuple({old[1]: new for old, new in zip(side[3:], fresh, strict=True)} for side in (a, b))

    def _same_family(self, a: Tree, b: Tree, function: Tree) -> bool:
        """`cx + d` and `ax + b`, for the values of f(x): the same but for the names of its constants.

        Only names that the other side does not use are exchanged: where both have a and b, these were given; and
        not the argument's, since x is no constant.
        """
        left, right = (symbols(tree) - symbols(function) for tree in (a, b))
        ours, theirs = sorted(left - right), sorted(right - left)
        if not ours or len(ours) != len(theirs) or len(ours) > MAX_CONSTANTS:
            return False
        return any(
            self.equal(a, substitute(b, {name: ("var", new) for name, new in zip(theirs, order, strict=True)}))
            for order in permutations(ours)
        )

    def _same_equation(self, a: Tree, b: Tree) -> bool:
        """Equations are the same if one is a multiple of the other: l₁ - r₁ = c (l₂ - r₂)."""
        left, right = ("add", a[1], ("neg", a[3])), ("add", b[1], ("neg", b[3]))
        if not scalar(left) or not scalar(right):
            return self.equal(a[1], b[1]) and self.equal(a[3], b[3])
        verdict = algebra.proportional(left, right)
        return self._ask("proportional", left, right) if verdict is None else verdict

    def _same_relation(self, a: Tree, b: Tree) -> bool:
        """Chains of comparisons term by term, in either direction; single ones also as multiples of each other."""
        for candidate in (b, flipped(b)):
            if a[2::2] == candidate[2::2] and self._in_order(a[1::2], candidate[1::2]):
                return True
        if len(a) != 4 or len(b) != 4 or a[2] not in FLIPPED or b[2] not in FLIPPED:
            return False
        if not all(scalar(part) for part in (a[1], a[3], b[1], b[3])):
            return False
        left, right = ("add", a[1], ("neg", a[3])), ("add", b[1], ("neg", b[3]))
        return any(
            a[2] == op and algebra.proportional(left, right, sign) for sign, op in ((1, b[2]), (-1, FLIPPED[b[2]]))
        )

    # -- collections

    def _collections(self, a: Tree, b: Tree) -> bool | None:
        kinds = {a[0], b[0]}
        if not kinds & _COLLECTIONS:
            return None
        if kinds & {"cup", "cap", "minus"} or "where" in kinds:
            return self._sets(a, b)
        if a[0] == b[0] == "mat":
            return self._rows(a, b)
        if "mat" in kinds:
            return self._vector(a, b) if a[0] == "mat" else self._vector(b, a)
        if a[0] == b[0] == "seq":
            return self._sequences(a, b)
        if "seq" in kinds:
            if "list" in kinds:
                if all(item[0] == "rel" and item[2] != "=" for item in (a if a[0] == "list" else b)[1:]):
                    return self._real_sets(a, b) or False
                first, second = a[1:] if a[0] == "list" else a[3:], b[1:] if b[0] == "list" else b[3:]
                if "[" in (*a[1:2], *b[1:2]) or len(first) != len(second):
                    return False
                return self._in_order(values_of(first), values_of(second))
            return self._real_sets(a, b) if kinds == {"seq", "set"} else False
        if kinds == {"list"} or kinds == {"list", "set"} or kinds == {"set"}:
            return self._unordered(a, b)
        single, many = (a, b) if a[0] not in _COLLECTIONS else (b, a)
        if many[0] == "list" and all(self.equal(single, item) for item in many[1:]):
            return True
        if len(many) == 2:
            return self.equal(single, many[1])
        if len(many) == 3 and many[0] == "list":
            return self._decimal_comma(single, many)
        return False

    def _decimal_comma(self, single: Tree, pair: Tree) -> bool:
        """`1,22` beside 1.22 or 61/50: two items are a number with a decimal comma if the other side has that value."""
        whole, decimals = pair[1], pair[2]
        if single[0] == "unit":
            single = single[1]
        if decimals[0] == "unit":
            decimals = decimals[1]
        digits = decimals[3] if decimals[:2] == ("fn", "digits") else None
        if digits is None or whole[0] != "num" or whole[2] or single == whole:
            return False
        return algebra.same(single, ("num", Fraction(f"{whole[1]}.{digits}"), len(digits))) is True

    def _sets(self, a: Tree, b: Tree) -> bool:
        verdict = self._real_sets(a, b)
        if verdict is not None:
            return verdict
        if a[0] == b[0] and len(a) == len(b):
            return self._match(a[1:], b[1:]) if a[0] in {"cup", "cap"} else self._in_order(a[1:], b[1:])
        return False

    def _real_sets(self, a: Tree, b: Tree) -> bool | None:
        """Compare as sets of real numbers; None where one of them is none that can be read as one."""
        try:
            return real_set(a, self.equal).same(real_set(b, self.equal), self.equal)
        except NotASet:
            return None

    def _rows(self, a: Tree, b: Tree) -> bool:
        return len(a) == len(b) and all(
            len(x) == len(y) and self._in_order(x, y) for x, y in zip(a[1:], b[1:], strict=True)
        )

    def _vector(self, matrix: Tree, other: Tree) -> bool:
        """A matrix of one row or column beside a tuple or a bare list."""
        rows = matrix[1:]
        if other[0] == "seq" and all(item[0] == "seq" for item in other[3:]):
            return len(rows) == len(other[3:]) and all(
                self._in_order(row, item[3:]) for row, item in zip(rows, other[3:], strict=True)
            )
        entries = rows[0] if len(rows) == 1 else tuple(row[0] for row in rows if len(row) == 1)
        if other[0] == "seq":
            return len(entries) == max(len(rows), len(rows[0])) and self._in_order(entries, other[3:])
        if other[0] == "list":
            return len(entries) == max(len(rows), len(rows[0])) and self._in_order(entries, other[1:])
        return len(rows) == len(rows[0]) == 1 and self.equal(rows[0][0], other)

    def _sequences(self, a: Tree, b: Tree) -> bool:
        if len(a) == len(b) == 5 and a[1:3] != b[1:3]:
            return False
        first, second = values_of(a[3:]), values_of(b[3:])
        return self._in_order(first, second) or self._same_track(first, second)

    def _same_track(self, a: tuple, b: tuple) -> bool:
        """`(t, 2t)` and `(k, 2k)`: points that one parameter runs through, under another name."""
        ours, theirs = set().union(*map(symbols, a)), set().union(*map(symbols, b))
        if len(ours) != 1 or len(theirs) != 1 or ours == theirs:
            return False
        if any(sum(bool(symbols(item)) for item in items) < 2 for items in (a, b)):
            return False
        return self._in_order(a, substitute(b, {theirs.pop(): ("var", ours.pop())}))

    def _in_order(self, a: tuple, b: tuple) -> bool:
        return len(a) == len(b) and all(self.equal(x, y) for x, y in zip(a, b, strict=True))

    def _unordered(self, a: Tree, b: Tree) -> bool:
        items_a, items_b = flatten(a), flatten(b)
        by_name = self._by_name(items_a, items_b)
        if by_name is not None:
            return by_name
        by_unit = self._by_unit(items_a, items_b)
        if by_unit is not None:
            return by_unit
        values_a, values_b = values_of(items_a), values_of(items_b)
        if len(values_a) == len(values_b) and self._match(values_a, values_b):
            return True
        rows = "set" in {a[0], b[0]} or any(item[0] in {"seq", "list", "set"} for item in (*items_a, *items_b))
        if rows:
            return self._match(self._distinct(values_a), self._distinct(values_b))
        return False

    def _by_name(self, a: tuple, b: tuple) -> bool | None:
        """Where all items carry names and both sides use the same ones, each must be equal to its namesake."""
        names_a, names_b = [named_value(item) for item in a], [named_value(item) for item in b]
        if not all(names_a) or not all(names_b):
            return None
        table_a, table_b = {named[0]: named[1] for named in names_a}, {named[0]: named[1] for named in names_b}
        if len(table_a) != len(a) or len(table_b) != len(b) or set(table_a) != set(table_b):
            return None
        return all(
            any(
                self.equal(x, y) or (name[:2] == ("fn", "call") and self._same_family(x, y, name))
                for x, y in product(*both)
            )
            for name, both in ((name, (values, table_b[name])) for name, values in table_a.items())
        )

    def _by_unit(self, a: tuple, b: tuple) -> bool | None:
        """Where all items say what they count and both sides count the same things: `4 apples, 3 pears`."""
        if not all(item[0] == "unit" for item in (*a, *b)):
            return None
        table_a, table_b = {item[2]: item[1] for item in a}, {item[2]: item[1] for item in b}
        if len(table_a) != len(a) or len(table_b) != len(b) or set(table_a) != set(table_b):
            return None
        return all(self.equal(value, table_b[unit]) for unit, value in table_a.items())

    def _distinct(self, items: tuple) -> tuple:
        kept: list[Tree] = []
        for item in items[:MAX_ITEMS]:
            if not any(self.equal(item, other) for other in kept):
                kept.append(item)
        return tuple(kept)

    def _match(self, a: tuple, b: tuple) -> bool:
        """Whether the items can be paired off, each with an equal one."""
        if len(a) != len(b) or len(a) > MAX_ITEMS:
            return False
        left = list(b)
        for item in a:
            for index, other in enumerate(left):
                if item == other:
                    del left[index]
                    break
            else:
                for index, other in enumerate(left):
                    if self.equal(item, other):
                        del left[index]
                        break
                else:
                    return False
        return True

    # -- scalars

    def _scalars(self, a: Tree, b: Tree) -> bool:
        if a[0] == "num" and b[0] == "num":
            return a[1] == b[1] or self._near(a, b)
        if a[0] == "ratio" or b[0] == "ratio":
            verdict = self._ratios(a, b)
            if verdict is not None:
                return verdict
        if a[:2] in _REMAINDERS or b[:2] in _REMAINDERS:
            verdict = self._residues(a, b)
            if verdict is not None:
                return verdict
        if "base" in {a[0], b[0]} and self.conventions.bases == "optional":
            if a[0] != "base":
                a, b = b, a
            if b[0] in {"num", "fn"} and a[1] == digits_of(b):
                return True
        if sign_of_infinity(a) or sign_of_infinity(b):
            return sign_of_infinity(a) == sign_of_infinity(b)
        if not scalar(a) or not scalar(b):
            return False
        if "num" in {a[0], b[0]}:
            a, b = permutations_called(a), permutations_called(b)
        verdict = algebra.same(a, b)
        if verdict is False and a[0] == b[0] == "add":
            verdict = algebra.same(_constant_named(a), _constant_named(b))
        if verdict is None:
            verdict = self._ask("same", a, b)
        return verdict or self._rounded(a, b) or self._rounded(b, a) or self._near(a, b)

    def _residues(self, a: Tree, b: Tree) -> bool | None:
        """`8 (mod 15)` beside `23 mod 15`, and beside the bare representative 8."""
        if a[:2] == b[:2] == ("fn", "mod"):
            return None
        if a[:2] not in _REMAINDERS or b[:2] not in _REMAINDERS:
            residue, bare = (a, b) if a[:2] == ("fn", "residue") else (b, a)
            if residue[:2] != ("fn", "residue"):
                return None
            return self._scalars(residue[2], bare) or _runs_through(bare, residue)
        if not self.equal(a[3], b[3]):
            return False
        values = [algebra.rational(part) for part in (a[2], b[2], a[3])]
        if None in values or not values[2]:
            return self.equal(a[2], b[2])
        return (values[0] - values[1]) % values[2] == 0

    def _ratios(self, a: Tree, b: Tree) -> bool | None:
        if a[0] == b[0] == "ratio":
            if len(a) != len(b):
                return False
            if any(part[:2] == ("fn", "digits") or part[:2] == ("num", 0) for part in (*a[1:], *b[1:])):
                return self._in_order(a[1:], b[1:])
            return all(self._scalars(("mul", x, b[1]), ("mul", y, a[1])) for x, y in zip(a[2:], b[2:], strict=True))
        return None if len(a if a[0] == "ratio" else b) == 3 else False

    def _rounded(self, decimal: Tree, exact: Tree) -> bool:
        """Whether a decimal with many places is the correct rounding (or cut) of an exact value that has more."""
        digits = self.conventions.rounding
        sign = 1
        if decimal[0] == "neg":
            decimal, sign = decimal[1], -1
        decimal = written_out(decimal)
        if digits is None or decimal[0] != "num" or decimal[2] < digits or exact[0] == "num" or symbols(exact):
            return False
        value, places = decimal[1], decimal[2]
        if value * 10**places < 10 ** (digits - 1):
            return False
        scaled = ("mul", exact, ("num", Fraction(sign * 10**places), 0))
        half: Tree = ("fn", "exact", ("num", Fraction(1, 2), 0))
        # Floating-point arithmetic leaves its last digit wrong by one.
        slips = (0, 1, -1) if places >= FLOAT_DIGITS else (0,)
        candidates = [
            (whole, slip)
            for slip in slips
            for whole in (("fn", "floor", ("add", scaled, half)), ("fn", "floor", scaled))
        ]
        for whole, slip in candidates:
            shown: Tree = ("num", value * 10**places + slip, 0)
            verdict = algebra.same(whole, shown)
            if verdict or (verdict is None and self._ask("same", whole, shown)):
                return True
        return False

    def _near(self, a: Tree, b: Tree) -> bool:
        tolerance = Fraction(self.conventions.tolerance)
        if not tolerance:
            return False
        x, y = algebra.rational(a), algebra.rational(b)
        if x is None or y is None:
            from .approx import approx

            x, y = approx(a), approx(b)
            if x is None or y is None:
                return False
            return abs(x - y) <= float(tolerance) * max(abs(x), abs(y))
        return abs(x - y) <= tolerance * max(abs(x), abs(y))

    def _ask(self, operation: str, a: Tree, b: Tree) -> bool:
        left = self.deadline - time.monotonic()
        try:
            return left > 0 and not self.timed_out and (sandbox.ask(operation, a, b, left) or False)
        except sandbox.TimedOut:
            self.timed_out = True
            return False


def _constant_named(tree: Tree) -> Tree:
    """A sum with the constant of an integration, `+ c`, under the name C."""
    return ("add", *(("var", "C") if term == ("var", "c") else term for term in tree[1:]))


def _runs_through(linear: Tree, residue: Tree) -> bool:
    """Whether `7k + 3` runs through the residue class `3 (mod 7)`."""
    names = symbols(linear)
    remainder, modulus = algebra.rational(residue[2]), algebra.rational(residue[3])
    if len(names) != 1 or remainder is None or not modulus:
        return False
    (name,) = names
    values = [algebra.rational(substitute(linear, {name: ("num", Fraction(at), 0)})) for at in range(4)]
    if None in values:
        return False
    steps = {y - x for x, y in pairwise(values)}
    return steps <= {modulus, -modulus} and len(steps) == 1 and (values[0] - remainder) % modulus == 0
