"""Multiple choice: the options that a problem offers, and the value behind a letter."""

import re

# "(A) 12", "\textbf{(A)}\ 12", "A. 12", "A、12", "A) 12": the letter and what introduces it.
_OPTION = re.compile(
    r"(?:\\(?:textbf|mathrm|text|mathbf|bf|rm)\s*\{?\s*)?"
    r"(?:(?<![A-Za-z0-9}\\])[(（]\s*([A-H])\s*[)）]|(?<![A-Za-z0-9\\^_({])([A-H])\s*(?:[.．、:：]|[)）]))\s*\}?\s*[.:：]?"
)
_LETTER = re.compile(
    r"(?:\\(?:text|textbf|mathrm|mathbf|boxed)\s*\{)*\s*[(（]?\s*([A-H])\s*[)）]?\s*\}*\s*(?:$|[.．、:：)])"
)
_SPACING = r"\\(?:q?quad|hspace\*?\{[^}]*\}|newline|[ ,;!\\])"
_EDGES = re.compile(rf"^(?:[\s,;~:}}]|{_SPACING})+|(?:[\s,;~&.。；，]|{_SPACING})+$")
_MARKS = ("B)", "B.", "B、", "B．", "B:", "B：", "B ）", "B）")
_WORDS = re.compile(r"which of the following|下列|以下", re.IGNORECASE)


def options(problem: str) -> dict[str, str]:
    """The options that `problem` offers, letter → text; empty where it offers fewer than three.

    >>> options(r"What is $1+1$? $\\textbf{(A)}\\ 1\\qquad\\textbf{(B)}\\ 2\\qquad\\textbf{(C)}\\ 3$")
    {'A': '1', 'B': '2', 'C': '3'}
    """
    if not any(mark in problem for mark in _MARKS):
        return {}
    found: list[tuple[str, int, int]] = []
    for match in _OPTION.finditer(problem):
        letter = match[1] or match[2]
        if letter == "A":
            if len(found) > 2:
                continue  # the options have been read; a later "(A)" is a mention
            found = [(letter, match.start(), match.end())]
        elif found and letter == chr(ord(found[-1][0]) + 1):
            found.append((letter, match.start(), match.end()))
    if len(found) < 3:
        return {}
    ends = [start for _, start, _ in found[1:]] + [len(problem)]
    return {letter: _value(problem[start:end]) for (letter, _, start), end in zip(found, ends, strict=True)}


def letter_of(gold: str) -> str | None:
    """The choice letter that `gold` is, with or without the option's text: "C", "(C)", "C. 12" → "C"."""
    match = _LETTER.match(gold.strip().strip("$"))
    return match[1] if match else None


def value_of(gold: str, problem: str) -> str | None:
    """What the choice `gold` stands for; None where it is no choice, or its option can't be read."""
    letter = letter_of(gold)
    if letter is None:
        return None
    return options(problem).get(letter) or None


def is_multiple_choice(problem: str, golds: list[str]) -> bool:
    """Whether `problem` offers options, or speaks of them and its gold is a letter."""
    return bool(options(problem)) or bool(golds and letter_of(golds[0]) and _WORDS.search(problem))


def _value(text: str) -> str:
    text = _EDGES.sub("", _EDGES.sub("", text.partition("\n\n")[0]))
    if text.count("$") % 2:
        text = text.strip("$").strip() if text[:1] == "$" or text[-1:] == "$" else text.replace("$", "")
    return _EDGES.sub("", text).strip()
