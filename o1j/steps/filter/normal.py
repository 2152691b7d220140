"""One spelling of a text, for finding copies: what layout, LaTeX variants, case and punctuation differ in is gone."""

import re
import unicodedata

_DELETED = str.maketrans(
    "", "", " \t\n\r\x0b\x0c$~{}*_`\"'!?“”‘’、。，；：！？（）()\u3000\xa0\u200b\u200c\u200d\u2060\ufeff\xad"
)
_COMMANDS = re.compile(
    r"\\(?:left|right|displaystyle|textstyle|limits|nolimits|[bB]igg?[lrm]?|quad|qquad|text|textbf|textit|textrm|mathrm"
    r"|mathbf|mathit|mathsf|rm|bf|operatorname|mbox|boldsymbol|hspace|vspace)(?![a-z])|\\[,;:!> ()\[\]]|\\\\"
)
_SYNONYMS = (
    *(("\\dfrac", "\\frac"), ("\\tfrac", "\\frac"), ("\\cfrac", "\\frac"), ("\\leqslant", "\\le"), ("\\leq", "\\le")),
    *(("\\geqslant", "\\ge"), ("\\geq", "\\ge"), ("\\neq", "\\ne"), ("\\ldots", "..."), ("\\cdots", "...")),
    *(("\\dots", "..."), ("\\to", "\\rightarrow"), ("\\%", "%"), ("\\#", "#"), ("\\&", "&"), ("^\\circ", "°")),
    *(("\\dbinom", "\\binom"), ("\\tbinom", "\\binom"), ("\\lbrace", "\\"), ("\\rbrace", "\\"), ("\\cdot", "\\times")),
)
_TOKEN = re.compile(r"\\[a-z]+|[a-z]+|\d|[^\x00-\x7f\s\u200b-\u200d\u2060\ufeff\xad。，、；：？！（）]|[-+=<>|^/!]")
_POINTS = re.compile(r"[.,;:](?:(?<!\d.)|(?!\d))")  # all but those between two digits


def normal(text: str) -> str:
    r"""`text` in lower case without white space, dollars, braces, layout commands and punctuation.

    >>> normal(r"Find $\left( \dfrac{1}{2} \right)^{2}$."), normal(r"find \(\frac 12^2\)")
    ('find\\frac12^2', 'find\\frac12^2')
    """
    text = _folded(text)
    if "\\" not in text:
        return _POINTS.sub("", text.translate(_DELETED))
    return _POINTS.sub("", _synonyms(_COMMANDS.sub("", text).translate(_DELETED)))


def tokens(text: str) -> list[str]:
    r"""The words, commands, digits, signs and Chinese characters of `text`, in the spelling of `normal`.

    >>> tokens(r"Find $\dfrac{12}{x}$."), tokens("求 $n$ 的值。")
    (['find', '\\frac', '1', '2', 'x'], ['求', 'n', '的', '值'])
    """
    text = _folded(text)
    return _TOKEN.findall(_synonyms(_COMMANDS.sub("", text)) if "\\" in text else text)


def _folded(text: str) -> str:
    return (text if text.isascii() else unicodedata.normalize("NFKC", text)).lower()


def _synonyms(text: str) -> str:
    for variant, plain in _SYNONYMS:
        if variant in text:
            text = text.replace(variant, plain)
    return text
