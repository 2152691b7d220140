"""Does the problem ask for a proof rather than for an answer?"""

import re
from collections.abc import Mapping
from typing import Any

from o1j.steps.filter.answers import golds
from o1j.steps.filter.choices import options

_STEMS = ("prove", "show", "proof", "demonstrate", "justify", "explain why", "verify that", "deduce that", "证")
_ASKS_PROOF = re.compile(
    r"\b(?:prove|disprove|show that|show,? (?:how|why)|demonstrate that|justify|explain why|verify that|deduce that)\b"
    r"|\b(?:give|find|write|with|provide) (?:a |an )?(?:\w+ )?proof\b|\bproof\b(?=\s*[.:?])"
    r"|\bshow (?:also |further |first |now |then )that\b|\bshow:|\bshow(?=[ ,]+(?:\$|\\))"
    r"|(?<!可以)(?<!可)(?<!已)(?<!被)证明(?!了|过)|求证|试证|证\s*[:：]"
)
_ASKS_ANSWER = re.compile(
    r"[?？]|\b(?:find|determine|compute|calculate|evaluate|how many|how much|what|which|solve|express"
    r"|give the|decide)\b|求(?!证)|确定|比较|讨论|多少|几[个种条次]|计算|是否|有何|写出|解方程"
    # a blank to fill
    r"|____|[(（]\s*(?:\\q?quad)?\s*[)）]|\\qquad\s*[.。,，;；]?\s*(?:$|[\u4e00-\u9fff])"
)
# A claim where a value should be: something holds, something is something.
_CLAIM = re.compile(
    r"\b(?:is|are|holds?|divides?|exists?|proved?|proven|true|therefore|hence|must|always|parallel|perpendicular"
    r"|congruent|concyclic|collinear|tangent|bisects?)\b|\\(?:perp|parallel|cong|sim|mid|le|leq|ge|geq)(?![a-z])|\\l?eqslant"
    r"|[<>]|成立|平行|垂直|共线|共圆|得证",
    re.IGNORECASE,
)


def is_proof(record: Mapping[str, Any]) -> bool:
    """Whether the record's problem asks for a proof and has no labelled answer to a question beside it.

    "Find all $n$, with proof" with a gold is a question; so is "Prove … . Find the largest." with one. Where
    neither a proof nor anything else is asked for, a gold that is a whole statement marks a proposition.
    """
    problem = record.get("problem")
    if not isinstance(problem, str):
        return False
    text = problem.lower()
    for stem in _STEMS:
        if stem in text:
            if _ASKS_PROOF.search(text):
                return not (_ASKS_ANSWER.search(text) and golds(record))
            break
    return _is_claim(record) and not _ASKS_ANSWER.search(text) and not options(problem)


def _is_claim(record: Mapping[str, Any]) -> bool:
    answers = golds(record)
    return bool(answers) and all(len(gold) > 4 and _CLAIM.search(gold) for gold in answers)
