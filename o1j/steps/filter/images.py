"""Does the problem need a picture? Pictures embedded, and words that point at one."""

import re

from o1j.steps.filter.clues import EMBEDDED, PICTURES, clues

_AROUND = 70  # characters around a word that may point at a picture, which say whether it does

_KIND = r"(?:figures?|diagrams?|pictures?|drawings?|sketch(?:es)?|images?|illustrations?|photos?|map|charts?|graphs?)"
_PLACE = r"(?:below|above|here|at (?:the )?(?:right|left)|(?:on|to) the (?:right|left)|to (?:its|your) right)"
_POINTS = re.compile(
    rf"""\b(?:
        (?:shown|seen|drawn|given|depicted|illustrated|pictured|indicated|marked|labell?ed|displayed|represented
          |presented|arranged|connected|numbered)\s+(?:\w+\s+){{0,2}}?(?:in|on|by)\s+(?:the|this|that|these|our)?\s*
          (?:\w+\s+){{0,2}}?{_KIND}\b(?!\s+paper)
      | (?:the|following|accompanying|adjacent|adjoining|attached|this|these|two)\s+{_KIND}\s+
        (?:is\s+|are\s+)?(?:{_PLACE}|shows?\b|shown|illustrates?|depicts?|indicates?|represents?\s+a)
      | (?:following|accompanying|adjacent|adjoining|attached)\s+(?:figures?|diagrams?|pictures?|drawings?)\b
      | see\s+(?:the\s+)?(?:figures?|diagrams?|pictures?|drawings?|fig\b|images?)
      | fig(?:ure|\.)?\s*(?:\d|\$?\s*\(?\d)
      | in\s+(?:the|this|each)\s+(?:\w+\s+)?diagrams?\b
      | in\s+(?:the|this)\s+figure\b(?!\s+(?:bounded|formed|enclosed|obtained|consisting|defined|that|of|skat))
      | (?:the|this)\s+diagram\b
      | (?:pictured|illustrated|depicted|diagrammed)\b(?!,|\s+(?:as\s+a|in|on)\b)
      | shaded\s+(?:\w+\s+)?(?:region|area|part|portion|section|figure)s?\b
      | graph\s+(?:of\s+[^.]{{1,60}}\s+)?(?:is|are)\s+shown\b
      )
    | (?:^|[.?!:]\s|\n)\s*in\s+the\s+(?:picture|image|drawing|illustration|sketch)\b
    """,
    re.VERBOSE,
)
# These may point at something in the text: a table before or after, an array or a displayed formula that comes next,
# lines of numbers, a row that goes on ("$1+3-5-7 \\ldots$, as shown").
_SHOWS = re.compile(rf"\b(?:as\s+shown|(?:is|are)\s+shown|shown\s+{_PLACE})\b")
_TABLE = re.compile(r"\n\s*\||\\hline|\|\s*:?-{2,}|in\s+the\s+(?:\w+\s+)?(?:table|columns?)")
_COMES_NEXT = re.compile(
    r"\\begin\{(?:array|tabular|[bpv]?matrix|aligned?\*?|cases)\}|\$\$|\\\[|\n[\d ]+\n[\d ]+(?:\n|$)"
    r"|\\[lc]?dots[^.?!]*\bas\s+shown\b"
)
_ARRAY = re.compile(r"\\begin\{(?:array|tabular)\}|\n\s*\|.*\|")
_NEAR = 150  # characters after "the figure shows" in which a table or an array is that figure
_NOT_GIVEN = re.compile(r"\bdiagrams?\s+(?:was|were|is)\s+not\s+given\b|\bdraw\s+(?:the|this|a)\s+diagram")

_CHINESE = re.compile(
    r"如[下右左上]?图|[下右左上附]图|图\s*所示|图中|[由见看据]图|示意图|图\s*[（(]?\s*(?:\d|[一二三四①②③甲乙])|[（(]图|图\s*$"
)


def needs_image(problem: str) -> bool:
    """Whether `problem` embeds a picture or points at one.

    >>> needs_image("As shown in the figure, $AB=3$."), needs_image("Find the area of the figure bounded by $y=x$.")
    (True, False)
    """
    found = clues(problem)
    if not found:
        return False
    if found & EMBEDDED:
        return True
    if "图" in found and _CHINESE.search(problem):
        return "{tabular}" not in problem and "{array}" not in problem
    stems = [stem for stem in found & PICTURES if stem != "图"]
    return bool(stems) and _points_at_picture(problem.lower(), stems)


def _points_at_picture(text: str, stems: list[str]) -> bool:
    for stem in stems:
        at = text.find(stem)
        while at >= 0:
            start, end = max(0, at - _AROUND), at + _AROUND
            pointing = _POINTS.search(text, start, end)
            if pointing:
                return not (_NOT_GIVEN.search(text) or _ARRAY.search(text, pointing.end(), pointing.end() + _NEAR))
            if _SHOWS.search(text, start, end) and not _COMES_NEXT.search(text, start) and not _TABLE.search(text):
                return True
            at = text.find(stem, at + 1)
    return False
