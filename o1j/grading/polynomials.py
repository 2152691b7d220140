"""Polynomials over the rationals as dicts, and quotients of them as pairs: the arithmetic that `algebra` rests on.

A polynomial is a dict from monomials to `Fraction`s; a monomial is a sorted tuple of (atom, exponent). What the atoms
mean, and how their powers reduce, is the business of `algebra`.
"""

from fractions import Fraction
from functools import lru_cache
from math import isqrt

Monomial = tuple
Poly = dict
Form = tuple  # (numerator, denominator)

MAX_TERMS = 250
MAX_BITS = 200_000
TRIAL_LIMIT = 20_000

ONE: Poly = {(): Fraction(1)}


class Undecided(ArithmeticError):
    """The expression is too large, or of a kind that has no normal form here."""


class Undefined(ArithmeticError):
    """The expression has no value (a division by zero)."""


def add_into(result: Poly, terms: Poly) -> None:
    """Add `terms` to `result` in place; what cancels out is left out."""
    for monomial, coefficient in terms.items():
        total = result.get(monomial, 0) + coefficient
        if total:
            result[monomial] = total
        else:
            result.pop(monomial, None)


def plus(a: Poly, b: Poly) -> Poly:
    result = dict(a)
    add_into(result, b)
    if len(result) > MAX_TERMS:
        raise Undecided("too many terms")
    return result


def scale(a: Poly, factor: Fraction) -> Poly:
    if factor == 1:
        return a
    return {monomial: coefficient * factor for monomial, coefficient in a.items()} if factor else {}


def check(coefficient: Fraction) -> Fraction:
    if coefficient.numerator.bit_length() + coefficient.denominator.bit_length() > 2 * MAX_BITS:
        raise Undecided("number too long")
    return coefficient


def key(form: Form) -> str:
    """A string that equal forms share (as far as their denominators are alike)."""
    num, den = form
    if den != ONE:
        leading = den[max(den, key=repr)]
        num, den = scale(num, 1 / leading), scale(den, 1 / leading)
    text = _poly_key(num)
    if den != ONE:
        text += "/" + _poly_key(den)
    if len(text) > 4000:
        raise Undecided("too long")
    return text


def _poly_key(poly: Poly) -> str:
    terms = sorted((repr(monomial), coefficient) for monomial, coefficient in poly.items())
    return "+".join(f"{number_text(coefficient)}{monomial}" for monomial, coefficient in terms)


def number_text(value: Fraction) -> str:
    """A rational in hexadecimal: Python limits decimal conversion of long numbers."""
    return f"{value.numerator:x}" if value.denominator == 1 else f"{value.numerator:x}/{value.denominator:x}"


def sign_of(form: Form) -> int:
    """The sign of the leading coefficient, a fixed choice between a form and its negative."""
    num, den = form
    leading = num[max(num, key=repr)] if num else 0
    below = den[max(den, key=repr)]
    return (leading > 0) - (leading < 0) if below > 0 else (leading < 0) - (leading > 0)


def valuation(value: Fraction, prime: int) -> tuple[int, Fraction]:
    """How often `prime` divides a rational, and what is left of it."""
    count, top, bottom = 0, value.numerator, value.denominator
    while top and top % prime == 0:
        top //= prime
        count += 1
    while bottom % prime == 0:
        bottom //= prime
        count -= 1
    return count, Fraction(top, bottom)


@lru_cache(maxsize=4096)
def factors(number: int) -> dict[int, int]:
    """Prime factors by trial division; what is left beyond the limit counts as one prime (perfect powers opened)."""
    if number.bit_length() > 4000:
        raise Undecided("number too long to factor")
    found: dict[int, int] = {}
    for prime in (2, 3, 5):
        while number % prime == 0:
            number //= prime
            found[prime] = found.get(prime, 0) + 1
    divisor = 7
    while divisor * divisor <= number and divisor < TRIAL_LIMIT:
        while number % divisor == 0:
            number //= divisor
            found[divisor] = found.get(divisor, 0) + 1
        divisor += 2
    if number > 1:
        square = isqrt(number)
        if square * square == number:
            for prime, count in factors(square).items():
                found[prime] = found.get(prime, 0) + 2 * count
        else:
            found[number] = found.get(number, 0) + 1
    return found
