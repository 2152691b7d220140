"""LaTeX in text as MathML, which browsers draw themselves; what can't be converted stays as its source."""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape, unescape
from xml.etree import ElementTree

from o1j.errors import need

_LONGEST = 2000  # characters of one formula; longer ones stay source
_FORMULA = re.compile(
    r"\$\$(?P<dollars>.+?)\$\$|\\\[(?P<bracket>.+?)\\\]|\\\((?P<round>.+?)\\\)|(?<!\\)\$(?P<dollar>[^$]+?)(?<!\\)\$",
    re.DOTALL,
)
_MATHML = "{http://www.w3.org/1998/Math/MathML}"
_TAGS = frozenset(
    {"math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "ms", "mfrac", "msqrt", "mroot", "mstyle", "mpadded"}
    | {"mphantom", "mfenced", "menclose", "msub", "msup", "msubsup", "munder", "mover", "munderover", "mtable"}
    | {"mtr", "mtd", "semantics"}
)
_ATTRIBUTES = frozenset(
    {"display", "mathvariant", "stretchy", "fence", "separator", "lspace", "rspace", "minsize", "maxsize", "accent"}
    | {"movablelimits", "accentunder", "linethickness", "columnalign", "columnspacing", "rowspacing", "columnlines"}
    | {"rowlines", "width", "height", "depth", "notation", "displaystyle", "scriptlevel", "form"}
)


def text_to_html(text: str) -> str:
    """`text` escaped, its formulas ($…$, $$…$$, \\(…\\), \\[…\\]) as MathML.

    >>> text_to_html("<b> & more")
    '&lt;b&gt; &amp; more'
    """
    parts, end = [], 0
    for match in _FORMULA.finditer(text):
        parts.append(escape(text[end : match.start()]))
        block = match["dollars"] or match["bracket"]
        parts.append(formula(block or match["round"] or match["dollar"], block=bool(block)) or escape(match[0]))
        end = match.end()
    return "".join(parts) + escape(text[end:])


def answer_to_html(answer: str) -> str:
    """A final answer, which is LaTeX without dollar signs, as MathML; as text with formulas, where it is that."""
    if "$" in answer:
        return text_to_html(answer)
    if re.fullmatch(r"[\w\s.,;:'’!?%()-]*[^\W\d_]{3}[\w\s.,;:'’!?%()-]*", answer):
        return escape(answer)  # words: as a formula they would lose their spaces
    return formula(answer) or escape(answer)


@lru_cache(maxsize=1 << 14)
def formula(latex: str, *, block: bool = False) -> str | None:
    """One formula as MathML, None where the converter fails or gives anything but plain MathML.

    The converter's tree is serialised here and only known tags and attributes pass, so that nothing in a model's
    LaTeX can become markup of another kind.
    """
    if len(latex) > _LONGEST:
        return None
    converter = need("latex2mathml.converter", "report", "an HTML report")
    try:
        tree = converter.convert_to_element(latex.strip(), display="block" if block else "inline")
        return ElementTree.tostring(_plain(tree), encoding="unicode")
    except Exception:  # a converter out of the index: whatever it raises on hostile input, the source is shown
        return None


def _plain(node: ElementTree.Element) -> ElementTree.Element:
    tag = str(node.tag).removeprefix(_MATHML)
    if tag not in _TAGS:
        raise ValueError(tag)
    copy = ElementTree.Element(tag, {name: value for name, value in node.items() if name in _ATTRIBUTES})
    # The converter writes some characters as references, meant for a serialiser that leaves them alone.
    copy.text, copy.tail = unescape(node.text or ""), node.tail
    copy.extend(map(_plain, node))
    return copy
