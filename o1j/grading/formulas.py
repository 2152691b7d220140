"""Formulas in running text: `$…$`, `\\(…\\)` and displays, and the value that a chain of equations ends on."""

import re
from itertools import pairwise

_DISPLAYS = "(?:align|equation|gather|multline|eqnarray)"
_PRICE = r"\d[\d,.]*\s+[a-z]{2,}\s"  # "$5 for lunch and $7 later" holds no formula
MATH = re.compile(
    rf"\\begin\{{{_DISPLAYS}\*?\}}(.{{1,3000}}?)\\end\{{{_DISPLAYS}\*?\}}|"
    r"\$\$(.{1,1000}?)\$\$|\\\[(.{1,1000}?)\\\]|\\\((.{1,1000}?)\\\)|"
    rf"(?<![\\\d])\$(?!{_PRICE})((?:[^$\n\\]|\\.){{1,1000}}?)\$(?!\d)|"
    rf"(?<!\\)\$(?!{_PRICE})((?:[^$\n\\]|\\.){{1,1000}}?)(?<![-+*/=(\s])\$",
    re.DOTALL,
)
DISPLAY = re.compile(
    rf"\s*(?:\$\$(?:.{{1,1000}}?)\$\$|\\\[(?:.{{1,1000}}?)\\\]|"
    rf"\\begin\{{{_DISPLAYS}\*?\}}(?:.{{1,3000}}?)\\end\{{{_DISPLAYS}\*?\}})[^\S\n]*(?:\n\s*(?=[a-z]))?",
    re.DOTALL,
)
_JOINT = re.compile(r"\s*(?:,?\s*(?:and|or)\b|[,;、，和或])\s*")
_CONDITION = re.compile(
    r"\b(?:with|when|if|for|since|as|given|using|let|where|from)\s+$|(?:当|若|由|设)\s*$", re.IGNORECASE
)
_UNIT_AFTER = re.compile(r"\s?(?:\\?%|percent\b|degrees\b|°)")
_STEP = re.compile(
    r"\\(?:therefore|because|Rightarrow|implies|Longrightarrow|Leftrightarrow|iff)(?![A-Za-z])|∴|⇒|即|故"
)
ALIGNED = re.compile(r"\\begin\{(?:aligned|align\*?|gathered|split)\}")
_LAYOUT = re.compile(r"\\begin\{(?:aligned|align\*?|gathered|split)\}|\\end\{(?:aligned|align\*?|gathered|split)\}|&")
_ROW_END = re.compile(r"\\\\(?:\[[^\]]*\])?")
_RELATION = re.compile(r"\s*(?:\\(?:equiv|le|ge|leq|geq|leqslant|geqslant|approx|lt|gt|to|sim)(?![A-Za-z])|[<>])")
_QED = re.compile(r"[.~,\s]*(?:\\(?:black)?square|\\blacksquare|\\Box|\\qed)\s*$")
_NUMERIC = re.compile(r"(?=.*\d)(?:\\[A-Za-z]+|[^A-Za-z])+")
_NOT_EQUALS = re.compile(r"[<>]$|(?<![\d)}] )(?<![\d)}])!$")
_NAME = re.compile(
    r"[A-Za-z](?:_\{?\w+\}?)?(?:\([A-Za-z, ]*\))?|\\(?:alpha|beta|gamma|theta|lambda|mu|phi|omega)|\([A-Za-z, ]+\)"
)


def inside(formula: re.Match) -> str:
    return next(group for group in formula.groups() if group is not None).strip().rstrip(".,")


def formulas_from(text: str, first: re.Match) -> str:
    """One formula, or several joined by commas and "and", with a unit behind the last."""
    run = [first]
    while True:
        gap = _JOINT.match(text, run[-1].end())
        following = MATH.match(text, gap.end()) if gap else None
        if not following:
            return run_text(text, run)
        run.append(following)


def run_text(text: str, run: list[re.Match]) -> str:
    """The values of formulas that belong together, with a unit behind the last."""
    unit = _UNIT_AFTER.match(text, run[-1].end())
    return ", ".join(last_value(inside(formula)) for formula in run) + (unit[0] if unit else "")


def joined(text: str, formulas: list[re.Match]) -> bool:
    """Whether only commas and "and" part the formulas."""
    return all(_JOINT.fullmatch(text, a.end(), b.start()) for a, b in pairwise(formulas))


def runs(text: str) -> list[list[re.Match]]:
    """The formulas of a text, those together that only commas and "and" part: "$x=1$ and $x=2$", not "if $a$, $b$"."""
    found: list[list[re.Match]] = []
    for formula in MATH.finditer(text):
        if found and _joins(text, found[-1][-1], formula) and not _CONDITION.search(text, 0, found[-1][0].start()):
            found[-1].append(formula)
        else:
            found.append([formula])
    return found


def _joins(text: str, first: re.Match, second: re.Match) -> bool:
    """Whether two formulas are items of one list: nothing but a comma or a connective between them, and one kind."""
    kind = _kind(second)
    return bool(_JOINT.fullmatch(text, first.end(), second.start())) and kind != "equation" and _kind(first) == kind


def _kind(formula: re.Match) -> str:
    """Whether a formula gives a name its value, is an equation of another sort, or is a mere value."""
    parts = _top_level_equals(inside(formula))
    if len(parts) < 2:
        return "value"
    return "named" if _NAME.fullmatch(parts[0].strip()) else "equation"


def last_value(formula: str) -> str:
    """What a chain of equations ends on: `n(n+1)/2 = 5 \\cdot 3 = 15` says 15, as `2x = 30, 15 = x` does.

    One equation stays whole if it gives a name its value (`x = 5`) or describes a curve (`x^2 + y^2 = 4`).
    """
    if ALIGNED.search(formula) or ("&" in formula and r"\begin" not in formula):
        rows = [row for row in _ROW_END.split(_LAYOUT.sub(" ", formula)) if row.strip(" .,;")]
        complete = rows and _top_level_equals(rows[-1])[0].strip()
        formula = _RELATION.sub("", rows[-1]) if complete else " ".join(rows)
    steps = [step for step in _STEP.split(_QED.sub("", formula)) if step.strip(" .")]
    text = steps[-1].strip(" .,;") if steps else formula
    parts = _top_level_equals(text)
    if len(parts) < 2 or not parts[-1].strip():
        return text
    name, value = parts[0].strip(), parts[-1].strip()
    if _NAME.fullmatch(value) and _NUMERIC.fullmatch(parts[-2].strip()):
        return parts[-2].strip()
    if len(parts) == 2 and (_NAME.fullmatch(name) or value == "0" or ("x" in name and "y" in name)):
        return text
    return value


def _top_level_equals(text: str) -> list[str]:
    """The text between the equals signs that stand in no bracket."""
    parts, depth, start = [], 0, 0
    for index, character in enumerate(text):
        if character in "([{":
            depth += 1
        elif character in ")]}":
            depth = max(0, depth - 1)
        elif character == "=" and depth == 0 and not _NOT_EQUALS.search(text, max(0, index - 4), index):
            parts.append(text[start:index])
            start = index + 1
    return [*parts, text[start:]]
