"""The child process behind `sandbox`: decides identities that have no exact normal form, by high-precision evaluation.

Reads one JSON request a line from stdin, `{"op": "same" | "proportional", "a": tree, "b": tree}`, answers one line:
`true`, `false` or `null`. Two expressions are the same if they agree at every one of several random points (or, where
they have no symbols, in their one value) to 40 digits beyond the magnitude of everything that occurs in them, and
they differ if one point tells them apart. The parent kills a worker that takes too long; the limits on memory and
processor time below are a second fence.
"""

import hashlib
import json
import random
import resource
import sys

import mpmath
from mpmath import mp

MEMORY_BYTES = 1 << 30
CPU_SECONDS = 4
MAX_MAGNITUDE = 20_000
SPARE_DIGITS = 40
POINTS = 8
WHOLE_POINTS = 12
NEEDED_POINTS = 3
WHOLE_FUNCTIONS = {"fact", "fact2", "binom", "perm", "floor", "ceil", "mod", "gcd", "lcm", "sum", "prod"}


class NoValue(ArithmeticError):
    """The expression has no value at this point, or none that can be computed here."""


class Evaluator:
    """Values of a tree at one point; remembers how large and how small the values on the way were."""

    def __init__(self, point: dict) -> None:
        self.point = point
        self.magnitude = 0
        self.complex = False

    def value(self, tree):
        """The (possibly complex) value of a tree."""
        result = self._value(tree)
        if not mpmath.isfinite(result):
            raise NoValue("infinite")
        if result:
            self.complex = self.complex or bool(mpmath.im(result))
            size = abs(int(mpmath.mag(result))) // 3
            if size > MAX_MAGNITUDE:
                raise NoValue("too large")
            self.magnitude = max(self.magnitude, size)
        return result

    def _value(self, tree):
        kind = tree[0]
        if kind == "num":
            top, _, bottom = tree[1].partition("/")
            return mp.mpf(int(top, 16)) / int(bottom or "1", 16)
        if kind == "var":
            if tree[1] == "pi":
                return +mp.pi
            if tree[1] == "e":
                return +mp.e
            if tree[1] == "i":
                return mp.mpc(0, 1)
            return self.point[tree[1]]()
        if kind == "add":
            return mpmath.fsum(self.value(part) for part in tree[1:])
        if kind == "mul":
            return mpmath.fprod([self.value(part) for part in tree[1:]])
        if kind == "neg":
            return -self.value(tree[1])
        if kind == "div" or (kind == "ratio" and len(tree) == 3):
            bottom = self.value(tree[2])
            if not bottom:
                raise NoValue("division by zero")
            return self.value(tree[1]) / bottom
        if kind == "pow":
            return self.power(self.value(tree[1]), self.value(tree[2]))
        if kind == "unit":
            inner = self.value(tree[1])
            if tree[2] == "%":
                return inner / 100
            if tree[2] == "deg":
                return inner * mp.pi / 180
            raise NoValue("unit")
        if kind == "base":
            return mp.mpf(int(tree[1], tree[2]))
        if kind == "fn":
            return self.function(tree[1], tree[2:])
        raise NoValue(kind)

    def power(self, base, exponent):
        if not base:
            if mpmath.re(exponent) <= 0 and exponent:
                raise NoValue("zero to a negative power")
            return mp.mpf(0 if exponent else 1)
        if abs(exponent) * (abs(int(mpmath.mag(base))) + 1) > 4 * MAX_MAGNITUDE:
            raise NoValue("too large")
        if mpmath.im(base) == 0 and mpmath.re(base) < 0 and mpmath.im(exponent) == 0:
            odd = self.odd_root(exponent)
            if odd:
                size = mpmath.power(-base, exponent)
                return -size if odd < 0 else size
        return mpmath.power(base, exponent)

    def odd_root(self, exponent) -> int:
        """For exponents p/q with small odd q (not whole): the sign of a negative number's real power, else 0."""
        for q in (3, 5, 7, 9, 11):
            p = exponent * q
            nearest = mpmath.nint(p)
            if abs(p - nearest) < mp.mpf(10) ** (-mp.dps // 2) and int(nearest) % q:
                return -1 if int(nearest) % 2 else 1
        return 0

    def function(self, name, arguments):
        if name in {"exact", "digits"}:
            return self.value(arguments[0])
        if name in {"sum", "prod"}:
            return self.series(name, *arguments)
        if name in {"call", "prime", "angle", "triangle", "residue"} or name.startswith("prime"):
            return self.unknown(name, arguments)
        if name in {"int", "lim", "det", "arg", "deg"}:
            raise NoValue(name)
        values = [self.value(argument) for argument in arguments]
        x = values[0]
        if name == "root":
            return self.power(x, 1 / values[1])
        if name == "log":
            return mpmath.log(x) / mpmath.log(values[1])
        if name == "ln":
            if not x:
                raise NoValue("logarithm of zero")
            return mpmath.log(x)
        if name in {"abs", "floor", "ceil", "Re", "Im", "sgn"}:
            return {"abs": abs, "floor": mpmath.floor, "ceil": mpmath.ceil, "Re": mpmath.re, "Im": mpmath.im,
                    "sgn": mpmath.sign}[name](x)  # fmt: skip
        if name in {"sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh", "coth"}:
            if abs(x) > 10**6:
                raise NoValue("too large")
            return getattr(mpmath, name)(x)
        if name.startswith("arc"):
            return getattr(mpmath, "a" + name[3:])(x)
        if name in {"fact", "fact2", "binom", "perm"}:
            if any(abs(value) > 3000 for value in values):
                raise NoValue("too large")
            return self.counting(name, values)
        if name in {"max", "min"} and all(mpmath.im(value) == 0 for value in values):
            return (max if name == "max" else min)(values)
        if name in {"mod", "gcd", "lcm"}:
            whole = [int(mpmath.nint(mpmath.re(value))) for value in values]
            if any(abs(number - value) > mp.mpf(10) ** -10 for number, value in zip(whole, values, strict=True)):
                raise NoValue("not whole")
            if name == "mod":
                if not whole[1]:
                    raise NoValue("modulo zero")
                return mp.mpf(whole[0] % whole[1])
            return self.common(name, whole)
        raise NoValue(name)

    def counting(self, name, values):
        if name == "fact":
            return mpmath.factorial(values[0])
        if name == "fact2":
            return mpmath.fac2(values[0])
        if name == "binom":
            return mpmath.binomial(*values)
        return mpmath.ff(*values)

    def common(self, name, whole):
        result = whole[0]
        for number in whole[1:]:
            divisor = mpmath.libmp.libintmath.gcd(result, number)
            result = divisor if name == "gcd" else (result * number // divisor if divisor else 0)
        return mp.mpf(abs(int(result)))

    def series(self, name, lower, upper, body):
        """A finite sum or product over whole numbers."""
        if lower[0] != "rel" or lower[1][0] != "var" or lower[2] != "=":
            raise NoValue("limits")
        variable = lower[1][1]
        first, last = self.value(lower[3]), self.value(upper)
        if first != mpmath.nint(first) or last != mpmath.nint(last) or last - first > 2000:
            raise NoValue("limits")
        total = mp.mpf(0 if name == "sum" else 1)
        outer = self.point.get(variable)
        for index in range(int(first), int(last) + 1):
            self.point[variable] = lambda index=index: mp.mpf(index)
            term = self.value(body)
            total = total + term if name == "sum" else total * term
        self.point[variable] = outer
        return total

    def unknown(self, name, arguments):
        """An unknown function: a random value that depends on its name and its arguments' values only."""
        seed = [name]
        for argument in arguments:
            if argument[0] == "var" and (argument is arguments[0] or name != "call"):
                seed.append(argument[1])
            else:
                seed.append(mpmath.nstr(self.value(argument), 12))
        digest = hashlib.sha256("|".join(seed).encode()).digest()
        return mp.mpf(int.from_bytes(digest[:4], "big")) / 2**32 + 1


def symbols(tree, found: set) -> set:
    """The names of the free symbols of a tree."""
    if tree[0] == "var":
        if tree[1] not in {"pi", "e", "i"}:
            found.add(tree[1])
    elif tree[0] == "fn" and tree[1] in {"sum", "prod"} and tree[2][0] == "rel":
        inner: set = set()
        for part in tree[3:]:
            symbols(part, inner)
        symbols(tree[2][-1], inner)
        inner.discard(tree[2][1][1] if tree[2][1][0] == "var" else "")
        found |= inner
    else:
        for part in tree[1:]:
            if isinstance(part, list):
                symbols(part, found)
    return found


def whole_numbers_only(tree) -> bool:
    """Whether the expression is about whole numbers: factorials, sums, (-1)^n."""
    if tree[0] == "fn" and tree[1] in WHOLE_FUNCTIONS:
        return True
    if tree[0] == "pow" and tree[1][0] == "neg":
        return bool(symbols(tree[2], set()))
    return any(whole_numbers_only(part) for part in tree[1:] if isinstance(part, list))


def points(names: set, whole: bool, seed: int):
    """Random points: the first ones positive, later ones of any sign; for whole numbers positive throughout, and, of
    one name, consecutive: floor((2n-1)/5) and floor((2n-2)/5) differ at every fifth n."""
    dice = random.Random(seed)
    for number in range(WHOLE_POINTS if whole else POINTS):
        point = {}
        for name in sorted(names):
            if whole:
                value = (2 + number if len(names) == 1 else dice.randint(2, 12), 1)
            else:
                value = (dice.randint(100, 9999), dice.choice([997, 1009, 3001]))
                if number >= POINTS // 2 and dice.random() < 0.6:
                    value = (-value[0], value[1])
            point[name] = lambda value=value: mp.mpf(value[0]) / value[1]
        yield point


def values_at(trees, point):
    """The values of several trees at one point, with enough digits; the number of digits to trust; and which trees
    left the real numbers on the way."""
    mp.dps = 30
    first = [Evaluator(point) for _ in trees]
    for evaluator, tree in zip(first, trees, strict=True):
        evaluator.value(tree)
    magnitude = max(evaluator.magnitude for evaluator in first)
    digits = SPARE_DIGITS + magnitude
    mp.dps = digits + magnitude + 25
    second = Evaluator(point)
    return [second.value(tree) for tree in trees], digits, [evaluator.complex for evaluator in first]


def mentions(tree, test) -> bool:
    """Whether a test holds for the tree or any part of it."""
    return test(tree) or any(mentions(part, test) for part in tree[1:] if isinstance(part, list))


def same(a, b):
    """True, False or None (no point where both have values)."""
    names = symbols(a, set()) | symbols(b, set())
    whole = whole_numbers_only(a) or whole_numbers_only(b)
    imaginary = any(mentions(tree, lambda part: part == ["var", "i"]) for tree in (a, b))
    absolute = [mentions(tree, lambda part: part[:2] == ["fn", "abs"]) for tree in (a, b)]
    agreed = 0
    for point in points(names, whole, 20241122):
        try:
            (x, y), digits, left_reals = values_at([a, b], point)
        except (NoValue, ArithmeticError, ValueError, TypeError, KeyError):
            if not names:
                return None
            continue
        if names and not imaginary and any(left_reals):
            # Roots and logarithms of negative numbers: only `ln x` for `ln |x|` is a different function there.
            if absolute[0] != absolute[1] and left_reals[0] != left_reals[1]:
                return False
            continue
        if abs(x - y) > mp.mpf(10) ** -digits:
            return False
        if not names:
            return True
        agreed += 1
    return True if agreed >= NEEDED_POINTS else None


def proportional(a, b):
    """Whether a/b is one non-zero constant."""
    names = symbols(a, set()) | symbols(b, set())
    ratios = []
    for point in points(names, False, 20241123):
        try:
            (x, y), digits, _ = values_at([a, b], point)
            if abs(y) > mp.mpf(10) ** (-digits // 2) and abs(x) > mp.mpf(10) ** (-digits // 2):
                ratios.append(x / y)
        except (NoValue, ArithmeticError, ValueError, TypeError, KeyError):
            continue
    if len(ratios) < NEEDED_POINTS:
        return None
    return all(abs(ratio / ratios[0] - 1) < mp.mpf(10) ** -30 for ratio in ratios[1:])


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    sys.setrecursionlimit(3000)
    operations = {"same": same, "proportional": proportional}
    for line in sys.stdin:
        used = resource.getrusage(resource.RUSAGE_SELF)
        spent = int(used.ru_utime + used.ru_stime) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (spent + CPU_SECONDS, resource.RLIM_INFINITY))
        request = json.loads(line)
        try:
            result = operations[request["op"]](request["a"], request["b"])
        except (ArithmeticError, ValueError, TypeError, RecursionError, MemoryError, KeyError, AttributeError):
            result = None
        sys.stdout.write(json.dumps(None if result is None else bool(result)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
