"""Is this gold one real number? The grader's grammar reads it; here its tree is judged, nothing is computed."""

import re
from functools import lru_cache

from o1j.grading.parse import NotMaths, Tree, parse

# What most golds look like; they never reach the grammar, which takes a hundred times as long.
_ROOT = r"\\(?:pi|sqrt\s*\{\s*\d+\s*\})"
_TERM = rf"(?:(?:0|[1-9]\d*)(?:\.\d+)?(?:\s*{_ROOT})?|{_ROOT})"
_SUM = rf"-?\s*{_TERM}(?:\s*[-+]\s*{_TERM})*"
_FRACTION = rf"\\[dt]?frac\s*\{{\s*{_SUM}\s*\}}\s*\{{\s*{_SUM}\s*\}}"
_PART = rf"(?:{_FRACTION}(?:\s*{_ROOT})?|[1-9]\d*\^(?:\d|\{{\d+\}})|{_TERM})"
_PLAIN = re.compile(rf"\$?-?(?:\d+|{_PART}(?:\s*[-+]\s*{_PART})*)\$?")
# A variable that no unit is named like, a comma that is none of thousands, a sign that only sets, bounds and several
# values have: no number. But words, functions and Chinese text are for the grammar.
_NO_NUMBER = re.compile(
    r"(?<![A-Za-z\\_])(?<!_\{)[nkxyz](?![A-Za-z])(?!\s*[=<>])|(?<!\\),(?=\s*[-(\d\\])(?!(?:\\!|\s)*\d{3}(?!\d))"
    r"|\\(?:infty|cup|pm|mid|in|neq?|[gl]eq?(?:slant)?)(?![A-Za-z])"
)
_FOR_THE_GRAMMAR = re.compile(r"text|math|mbox|rm\b|approx|[A-Za-z]\s*\(|max|min|gcd|lcm|[^\x00-\x7f]")
_LONGEST = 400  # characters; a number that needs more is a formula or a text

_ARITHMETIC = {"add", "mul", "div", "pow", "neg"}
_REAL_FUNCTIONS = {
    *("sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "arccot", "arcsec", "arccsc"),
    *("sinh", "cosh", "tanh", "coth", "log", "ln", "lg", "exp", "max", "min", "gcd", "lcm", "root", "sqrt", "abs"),
    *("floor", "ceil", "fact", "binom", "exact"),
}
_CONSTANTS = {"pi", "e"}
# `(1)(3)` and `①③` name statements; the grammar multiplies.
_STATEMENTS = re.compile(r"\$?(?:(?:[(（]\d[)）]\s*){2,}|[①-⑳][①-⑳\s,，、和]*)\$?$")
_ABOUT = re.compile(r"\$?\s*(?:about|approximately|approx\.?|roughly|\\approx|≈|约等于|大约|约为?)\s*", re.IGNORECASE)
# Outside the formula a single letter is a unit ("$200\sqrt{3}$ m"), inside it a variable ("-3m").
_LETTER_UNIT = re.compile(r"(\$[^$]+\$)\s*(?:[mgshlLNJWVK]|m/s)(?:\s*\^?\s*[23²³])?")
_NOT_A_UNIT = re.compile(r"[A-Za-z]$|(?:if|when|where|for|or|and|is|are|such|that|with|mod)\b", re.IGNORECASE)
_MARKED_UNIT = re.compile(r"\\(?:text|mathrm|mbox|rm)")


@lru_cache(maxsize=1 << 14)  # golds repeat: a quarter of a data set is small numbers and fractions
def is_real_number(gold: str) -> bool:
    r"""Whether `gold` is one real number: integer, decimal, fraction, radical, power, constant expression.

    >>> [is_real_number(g) for g in ("12", r"$\frac{3\pi}{4}$", r"x = 5", "18 dollars", "20\\%", r"2^{10}-1")]
    [True, True, True, True, True, True]
    >>> [is_real_number(g) for g in ("2, 3", "(0, 1]", "2n", "x+y=1", "1+2i", r"\infty", "B", "there are none")]
    [False, False, False, False, False, False, False, False]
    """
    if _PLAIN.fullmatch(gold):
        return True
    if _NO_NUMBER.search(gold, gold.rfind("=") + 1) and not _FOR_THE_GRAMMAR.search(gold):
        return False
    text = gold.strip().rstrip(" .。;；")
    if not text or len(text) > _LONGEST or _STATEMENTS.match(text):
        return False
    measured = _LETTER_UNIT.fullmatch(text)
    try:
        tree = parse(measured[1] if measured else _rounded(text))
    except NotMaths:
        return False
    return _is_named_number(tree, letters_are_units=bool(_MARKED_UNIT.search(text)))


def _rounded(text: str) -> str:
    """`text` without a word before it that says it is rounded."""
    about = _ABOUT.match(text)
    return text[about.end() :].rstrip("$") if about else text


def _is_named_number(tree: Tree, letters_are_units: bool) -> bool:
    """A number, with or without one name for it: `x = 5`, `S_{max} = 3`, `P(A) = 1/2`; `f(x) = 1` is a function."""
    if tree[0] == "rel":
        name, signs, values = tree[1], tree[2::2], tree[3::2]
        if any(sign not in ("=", "~") for sign in signs) or not (_is_name(name) or _is_number(name, letters_are_units)):
            return False
        return all(_is_number(value, letters_are_units) for value in values)
    if tree[0] == "ratio":
        return len(tree) == 3 and all(_is_number(side, letters_are_units) for side in tree[1:])
    return _is_number(tree, letters_are_units)


def _is_name(tree: Tree) -> bool:
    if tree[0] == "var" or tree[:2] in (("fn", "angle"), ("fn", "abs")):
        return True
    if tree[:2] == ("fn", "call"):
        return all(_is_number(item, False) or (item[0] == "var" and item[1].isupper()) for item in tree[3:])
    return tree[0] == "mul" and all(part[0] == "var" and part[1][:1].isupper() for part in tree[1:])  # AB = 5


def _is_number(tree: Tree, letters_are_units: bool) -> bool:
    kind = tree[0]
    if kind in ("num", "base"):
        return True
    if kind == "var":
        return tree[1] in _CONSTANTS
    if kind == "unit":
        marked = letters_are_units or not _NOT_A_UNIT.match(tree[2])
        return marked and _is_number(tree[1], letters_are_units)
    if kind == "fn":
        return tree[1] in _REAL_FUNCTIONS and all(_is_number(part, letters_are_units) for part in tree[2:])
    return kind in _ARITHMETIC and all(_is_number(part, letters_are_units) for part in tree[1:])
