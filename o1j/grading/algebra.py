"""Exact normal forms of scalar expressions: quotients of polynomials over the rationals, no floats anywhere.

Forms are quotients of polynomials (see `polynomials`) in atoms, which are strings: `s:x` a symbol, `p:3` a prime
(under a root, with an exponent between 0 and 1, or raised to a power too large to write out), `c:pi`, `c:e`, `i`,
`l:5` the logarithm of a prime, `x:2|k` two to a symbolic power, and, less well understood, `r:…` the root of a
polynomial and `f:…` any other function of a normal form.

Two forms are equal if cross-multiplying leaves nothing. If something is left, they differ for certain only where all
its atoms are independent of each other (symbols, primes, pi, e, i, logarithms); otherwise the answer is `None`.
"""

from fractions import Fraction
from math import comb, factorial, gcd, perm

from .parse import Tree
from .polynomials import (
    MAX_BITS,
    MAX_TERMS,
    ONE,
    TRIAL_LIMIT,
    Form,
    Monomial,
    Poly,
    Undecided,
    Undefined,
    add_into,
    check,
    factors,
    key,
    plus,
    scale,
    sign_of,
    valuation,
)

MAX_WORK = 20_000
MAX_FACTORIAL = 5000

_INDEPENDENT = ("s:", "p:", "c:", "l:", "i", "x:", "y:")
_RELATED = ("l:", "f:", "'i'")  # in an exponent they may make a power equal to a sum of other atoms: e^{ln 5} = 5


def same(left: Tree, right: Tree) -> bool | None:
    """Whether two scalar trees are equal for all values of their symbols; None where that can't be told exactly.

    >>> from o1j.grading.parse import parse
    >>> same(parse("2^{2013}"), parse("2^{2012}")), same(parse("1/\\\\sqrt2"), parse("\\\\sqrt2/2"))
    (False, True)
    """
    try:
        algebra = Algebra()
        a, b = algebra.form(left), algebra.form(right)
        return algebra.equal(a, b)
    except Undefined:
        return None
    except (Undecided, RecursionError, OverflowError):
        return None


def proportional(a: Tree, b: Tree, sign: int = 0) -> bool | None:
    """Whether two expressions are rational multiples of each other (by a factor of the given sign, 0 for any)."""
    try:
        worker = Algebra()
        (num_a, den_a), (num_b, den_b) = worker.form(a), worker.form(b)
        left, right = worker.times(num_a, den_b), worker.times(num_b, den_a)
    except (ArithmeticError, RecursionError):
        return None
    if not left or not right:
        return not left and not right
    factor = _factor(left, right) or (None if sign else _factor(num_a, num_b))  # an equation's denominators drop out
    if factor is not None and factor * sign >= 0:
        return True
    simple = all(atom[:2] in {"s:", "c:"} for poly in (left, right) for monomial in poly for atom, _ in monomial)
    return False if simple or sign else None


def _factor(a: Poly, b: Poly) -> Fraction | None:
    """The rational that one polynomial is of the other, or None."""
    shared = max(a, key=repr)
    factor = a[shared] / b[shared] if shared in b else None
    return factor if factor is not None and a == scale(b, factor) else None


def rational(tree: Tree) -> Fraction | None:
    """The value of a tree that is a rational number, else None."""
    try:
        return constant(Algebra().form(tree))
    except (ArithmeticError, RecursionError):
        return None


def constant(form: Form) -> Fraction | None:
    """The rational that a form is, or None."""
    num, den = form
    if not num:
        return Fraction(0)
    if len(num) == 1 and () in num and len(den) == 1 and () in den:
        return num[()] / den[()]
    return None


class Algebra:
    """Evaluates trees; one instance a comparison, since it remembers what stands under its roots."""

    def __init__(self) -> None:
        self.bases: dict[str, Poly] = {}
        self.work = 0

    # -- from trees

    def form(self, tree: Tree) -> Form:
        """The normal form of a scalar tree, as (numerator, denominator)."""
        kind = tree[0]
        if kind == "num":
            return ({(): tree[1]} if tree[1] else {}), ONE
        if kind == "var":
            return self.symbol(tree[1])
        if kind == "neg":
            num, den = self.form(tree[1])
            return scale(num, Fraction(-1)), den
        if kind == "add":
            total = self.form(tree[1])
            for term in tree[2:]:
                total = self.add(total, self.form(term))
            return total
        if kind == "mul":
            product = self.form(tree[1])
            for factor in tree[2:]:
                product = self.multiply(product, self.form(factor))
            return product
        if kind == "div":
            return self.divide(self.form(tree[1]), self.form(tree[2]))
        if kind == "pow":
            return self.power(self.form(tree[1]), self.form(tree[2]))
        if kind == "unit":
            inner = self.form(tree[1])
            if tree[2] == "%":
                return scale(inner[0], Fraction(1, 100)), inner[1]
            if tree[2] == "deg":
                return self.multiply(inner, ({(("c:pi", 1),): Fraction(1, 180)}, ONE))
            raise Undecided(tree[2])
        if kind == "base":
            return self.positional(tree[1], tree[2])
        if kind == "ratio" and len(tree) == 3:
            return self.divide(self.form(tree[1]), self.form(tree[2]))
        if kind == "fn":
            return self.function(tree[1], tree[2:])
        if kind == "rel" and tree[2] == "=" and tree[1][0] == "var":
            raise Undecided("equation")
        raise Undecided(kind)

    def symbol(self, name: str) -> Form:
        if name == "i":
            return {(("i", 1),): Fraction(1)}, ONE
        atom = "c:" + name if name in {"pi", "e"} else "s:" + name
        return {((atom, 1),): Fraction(1)}, ONE

    def positional(self, digits: str, base: int) -> Form:
        try:
            return {(): Fraction(int(digits, base))}, ONE
        except ValueError as error:
            raise Undefined("digits out of range") from error

    # -- arithmetic of forms

    def add(self, a: Form, b: Form) -> Form:
        if a[1] == b[1]:
            return plus(a[0], b[0]), a[1]
        num = plus(self.times(a[0], b[1]), self.times(b[0], a[1]))
        return num, self.times(a[1], b[1])

    def multiply(self, a: Form, b: Form) -> Form:
        num, den = self.times(a[0], b[0]), self.times(a[1], b[1])
        return self.lower(num, den)

    def divide(self, a: Form, b: Form) -> Form:
        if not b[0]:
            raise Undefined("division by zero")
        return self.multiply(a, self.lower(b[1], b[0]))

    def lower(self, num: Poly, den: Poly) -> Form:
        """Bring a denominator of one term into the numerator."""
        if len(den) == 1:
            ((monomial, coefficient),) = den.items()
            if not monomial:
                return (num if coefficient == 1 else scale(num, 1 / coefficient)), ONE
            if all(not atom.startswith("r:") for atom, _ in monomial):
                inverse = tuple((atom, -exponent) for atom, exponent in monomial)
                return self.times(num, self.monomial(inverse, 1 / coefficient)), ONE
        return num, den

    def monomial(self, monomial: Monomial, coefficient: Fraction) -> Poly:
        return self.times({monomial: coefficient}, ONE)

    def times(self, a: Poly, b: Poly) -> Poly:
        """The product of two polynomials, powers of `i`, of primes and of roots reduced."""
        self.work += len(a) * len(b)
        if len(a) * len(b) > 4 * MAX_TERMS or self.work > MAX_WORK:
            raise Undecided("too many terms")
        if len(a) == len(b) == 1 and () in a and () in b:
            return {(): check(a[()] * b[()])}
        result: Poly = {}
        for m1, c1 in a.items():
            for m2, c2 in b.items():
                add_into(result, self.product(m1, m2, c1 * c2))
        if len(result) > MAX_TERMS:
            raise Undecided("too many terms")
        return result

    def product(self, m1: Monomial, m2: Monomial, coefficient: Fraction) -> Poly:
        if not m1 and not m2:
            return {(): check(coefficient)}
        exponents = dict(m1)
        for atom, exponent in m2:
            exponents[atom] = exponents.get(atom, 0) + exponent
        rest: list[tuple[Poly, int]] = []
        kept = []
        for atom, exponent in exponents.items():
            if not exponent:
                continue
            if atom == "i":
                turns = int(exponent) % 4
                coefficient = -coefficient if turns in {2, 3} else coefficient
                if turns % 2:
                    kept.append(("i", 1))
            elif atom.startswith("p:"):
                prime, whole = int(atom[2:]), exponent.__floor__()
                if abs(whole) * prime.bit_length() <= MAX_BITS:
                    coefficient *= Fraction(prime) ** whole
                    exponent -= whole
                else:
                    pulled, coefficient = valuation(coefficient, prime)
                    exponent += pulled
                if exponent:
                    kept.append((atom, exponent))
            elif atom.startswith("r:") and not 0 <= exponent < 1:
                whole = exponent.__floor__()
                if whole < 0:
                    raise Undecided("root in a denominator")
                rest.append((self.bases[atom], whole))
                if exponent - whole:
                    kept.append((atom, exponent - whole))
            elif atom.startswith("x:-1|"):
                if exponent % 2:
                    kept.append((atom, exponent % 2))
            else:
                kept.append((atom, exponent))
        kept.sort()
        result: Poly = {tuple(kept): check(coefficient)}
        for base, count in rest:
            for _ in range(count):
                result = self.times(result, base)
        return result

    # -- powers

    def power(self, base: Form, exponent: Form) -> Form:
        value = constant(exponent)
        if value is None:
            return self.symbolic_power(base, exponent)
        if value.denominator == 1:
            return self.whole_power(base, int(value))
        if value.denominator > 1000:
            raise Undecided("strange exponent")
        if value < 0:
            root = self.power(base, (({(): -value}), ONE))
            return self.divide((ONE, ONE), root)
        return self.divide(self.root(base[0], value), self.root(base[1], value))

    def whole_power(self, base: Form, exponent: int) -> Form:
        if exponent < 0:
            if not base[0]:
                raise Undefined("division by zero")
            return self.divide((ONE, ONE), self.whole_power(base, -exponent))
        value = constant(base)
        if value is not None:
            return self.number_power(value, Fraction(exponent)), ONE
        return self.poly_power(base[0], exponent), self.poly_power(base[1], exponent)

    def poly_power(self, base: Poly, exponent: int) -> Poly:
        if len(base) == 1:
            ((monomial, coefficient),) = base.items()
            raised = tuple((atom, power * exponent) for atom, power in monomial)
            bits = coefficient.numerator.bit_length() + coefficient.denominator.bit_length()
            if bits > 2 and bits * exponent > MAX_BITS:
                return self.times({raised: Fraction(1)}, self.number_power(coefficient, Fraction(exponent)))
            return self.times({raised: coefficient**exponent}, ONE)
        if exponent > 200:
            raise Undecided("high power of a sum")
        result, square = ONE, base
        while exponent:
            if exponent & 1:
                result = self.times(result, square)
            exponent >>= 1
            if exponent:
                square = self.times(square, square)
        return result

    def number_power(self, value: Fraction, exponent: Fraction) -> Poly:
        """A rational to a rational power: primes with fractional exponents, an `i` for the root of a negative."""
        if not value:
            if exponent <= 0:
                if exponent == 0:
                    return ONE
                raise Undefined("zero to a negative power")
            return {}
        if value == 1 or not exponent:
            return ONE
        sign: Poly = ONE
        if value < 0:
            value = -value
            if exponent.denominator % 2:
                sign = {(): Fraction(-1 if exponent.numerator % 2 else 1)}
            elif exponent.denominator == 2:
                sign = self.times({(("i", exponent.numerator % 4),): Fraction(1)}, ONE)
            else:
                raise Undecided("root of a negative number")
            if value == 1:
                return sign
        if exponent.denominator == 1:
            bits = value.numerator.bit_length() + value.denominator.bit_length()
            if bits * abs(exponent) <= MAX_BITS:
                return scale(sign, value ** int(exponent))
        monomial = []
        for prime, count in factors(value.numerator).items():
            monomial.append((f"p:{prime}", count * exponent))
        for prime, count in factors(value.denominator).items():
            monomial.append((f"p:{prime}", -count * exponent))
        return self.times({tuple(sorted(monomial)): Fraction(1)}, sign)

    def root(self, base: Poly, exponent: Fraction) -> Form:
        """A polynomial to a positive fractional power, its content taken out of the root."""
        if not base:
            return {}, ONE
        whole = exponent.__floor__()
        outside = self.poly_power(base, whole) if whole else ONE
        exponent -= whole
        if not exponent:
            return outside, ONE
        if len(base) == 1:
            ((monomial, coefficient),) = base.items()
            result = self.number_power(coefficient, exponent)
            for atom, power in monomial:
                result = self.times(result, self.atom_power(atom, power, exponent))
            return self.times(result, outside), ONE
        content = Fraction(0)
        for coefficient in base.values():
            content = Fraction(
                gcd(content.numerator * coefficient.denominator, coefficient.numerator * content.denominator),
                content.denominator * coefficient.denominator,
            )
        inner = scale(base, 1 / content)
        atom = "r:" + key((inner, ONE))
        self.bases[atom] = inner
        result = self.times(self.number_power(content, exponent), {((atom, exponent),): Fraction(1)})
        return self.times(result, outside), ONE

    def atom_power(self, atom: str, power, exponent: Fraction) -> Poly:
        """(atom^power)^exponent for a positive fractional exponent; the root of an even power is an absolute value."""
        new = power * exponent
        if atom == "i":
            raise Undecided("root of an imaginary number")
        if atom[:2] in {"s:", "f:", "y:", "x:"} and power % 2 == 0 and new % 2:
            if new.denominator != 1 if isinstance(new, Fraction) else False:
                return {((atom, new),): Fraction(1)}
            return {((f"f:abs({atom})", new),): Fraction(1)}
        return self.times({((atom, new),): Fraction(1)}, ONE)

    def symbolic_power(self, base: Form, exponent: Form) -> Form:
        """`base` to a sum of symbolic terms: the product of its powers to each of them."""
        if exponent[1] != ONE:
            terms = [("|" + key(exponent), Fraction(1))]
        else:
            terms = [(repr(monomial), coefficient) for monomial, coefficient in exponent[0].items() if monomial]
        fixed = exponent[0].get((), Fraction(0)) if exponent[1] == ONE else Fraction(0)
        result = self.power(base, ({(): fixed}, ONE)) if fixed else (ONE, ONE)
        value = constant(base)
        atoms: list[tuple[str, Fraction]] = []
        if base == ({(("c:e", 1),): Fraction(1)}, ONE):
            turn = self.full_turns(exponent)
            if turn is not None:
                return turn
            atoms = [("x:e", Fraction(1))]
        elif value is not None:
            if value == 0:
                raise Undecided("zero to a symbolic power")
            if value < 0:
                atoms.append(("x:-1", Fraction(1)))
            atoms += [(f"x:{prime}", Fraction(count)) for prime, count in factors(abs(value.numerator)).items()]
            atoms += [(f"x:{prime}", Fraction(-count)) for prime, count in factors(value.denominator).items()]
        elif len(base[0]) == 1 and base[1] == ONE and next(iter(base[0].values())) == 1:
            atoms = [(f"y:{atom}", Fraction(power)) for atom, power in next(iter(base[0]))]
        else:
            atoms = [("f:base(" + key(base) + ")", Fraction(1))]
        for name, coefficient in terms:
            monomial = tuple(sorted((f"{atom}|{name}", count * coefficient) for atom, count in atoms))
            result = self.multiply(result, ({monomial: Fraction(1)} if monomial else ONE, ONE))
        return result

    def full_turns(self, exponent: Form) -> Form | None:
        """e to a multiple of i·pi/6 or i·pi/4: cosine plus i times sine."""
        if exponent[1] != ONE or set(exponent[0]) != {(("c:pi", 1), ("i", 1))}:
            return None
        turns = next(iter(exponent[0].values()))
        cosine, sine = self.special_angle("cos", turns), self.special_angle("sin", turns)
        if cosine is None or sine is None:
            return None
        return plus(cosine, self.times(sine, {(("i", 1),): Fraction(1)})), ONE

    # -- functions

    def function(self, name: str, arguments: tuple) -> Form:
        if name in {"exact", "digits"}:
            return self.form(arguments[0])
        if name == "root":
            index = constant(self.form(arguments[1]))
            if index is None or not index:
                raise Undecided("symbolic root")
            return self.power(self.form(arguments[0]), ({(): 1 / index}, ONE))
        if name in {"sum", "prod", "int", "lim", "call", "prime", "angle", "triangle", "det", "residue"} or "_" in name:
            return self.opaque(name, arguments)
        forms = [self.form(argument) for argument in arguments]
        values = [constant(form) for form in forms]
        if all(value is not None for value in values):
            number = self.number_function(name, values)
            if number is not None:
                return {(): number} if number else {}, ONE
        if name in {"tan", "cot", "sec", "csc"}:
            sine, cosine = self.function("sin", arguments), self.function("cos", arguments)
            top, bottom = {
                "tan": (sine, cosine), "cot": (cosine, sine), "sec": ((ONE, ONE), cosine), "csc": ((ONE, ONE), sine),
            }[name]  # fmt: skip
            return self.divide(top, bottom)
        if name in {"sech", "csch"}:
            return self.divide((ONE, ONE), self.function("cosh" if name == "sech" else "sinh", arguments))
        if name in {"sin", "cos"}:
            return self.circular(name, forms[0])
        if name == "ln":
            return self.logarithm(forms[0]), ONE
        if name == "log":
            return self.divide((self.logarithm(forms[0]), ONE), (self.logarithm(forms[1]), ONE))
        if name == "abs":
            inner = forms[0]
            if sign_of(inner) < 0:
                inner = (scale(inner[0], Fraction(-1)), inner[1])
            if len(inner[0]) == 1 and inner[1] == ONE:
                return self.absolute_monomial(inner[0]), ONE
            return self.named("abs", [inner])
        return self.named(name, forms)

    def absolute_monomial(self, poly: Poly) -> Poly:
        ((monomial, coefficient),) = poly.items()
        parts = []
        for atom, power in monomial:
            if atom[:2] in {"p:", "x:", "l:"} or atom in {"c:pi", "c:e"} or (atom[:2] == "s:" and power % 2 == 0):
                parts.append((atom, power))
            else:
                parts.append((f"f:abs({atom})", power))
        return {tuple(sorted(parts)): abs(coefficient)}

    def number_function(self, name: str, values: list) -> Fraction | None:
        """Functions of rational numbers with rational values."""
        x = values[0]
        if name == "abs":
            return abs(x)
        if name == "floor":
            return Fraction(x.__floor__())
        if name == "ceil":
            return Fraction(x.__ceil__())
        if name in {"max", "min"}:
            return max(values) if name == "max" else min(values)
        if name == "sgn":
            return Fraction((x > 0) - (x < 0))
        if name in {"sin", "tan", "arcsin", "arctan", "ln"} and x == (1 if name == "ln" else 0):
            return Fraction(0)
        if name in {"cos"} and x == 0:
            return Fraction(1)
        if any(value.denominator != 1 for value in values):
            return None
        whole = [int(value) for value in values]
        if name == "fact" and 0 <= whole[0] <= MAX_FACTORIAL:
            return Fraction(factorial(whole[0]))
        if name == "fact2" and 0 <= whole[0] <= MAX_FACTORIAL:
            product = 1
            for step in range(whole[0], 1, -2):
                product *= step
            return Fraction(product)
        if name in {"binom", "perm"} and len(whole) == 2 and 0 <= whole[0] <= MAX_FACTORIAL and whole[1] >= 0:
            return Fraction(comb(*whole) if name == "binom" else perm(*whole))
        if name == "gcd":
            return Fraction(gcd(*whole))
        if name == "lcm" and all(whole):
            product = 1
            for value in whole:
                product = abs(product * value) // gcd(product, value)
            return Fraction(product)
        if name == "mod" and len(whole) == 2 and whole[1]:
            return Fraction(whole[0] % whole[1])
        return None

    def circular(self, name: str, angle: Form) -> Form:
        """Sine or cosine: exact at multiples of pi/6 and pi/4, odd or even elsewhere."""
        num, den = angle
        if not num:
            return ({}, ONE) if name == "sin" else (ONE, ONE)
        if den == ONE and set(num) == {(("c:pi", 1),)}:
            exact = self.special_angle(name, next(iter(num.values())))
            if exact is not None:
                return exact, ONE
        if sign_of(angle) < 0:
            num, den = self.named(name, [(scale(num, Fraction(-1)), den)])
            return (scale(num, Fraction(-1)) if name == "sin" else num), den
        return self.named(name, [angle])

    def special_angle(self, name: str, turns: Fraction) -> Poly | None:
        """The value at `turns` times pi, as a polynomial, for multiples of 1/6 and 1/4."""
        if name == "cos":
            turns += Fraction(1, 2)
        turns %= 2
        sign = Fraction(1)
        if turns >= 1:
            turns, sign = turns - 1, Fraction(-1)
        turns = min(turns, 1 - turns)
        half = Fraction(1, 2)
        values = {
            Fraction(0): {}, Fraction(1, 6): {(): half}, Fraction(1, 4): {(("p:2", half),): half},
            Fraction(1, 3): {(("p:3", half),): half}, half: ONE,
        }  # fmt: skip
        value = values.get(turns)
        return None if value is None else scale(value, sign)

    def logarithm(self, form: Form) -> Poly:
        """The natural logarithm, products of positive constants taken apart."""
        num, den = form
        if not num:
            raise Undefined("logarithm of zero")
        if len(num) == 1 and den == ONE:
            ((monomial, coefficient),) = num.items()
            if coefficient > 0 and all(atom[:2] == "p:" or atom in {"c:pi", "c:e"} for atom, _ in monomial):
                result: Poly = {}
                for prime, count in factors(coefficient.numerator).items():
                    result = plus(result, {((f"l:{prime}", 1),): Fraction(count)})
                for prime, count in factors(coefficient.denominator).items():
                    result = plus(result, {((f"l:{prime}", 1),): Fraction(-count)})
                for atom, power in monomial:
                    term = () if atom == "c:e" else ((f"l:{atom[2:]}", 1),)
                    result = plus(result, {term: Fraction(power)})
                return result
        return self.named("ln", [form])[0]

    def named(self, name: str, forms: list) -> Form:
        atom = f"f:{name}(" + ",".join(key(form) for form in forms) + ")"
        return {((atom, 1),): Fraction(1)}, ONE

    def opaque(self, name: str, arguments: tuple) -> Form:
        """A construct that is only ever equal to one with the same parts."""
        parts = []
        for argument in arguments:
            try:
                parts.append(key(self.form(argument)))
            except Undecided:
                parts.append(repr(argument))
        return {((f"f:{name}({','.join(parts)})", 1),): Fraction(1)}, ONE

    # -- comparison

    def equal(self, a: Form, b: Form) -> bool | None:
        if not a[1] or not b[1]:
            return None
        left = a[0] if b[1] == ONE else self.times(a[0], b[1])
        right = b[0] if a[1] == ONE else self.times(b[0], a[1])
        difference = plus(left, scale(right, Fraction(-1)))
        if not difference:
            return True
        for monomial in difference:
            for atom, exponent in monomial:
                if not atom.startswith(_INDEPENDENT) or (atom[:2] == "p:" and not 0 <= exponent < 1):
                    return None
                if atom[:2] in {"x:", "y:"} and any(part in atom for part in _RELATED):
                    return None
                if atom[:2] == "p:" and int(atom[2:]) > TRIAL_LIMIT**2:
                    return None
        return False
