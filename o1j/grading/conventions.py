"""What counts as the same answer, and the options that change it."""

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Conventions:
    """What counts as the same answer. Everything not loosened here must be mathematically equal.

    percent: "either" (default) reads `28%` as 28 hundredths and, beside a bare number that is not below 1, as a 28
        whose sign was left out (`28% = 0.28`, `28% = 28`, but not `0.5% = 0.5`); "value" only the former; "unit" only
        the latter.
    units: "optional" (default): a unit may be left out on one side, but two units must agree, lengths, masses, times,
        volumes and money converted (`1 m = 100 cm`; `5 cm` is not `5 m`); words that are no unit of measurement
        ("12 apples") are description. "required": both sides or neither. "ignored": never looked at.
    bases: "optional" (default): `52_8` is equal to 42, and to a bare 52 whose subscript was left out; "value": only 42.
    rounding: a decimal equals a number that it correctly rounds or cuts off, if it shows at least this many decimals
        and significant digits (default 6; `0.333333 = 1/3`, not `0.33 = 1/3`). None: never. Whole numbers are never
        rounded, and two decimals must be the same number.
    tolerance: relative difference allowed between two real constants (default 0, no tolerance).
    timeout: seconds that comparing two answers may take in all (default 2).

    Fixed: a bare list is unordered and equals a set of its items, or a tuple in the same order; tuples are ordered;
    `(a, b)` may be a pair or an open interval; `x = 5` equals `5`; an equation equals its multiples; an inequality
    in one variable equals its interval; `a ≈ b` equals either side; a choice letter equals itself with any text
    behind it, or that text; constants of a function that only one side uses may have any name (`cx + d`, `ax + b`);
    a sentence equals what it says ("the only solution is x = 5"), and "no such n exists" equals "No".
    """

    percent: str = "either"
    units: str = "optional"
    bases: str = "optional"
    rounding: int | None = 6
    tolerance: float | Fraction = 0
    timeout: float = 2.0

    def __post_init__(self) -> None:
        for name, allowed in (
            ("percent", ("either", "value", "unit")),
            ("units", ("optional", "required", "ignored")),
            ("bases", ("optional", "value")),
        ):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(allowed)}, not {getattr(self, name)!r}")
