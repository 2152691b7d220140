"""Multiple choice: the options that a problem offers, and the value behind a letter."""

import re

# "(A) 12", "\textbf{(A)}\ 12", "A. 12", "A、12", "A) 12", and "A \frac{1}{2}" where the mark was forgotten.
_OPTION = re.compile(
    r"(?:\\(?:textbf|mathrm|text|mathbf|bf|rm)\s*\{?\s*)?"
    r"(?:(?<![A-Za-z0-9}\\])[(（]\s*(?P<enclosed>[A-H])\s*[)）]"
    r"|(?<![A-Za-z0-9\\^_({])(?P<marked>[A-H])\s*(?:[.．、:：]|[)）])"
    r"|(?<=\s)(?P<bare>[A-H])\s+(?=[\\$\d-]))\s*\}?\s*[.:：]?"
)
_LETTER = re.compile(
    r"(?:\\(?:text|textbf|mathrm|mathbf|boxed)\s*\{)*\s*[(（]?\s*([A-H])\s*[)）]?\s*\}*\s*(?:$|[.．、:：)])"
)
_SPACING = r"\\(?:q?quad|hspace\*?\{[^}]*\}|newline|[ ,;!\\])"
_EDGES = re.compile(rf"^(?:[\s,;~:}}]|{_SPACING})+|(?:[\s,;~&.。；，]|{_SPACING})+$")
_DRAWING = re.compile(r"\[asy\].*?(?:\[/asy\]|$)", re.DOTALL)  # its "dot(A); dot(B); dot(C)" are no options
_MARKS = ("B)", "B.", "B、", "B．", "B:", "B：", "B ）", "B）", "B )")
_WORDS = re.compile(r"which of the following|下列|以下", re.IGNORECASE)


def options(problem: str) -> dict[str, str]:
    r"""The options that `problem` offers, letter → text; empty where it offers fewer than three.

    >>> options(r"What is $1+1$? $\textbf{(A)}\ 1\qquad\textbf{(B)}\ 2\qquad\textbf{(C)}\ 3$")
    {'A': '1', 'B': '2', 'C': '3'}
    """
    problem = undrawn(problem)
    found = _offered(problem)
    ends = [match.start() for match in found[1:]] + [len(problem)]
    return {
        chr(ord("A") + i): _value(problem[match.end() : end])
        for i, (match, end) in enumerate(zip(found, ends, strict=False))
    }


def stem(problem: str) -> str:
    """`problem` without the options that it offers."""
    problem = undrawn(problem)
    found = _offered(problem)
    return problem[: found[0].start()] if found else problem


def undrawn(problem: str) -> str:
    """`problem` without its `[asy]` drawings."""
    return _DRAWING.sub("", problem) if "[asy]" in problem else problem


def _offered(problem: str) -> list[re.Match[str]]:
    """The marks of the options, from A on; none where there are fewer than three."""
    if not any(mark in problem for mark in _MARKS):
        return []
    found: list[re.Match[str]] = []
    for match in _OPTION.finditer(problem):
        letter = match["enclosed"] or match["marked"] or match["bare"]
        if letter == "A" and len(found) < 3:  # once the options have been read, a later "(A)" is a mention
            found = [match]
        elif found and letter == chr(ord("A") + len(found)):
            found.append(match)
    return found if len(found) >= 3 and sum(not match["bare"] for match in found) >= 2 else []


def letter_of(gold: str) -> str | None:
    """The choice letter that `gold` is, with or without the option's text: "C", "(C)", "C. 12" → "C"."""
    match = _LETTER.match(gold.strip().strip("$"))
    return match[1] if match else None


def value_of(gold: str, problem: str) -> str | None:
    """What the choice `gold` stands for; None where it is no choice, or its option can't be read."""
    letter = letter_of(gold)
    return options(problem).get(letter) or None if letter else None


def is_multiple_choice(problem: str, golds: list[str]) -> bool:
    """Whether `problem` offers options, or speaks of them and its gold is a letter."""
    return bool(options(problem)) or bool(golds and letter_of(golds[0]) and _WORDS.search(problem))


def _value(text: str) -> str:
    text = _EDGES.sub("", _EDGES.sub("", text.partition("\n\n")[0]))
    if text.count("$") % 2:  # the formula began before the first option or ends after the last
        text = text.strip("$") if text[:1] == "$" or text[-1:] == "$" else text.replace("$", "")
    return _EDGES.sub("", text).strip()
