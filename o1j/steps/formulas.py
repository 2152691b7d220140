"""Mathematics kept out of a translator's hands: formulas become marks ⟦0⟧, ⟦1⟧, … and come back unchanged."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping


def _balanced(levels: int) -> str:
    """What may stand within braces: text, and braces to so many levels."""
    return rf"(?:[^{{}}]|\{{{_balanced(levels - 1)}\}})*" if levels else r"[^{}]*"


_BRACES = _balanced(8)
# Commands and environments whose arguments are prose: only their names are kept from the translator.
_PROSE = r"textbf|textit|textsc|emph|underline|section|subsection|paragraph|item|caption|footnote"
_LISTS = r"itemize|enumerate|description|center|quote|proof|theorem|lemma|solution|problem|document"
_WORDS_WITHIN = r"\\(?:text|textrm|textbf|textit|mbox|hbox|mathrm)"
_SAYS_WORDS = r"[^$\n]*?(?:(?<![\\A-Za-z])[A-Za-z]{3,}|[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af])"
_FORMULA = re.compile(
    "|".join(
        (
            r"⟦\s*\d+\s*⟧",  # a mark that the text brings along must come back as well
            r"```.*?```|^~~~.*?^~~~|`[^`\n]+`",
            r"\[asy\].*?\[/asy\]",
            r"!\[[^\]]*\]\([^)]*\)|(?:https?://|www\.)[!-\'*-Z^-~]*[\w/#&=~-]|(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+",
            r"</?think>",
            r"<<[^<>\n]*>>|^####[^\n]*$",
            rf"\\begin\{{(?P<env>(?!(?:{_LISTS})\}})[a-zA-Z]+\*?)\}}.*?\\end\{{(?P=env)\}}",
            r"\$\$.+?\$\$|\\\[.+?\\\]|\\\(.+?\\\)",
            # pandoc's rule: no space inside the dollars; words within may have dollars of their own
            rf"(?<!\\)\$(?=\S)(?:{_WORDS_WITHIN}\{{{_BRACES}\}}|(?!{_WORDS_WITHIN}\{{)\\.|[^$\\])*?(?<=[^\s\\])\$(?!\d)",
            # with a space all the same, where no word and no sum of money tells that it is prose
            rf"(?<!\\)\$(?!{_SAYS_WORDS}|\s*[\d.,]+[\s,;.]*\$)[^$\n]{{1,200}}?\$(?!\d)",
            rf"\\(?:{_PROSE})\b\*?(?:\[[^\]\n]*\])?",
            rf"\\[A-Za-z]+(?:\s?\{{{_BRACES}\}}|\[[^\]\n]*\])*",
        )
    ),
    re.DOTALL | re.MULTILINE,
)
_WRITTEN = re.compile(r"(?<=\\)(?P<how>(?:text|textrm|textbf|textit|mbox|hbox|mathrm)\s?)\{(?P<words>[^{}$\\]*)\}")
_NOT_LATIN = re.compile(r"[\u0400-\u04ff\u0600-\u06ff\u0900-\u097f\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]")
_MARK = re.compile(r"⟦\s*(\d+)\s*⟧")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*(?!\d*(?:st|nd|rd|th)\b)")
_SIGN = re.compile(r"[{}^√]|(?<![=<>≤≥≠~-])[=<>≤≥≠](?![=<>])")
_SEPARATORS = ("\n\n", "\n", ". ", "。", " ")


def protect(text: str) -> tuple[str, list[str]]:
    """The text with a mark for each formula, and the formulas: "$x^2$ is 4" → ("⟦0⟧ is 4", ["$x^2$"]).

    Besides TeX, what must not be translated is protected too: code, pictures, links, `<think>` tags, `#### 4`.
    """
    formulas: list[str] = []

    def mark(match: re.Match[str]) -> str:
        formulas.append(match[0])
        return f"⟦{len(formulas) - 1}⟧"

    return _FORMULA.sub(mark, text), formulas


def restore(text: str, formulas: list[str]) -> str:
    """Put the formulas back in place of their marks."""
    return _MARK.sub(lambda match: formulas[int(match[1])], text)


def words_within(formulas: Iterable[str]) -> set[str]:
    """The words of another script than Latin that formulas hold in \\text and its like; those of answers stay."""
    found = (match["words"] for one in formulas if "\\boxed" not in one for match in _WRITTEN.finditer(one))
    return {words for words in found if _NOT_LATIN.search(words)}


def reword(formula: str, words: Mapping[str, str]) -> str:
    """The formula with other words in it: `\\text{当}` → `\\text{when}`."""
    if "\\boxed" in formula:
        return formula
    return _WRITTEN.sub(lambda match: f"{match['how']}{{{words.get(match['words'], match['words'])}}}", formula)


def marks(text: str) -> Counter[int]:
    """How often each mark stands in the text."""
    return Counter(int(number) for number in _MARK.findall(text))


def numbers(text: str) -> Counter[str]:
    """The numbers that the text spells in digits outside its marks, without thousands separators or ordinals."""
    bare = unicodedata.normalize("NFKC", _MARK.sub(" ", text))
    return Counter(number.replace(",", "") for number in _NUMBER.findall(bare))


def signs(text: str) -> Counter[str]:
    """The signs of mathematics, and the braces, that stand outside the marks: those of formulas without TeX."""
    return Counter(_SIGN.findall(unicodedata.normalize("NFKC", text)))


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
