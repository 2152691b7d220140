"""Mathematics kept out of a translator's hands: formulas become marks ⟦0⟧, ⟦1⟧, … and come back unchanged."""

import re
from collections import Counter
from collections.abc import Iterator

_BRACES = r"(?:[^{}]|\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\})*"  # balanced to four levels
_NATURAL_WORD = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{3,}")
_FORMULA = re.compile(
    "|".join(
        (
            r"⟦\d+⟧",  # a mark that the text brings along must come back as well
            r"```.*?```|`[^`\n]+`",
            r"\[asy\].*?\[/asy\]",
            r"!\[[^\]]*\]\([^)]*\)|https?://[^\s)\]]+",
            r"</?think>",
            r"<<[^<>\n]*>>|^####[^\n]*$",
            r"\\begin\{(?P<env>[a-zA-Z]+\*?)\}.*?\\end\{(?P=env)\}",
            r"\$\$.+?\$\$|\\\[.+?\\\]|\\\(.+?\\\)",
            r"(?<!\\)\$(?=\S)(?:\\.|[^$\\])*?(?<=[^\s\\])\$(?!\d)",  # pandoc's rule: no space inside the dollars
            r"(?<!\\)\$(?P<spaced>\s[^$\n]{1,200}?\s)\$",
            rf"\\[A-Za-z]+(?:\s?\{{{_BRACES}\}}|\[[^\]\n]*\])*",
        )
    ),
    re.DOTALL | re.MULTILINE,
)
_MARK = re.compile(r"⟦\s*(\d+)\s*⟧")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*(?!\d*(?:st|nd|rd|th)\b)")
_SEPARATORS = ("\n\n", "\n", ". ", "。", " ")


def protect(text: str) -> tuple[str, list[str]]:
    """The text with a mark for each formula, and the formulas: "$x^2$ is 4" → ("⟦0⟧ is 4", ["$x^2$"]).

    Besides TeX, what must not be translated is protected too: code, pictures, links, `<think>` tags, `#### 4`.
    """
    formulas: list[str] = []

    def mark(match: re.Match[str]) -> str:
        if match["spaced"] and _NATURAL_WORD.search(match["spaced"]):
            return match[0]  # "$ 5 and then $" is money
        formulas.append(match[0])
        return f"⟦{len(formulas) - 1}⟧"

    return _FORMULA.sub(mark, text), formulas


def restore(text: str, formulas: list[str]) -> str:
    """Put the formulas back in place of their marks."""
    return _MARK.sub(lambda match: formulas[int(match[1])], text)


def marks(text: str) -> Counter[int]:
    """How often each mark stands in the text."""
    return Counter(int(number) for number in _MARK.findall(text))


def numbers(text: str) -> Counter[str]:
    """The numbers that the text spells in digits outside its marks, without thousands separators or ordinals."""
    bare = _MARK.sub(" ", text)
    return Counter(number.replace(",", "") for number in _NUMBER.findall(bare))


def pieces(text: str, limit: int) -> Iterator[str]:
    """Cut a text into pieces of at most `limit` characters, at paragraphs, else lines, else sentences, else
    words; joined they are the text again."""
    separators = iter(_SEPARATORS)
    parts = [text]
    while any(len(part) > limit for part in parts):
        separator = next(separators, None)
        if separator is None:
            break
        parts = [cut for part in parts for cut in (_cut(part, separator) if len(part) > limit else [part])]
    piece = ""
    for part in parts:
        if piece and len(piece) + len(part) > limit:
            yield piece
            piece = ""
        piece += part
    if piece:
        yield piece


def _cut(text: str, separator: str) -> list[str]:
    parts = text.split(separator)
    return [part + separator for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])
