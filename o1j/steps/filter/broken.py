"""Is the problem's text whole? Encoding damage, markup left over, LaTeX or a sentence cut in two."""

import re

# UTF-8 read as Latin-1 or Windows-1252 (its second bytes), as GBK, or as something else that had no letter for it.
_SECOND = "\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
_MOJIBAKE = re.compile(
    rf"\ufffd|Ã[\x80-\xbf©¨±³¶¼¤]|â€[™œ\x9d\x80-\xbf“”˜¦]|Â[\xa0-\xbf]|ï¼[{_SECOND}]|ã€[{_SECOND}]"
    rf"|(?:[ä-é][{_SECOND}]{{2}}){{2}}|(?:Ð[\xb0-\xbf].?){{2}}|锟斤拷|[鈥鈭][\u4e00-\u9fff€\s]"
)
_LEFTOVERS = (
    *("&nbsp;", "&lt;", "&gt;", "&amp;", "&quot;", "&#", "</", "<br", "<p>"),
    *("[hide", "[/", "[url", "[quote", "ranslat"),
)
_MARKUP = re.compile(
    r"&(?:nbsp|lt|gt|amp|quot|#x?[0-9a-fA-F]+);|</?(?:br|p|div|span|table|td|tr|sup|sub|b|i|strong|em|font)\b[^<>]*>"
    r"|\[/?(?:hide|url|quote)[^\]]*\]|\[/(?:b|i|u|s|list|code|color|size|center|img|youtube)\]"
    # what a translating model was asked, or says
    r"|[Tt]ranslate the (?:above|following|provided)[^.]{0,30} text|[Tt]ranslation result(?: directly|:)"
    r"|[Tt]ranslated (?:text|version):"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ue000-\uf8ff]|\r(?!\n)")
# \times, \theta, \neq … whose backslash and first letter became a tab or a new line.
_EATEN = re.compile(r"\t(?:imes|heta|ext|riangle|frac|an|au|o)\b|\n(?:eq|abla|otin|mid)\b")
# What stands outside a text's formulas has no LaTeX that only formulas have.
_FORMULA = re.compile(
    r"\$\$.*?\$\$|\\\[.*?\\\]|\\\(.*?\\\)|(?<!\\)\$(?:\\.|[^$\\])*\$|\\begin\{(\w+)\*?\}.*?\\end\{\1\*?\}"
    r"|\[asy\].*?\[/asy\]|\]\(\S*\)",
    re.DOTALL,
)
_FORMULAS_ONLY = re.compile(
    r"\\(?:[dt]?frac|sqrt|leq?|geq?|times|cdot|angle|binom|neq|sum|sin|cos|log)(?![a-z])|[\^_]\{",
)
_DOLLAR = re.compile(r"(?<!\\)\$")
_AMOUNT = r"\s?(?:\d[\d,]*(?:\.\d+)?|\.\d+)"
# "$5 each", "$5.", "$5/month", "$5K", "15$ each".
_PRICE = re.compile(rf"(?<!\\)\$(?={_AMOUNT}(?:[\s.,;:?!)/\]\"'’a-zA-Z%-]|$))|(?:^|\s)\d[\d,.]*\$(?=[\s.,;:?!)/]|$)")
_UNESCAPED = re.compile(rf"\$\$({_AMOUNT}\$)(?!\$)")  # "$\$43$" that lost its backslash
_MONEY_WORDS = re.compile(
    r"\b(?:cost|price|pa(?:y|id)|dollar|earn|spen[dt]|buy|bought|s[eo]l[ld]|worth|money|saves?|saved|charge|fee|wage|salar"
    r"|profit|cents?|income|tip|discount|rent|budget|tax|owe|loan|invest|account|fund|donat|bill|cash|bank|prize|bonus"
    r"|purchas|balance|bet\b|debt|allowance|refund|[mb]illion|expens|shop|pension)",
    re.IGNORECASE,
)
# Inside a formula only `\text{…}` holds words.
_WORDS_IN_FORMULA = re.compile(r"\\(?:text|mathrm|textbf|mbox|operatorname)\w*\s*\{[^{}]*\}")
_PROSE = re.compile(
    r"[\u4e00-\u9fff，。；]|(?<![\\A-Za-z])[A-Za-z]{2,}[,.;:?!]?\s+[A-Za-z]{2,}|^\s*[,.;:]?\s*$|^[,.;]|\s$",
)
_BEGIN = re.compile(r"\\(begin|end)\s*\{([A-Za-z]+\*?)\}")
_TABLE = re.compile(r"\\begin\s*\{(?:array|cases|tabular)\}(.*?)\\end", re.DOTALL)
_CUT = re.compile(
    r"(?:[(（+\\]|(?<=[a-z,]\s)(?:the|of|and|is|that|where|with|if|a|an|to|for|as|by|be|are|let|then))\s*$",
    re.IGNORECASE,
)
_SHORTEST, _SHORTEST_CHINESE = 8, 5  # characters; what is shorter than "$1+1=?$." or "求2^9." asks nothing


def is_broken(problem: str) -> bool:
    r"""Whether `problem` is too short to ask anything, damaged in its encoding, full of markup, or cut off.

    >>> [is_broken(text) for text in (r"Find $x$ if $\frac{x}{2}=1$.", r"Find $\frac{x}{2$.", "It costs $5. Find the")]
    [False, True, True]
    """
    if len(problem) < (_SHORTEST if problem.isascii() else _SHORTEST_CHINESE):
        return True
    if not problem.isprintable() and _CONTROL.search(problem):
        return True
    if not problem.isascii() and _MOJIBAKE.search(problem):
        return True
    if _EATEN.search(problem):
        return True
    if any(mark in problem for mark in _LEFTOVERS) and _MARKUP.search(problem):
        return True
    return _is_unbalanced(problem) or bool(_CUT.search(problem, len(problem) - 12))


def _is_unbalanced(problem: str) -> bool:
    """Whether braces, environments or dollar signs lack their other half, or tables their rows."""
    if "\\left{" in problem or "\\right}" in problem:  # an escaped brace that lost its backslash
        return True
    if problem.count("{") - problem.count("\\{") != problem.count("}") - problem.count("\\}"):
        return True
    opened: list[str] = []
    for kind, name in _BEGIN.findall(problem) if "\\begin" in problem or "\\end" in problem else ():
        if kind == "begin":
            opened.append(name)
        elif not opened or opened.pop() != name:
            return True
    if opened or ("\\begin" in problem and _is_one_row(problem)):
        return True
    dollars = problem.count("$") - problem.count("\\$")
    if dollars == 0:
        return False
    unpaired = dollars % 2 == 1 or ("\\" in problem and _FORMULAS_ONLY.search(_FORMULA.sub("", problem)) is not None)
    return unpaired and not _sells(problem)


def _is_one_row(problem: str) -> bool:
    r"""Whether the rows of a table run into one, because `\\\\ ` became `\\ `."""
    if "\\ \\hline" in problem.replace("\\\\", ""):
        return True
    return any("\\ " in rows and "\\\\" not in rows for rows in _TABLE.findall(problem))


def _sells(problem: str) -> bool:
    """Whether the dollar signs that are no formula's are those of prices.

    Without money in its words, or with a formula elsewhere, a text has prices only if each dollar sign is one.
    """
    problem = _UNESCAPED.sub(r"$\\$\1", problem)
    prices = {problem.index("$", match.start()) for match in _PRICE.finditer(problem)}
    if not prices:
        return False
    places = [match.start() for match in _DOLLAR.finditer(problem)]
    if not _MONEY_WORDS.search(problem):
        return "\\" not in problem and all(place in prices and problem[place - 1 : place].isspace() for place in places)
    whole = [True]  # from the last sign backwards: can the rest be read as prices and formulas?
    for number in range(len(places) - 1, -1, -1):
        begin, end = places[number], places[number + 1] if number + 1 < len(places) else -1
        formula = end > 0 and whole[-2] and not _PROSE.search(_WORDS_IN_FORMULA.sub("", problem[begin + 1 : end]))
        whole.append(formula or (begin in prices and whole[-1]))
    return whole[-1]
