"""What kind of answer a tree is, and the rewritings that bring two answers to one kind."""

import re
from collections.abc import Callable
from fractions import Fraction

from . import algebra
from .parse import SCALES, Tree

FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "!=": "!="}
# What is applied to give a value its name: f(x), an angle, a limit.
_NAMING = {"call", "angle", "triangle", "prime", "max", "min", "det", "lim", "sum", "prod", "int"}
_LONG_FIRST = sorted(SCALES, key=len, reverse=True)
_SCALE = re.compile(
    rf"({'|'.join(word for word in _LONG_FIRST if word.isascii())})s?\b(?:\s*of\b)?|"
    rf"({'|'.join(word for word in _LONG_FIRST if not word.isascii())})",
    re.IGNORECASE,
)
_CONTAINERS = {"list", "seq", "set", "cup", "cap", "minus", "where", "mat", "rel", "pm", "mp"}


def named_value(tree: Tree) -> tuple[Tree, tuple] | None:
    """For `name = a = b ≈ c`: the name and the values offered, (b, c); None if it is no such chain.

    A name is a symbol, a product of symbols (a segment AB), f(x), |AB|, an angle, a ratio or a sum of names, the last
    one only of a constant (`m + n = 489`). A chain of constants (`35 + 70 = 105`) has its last value, and no name.
    """
    if tree[0] != "rel" or any(op not in {"=", "~", "in"} for op in tree[2::2]):
        return None
    parts, ops = tree[1::2], tree[2::2]
    if ops == ("=",) and parts[1][0] == "var" and not symbols(parts[0]):
        parts = parts[::-1]  # 2 = x
    if "in" in ops:
        return (parts[0], (parts[1],)) if ops == ("in",) and parts[0][0] in {"var", "fn", "seq"} else None
    if _is_name(parts[0]) and (parts[0][0] != "add" or not symbols(parts[-1])):
        name, rest, ops = parts[0], parts[1:], ops[1:]
    elif all(_plain(part) and not symbols(part) for part in parts[-2:]) or ops[0] == "~":
        name, rest = ("name",), parts
    else:
        return None
    exact = rest[0]
    near: list[Tree] = []
    for op, part in zip(ops, rest[1:], strict=True):
        if op == "=" and not near:
            exact = part
        else:
            near.append(part)
    return name, (exact, *near)


def clash(a: Tree, b: Tree) -> bool:
    """Whether two names can't be two names of one thing: coordinates, functions of an angle, sums."""
    if "add" in {a[0], b[0]}:
        return True
    if a[0] == b[0] == "var":
        return {a[1], b[1]} <= {"x", "y", "z"}
    functions = {name[1] for name in (a, b) if name[0] == "fn" and name[1] in {"sin", "cos", "tan", "ln"}}
    return bool(functions) and a[:2] != b[:2]


def _is_name(tree: Tree) -> bool:
    kind = tree[0]
    if kind == "var":
        return tree[1] not in {"pi", "e", "i"}
    if kind == "fn":
        return tree[1] in _NAMING or (tree[1] in {"abs", "sin", "cos", "tan", "ln"} and _is_name(tree[2]))
    if kind == "mul" and tree[1][0] == "var" and len(tree[1][1]) > 1 and tree[1][1].isalpha():
        return all(part[0] in {"seq", "num", "var"} for part in tree[2:])
    if kind in {"mul", "ratio", "div"}:
        return all(_is_name(part) for part in tree[1:])
    if kind == "add":
        return all(_is_name(part[1] if part[0] == "neg" else part) for part in tree[1:])
    if kind == "seq":
        return all(_is_name(part) for part in tree[3:])
    return False


def _plain(tree: Tree) -> bool:
    return tree[0] not in _CONTAINERS


def scalar(tree: Tree) -> bool:
    """Whether a tree is an expression for one number."""
    if tree[0] in _CONTAINERS or tree[0] == "inf":
        return False
    return all(scalar(part) for part in tree[1:] if isinstance(part, tuple)) or tree[0] == "fn"


def symbols(tree: Tree) -> set[str]:
    """The free symbols of a tree (pi, e and i are none)."""
    if tree[0] == "var":
        return set() if tree[1] in {"pi", "e", "i"} else {tree[1]}
    found: set[str] = set()
    for part in tree[1:]:
        if isinstance(part, tuple) and part:
            found |= symbols(part) if isinstance(part[0], str) else set().union(*(symbols(item) for item in part))
    return found


def spread(tree: Tree) -> Tree:
    """`1 ± √2` as the list of its two values (`∓` taking the other sign); a tree without ± as it is."""
    if not _has_sign_choice(tree):
        return tree
    if tree[0] in {"list", "set"}:
        items: list[Tree] = []
        for item in tree[1:]:
            if _has_sign_choice(item):
                wide = spread(item)
                items += wide[1:] if wide[0] == "list" else (wide,)
            else:
                items.append(item)
        return (tree[0], *items)
    if tree[0] == "unit":
        inner = spread(tree[1])
        return (
            ("list", *(("unit", item, tree[2]) for item in inner[1:]))
            if inner[0] == "list"
            else (*tree[:1], inner, tree[2])
        )
    return ("list", *(_choose(tree, sign) for sign in ("pm", "mp")))


def _choose(tree: Tree, positive: str) -> Tree:
    def change(part: Tree) -> Tree:
        if part and part[0] in {"pm", "mp"}:
            return part[1] if part[0] == positive else ("neg", part[1])
        return part

    return _rewrite(tree, change)


def _has_sign_choice(tree: Tree) -> bool:
    if tree and tree[0] in {"pm", "mp"}:
        return True
    return any(_has_sign_choice(part) for part in tree if isinstance(part, tuple))


def _rewrite(tree: Tree, change: Callable[[Tree], Tree]) -> Tree:
    return change(tuple(_rewrite(part, change) if isinstance(part, tuple) else part for part in tree))


def flatten(tree: Tree) -> tuple:
    """The items of a list or set, those of a set inside a list of equals included."""
    if tree[0] == "list" and len(tree) == 2 and tree[1][0] == "set":
        return tree[1][1:]
    items: list[Tree] = []
    for item in tree[1:]:
        named = named_value(item) if item[0] == "rel" else None
        if named and len(named[1]) == 1 and named[1][0][0] == "list":
            items += [("rel", named[0], "=", value) for value in named[1][0][1:]]
        else:
            items.append(item)
    return tuple(items)


def values_of(items: tuple) -> tuple:
    """The items with the names of their values taken off: `x = 1, y = 2` as 1, 2."""
    values = []
    for item in items:
        named = named_value(item) if item[0] == "rel" else None
        values.append(named[1][0] if named else item)
    return tuple(values)


def flipped(tree: Tree) -> Tree:
    """A chain of comparisons read from right to left."""
    parts = list(reversed(tree[1:]))
    parts[1::2] = [FLIPPED.get(op, op) for op in parts[1::2]]
    return ("rel", *parts)


def on_the_24_hour_clock(time_of_day: Tree, half: str) -> Tree:
    """`8:34` of the afternoon as 20:34, midnight as 0:00."""
    if time_of_day[0] != "ratio" or time_of_day[1][0] != "num" or not 1 <= time_of_day[1][1] <= 12:
        return time_of_day
    hour = time_of_day[1][1] % 12 + (12 if half == "pm" else 0)
    return ("ratio", ("num", hour, 0), *time_of_day[2:])


def written_out(tree: Tree) -> Tree:
    """`2.31 \\times 10^{-3}` as the decimal 0.00231; any other tree as it is."""
    if tree[0] != "mul" or len(tree) != 3 or tree[1][0] != "num" or tree[2][:2] != ("pow", ("num", Fraction(10), 0)):
        return tree
    exponent = algebra.rational(tree[2][2])
    if exponent is None or exponent.denominator != 1 or abs(exponent) > 300:
        return tree
    return ("num", tree[1][1] * Fraction(10) ** int(exponent), max(0, tree[1][2] - int(exponent)))


def digits_of(tree: Tree) -> str:
    if tree[0] == "num" and tree[2] == 0:
        return str(tree[1]) if tree[1].numerator.bit_length() < 10_000 else ""
    return tree[3] if tree[:2] == ("fn", "digits") else ""


def sign_of_infinity(tree: Tree) -> int:
    if tree == ("inf",):
        return 1
    return -1 if tree == ("neg", ("inf",)) else 0


def scaled(tree: Tree) -> Tree:
    """`2 dozen eggs` as 24 eggs, `1.2万` as 12000; any other tree as it is."""
    if tree[0] != "unit":
        return tree
    scale = _SCALE.match(tree[2])
    if not scale:
        return tree
    amount: Tree = ("mul", tree[1], ("num", Fraction(SCALES[(scale[1] or scale[2]).lower()]), 0))
    rest = tree[2][scale.end() :].strip()
    return ("unit", amount, rest) if rest else amount


def ascending(tree: Tree) -> tuple:
    """The constants of a chain `a < b < c` in that order; empty for any other tree."""
    if tree[0] != "rel" or len(tree) < 6 or not (set(tree[2::2]) == {"<"} or set(tree[2::2]) == {">"}):
        return ()
    return () if any(symbols(part) for part in tree[1::2]) else tree[1::2]


def permutations_called(tree: Tree) -> Tree:
    """`P(5, 2)` as the count that it is where a number is expected; any other tree as it is."""
    if tree[:3] == ("fn", "call", ("var", "P")) and [part[0] for part in tree[3:]] == ["num", "num"]:
        return ("fn", "perm", *tree[3:])
    return tree
