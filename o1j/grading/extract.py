"""Find the final answer in a reply.

In order: what an `<answer>` tag holds, the last `\\boxed{…}` (boxes of one sentence that belong together make a
list), a "final answer is" said after it or without it, `#### x`, "the answer is", 答案是, a choice letter, a closing
statement in bold, and last what the closing sentence states ("… = 42.", "there are 12 ways"). A thought that was not
closed holds no answer, nor does a reply that ends inside its last box.
"""

import re

from ..thinking import CLOSE, split
from .boxes import MAX_ANSWER, boxed_answer, cut_off, unclosed_box
from .clean import mend
from .statements import final_answer, has_value, stated

REFUSAL = re.compile(
    r"\s*(?:I(?:'|’)?m sorry|I am sorry|Sorry|I(?:'| a)m (?:unable|not able)|I can(?:no|'|’)t|As an AI|"
    r"抱歉|对不起|很抱歉|我无法)[^\n]{0,300}\s*$",
    re.IGNORECASE,
)
_IGNORANCE = re.compile(
    r"\b(?:don['’]?t|do not|can(?:no|['’])t|could ?n['’]?t|could not|no) "
    r"(?:know|idea|answer|determine|be determined|say)\b|\bnot sure\b|不知道|无法确定|不清楚",
    re.IGNORECASE,
)


def extract(response: str) -> str | None:
    """The final answer that a reply states, as written there; None where there is none.

    >>> extract("It is \\\\boxed{3}. Wait, I forgot one case. So \\\\boxed{4}."), extract("<think> so 7. wait")
    ('4', None)
    """
    text = visible(response)
    if text is None:
        return None
    text = _tagged(text)
    boxed = boxed_answer(text)
    if text.find("\\boxed", boxed[1] if boxed else 0) >= 0:
        if cut_off(text):
            return None
        boxed = unclosed_box(text) or boxed
    if boxed:
        answer, end = boxed
        said = final_answer(text[end:])
        if said and has_value(said):
            return said
        return answer
    if REFUSAL.match(text) or (len(text) < 200 and _IGNORANCE.search(text)):
        return None
    answer = stated(text)
    return answer if answer and len(answer) <= MAX_ANSWER else None


def _tagged(text: str) -> str:
    """What stands in the last `<answer>` tag, if that is where the reply puts its answer; else the text."""
    if "<|begin_of_box|>" in text:
        text = text.replace("<|begin_of_box|>", "\\boxed{").replace("<|end_of_box|>", "}")
    _, opening, after = text.rpartition("<answer>")
    inside, closing, rest = after.partition("</answer>")
    return inside if opening and closing and "\\boxed" not in rest else text


def visible(response: str) -> str | None:
    """The reply after its thought; None where the thought never ends, or nothing follows it."""
    if not isinstance(response, str):
        return None
    if "<think>" in response or CLOSE in response:
        thought = split(response)
        if not thought.closed:
            return None
        response = thought.visible
        if CLOSE in response:
            response = response.rpartition(CLOSE)[2]
    return mend(response) if response.strip() else None
