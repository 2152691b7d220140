"""The Technical Transparency Index: score works on their answers to the 25 questions."""

from collections.abc import Iterable, Iterator
from typing import Any

from o1j.errors import InputError
from o1j.records import Record
from o1j.transparency import DIMENSIONS, questions


def tti(records: Iterable[Record]) -> Iterator[Record]:
    """Add `scores` (per dimension) and `total` to each work: {"work": "…", "answers": {id: true|false|{…}}}.

    Raises InputError where a question is left out (silence is not a no), unknown, or not answered by true or false.
    """
    for record in records:
        scores = score(record)
        yield record.but(scores=scores, total=sum(scores.values()))


def score(record: Record) -> dict[str, int]:
    """Points per dimension; a yes earns the question's points."""
    answers = record.get("answers")
    if not isinstance(answers, dict):
        raise InputError(f"{record.where}: no `answers` object; `o1j tti --template` prints one to fill in")
    known = [question.id for question in questions()]
    for name in answers:
        if name not in known:
            raise InputError(f"{record.where}: there is no question {name!r}; `o1j tti --questions` lists them")
    missing = [name for name in known if name not in answers]
    if missing:
        raise InputError(f"{record.where}: no answer to {', '.join(missing)}; answer true or false")
    scores = dict.fromkeys(DIMENSIONS.values(), 0)
    for question in questions():
        scores[question.dimension] += question.points * _yes(answers[question.id], question.id, record)
    return scores


def template() -> dict[str, Any]:
    """A work to fill in: every question with `answer` null, which is refused until it is true or false."""
    return {"work": "", "answers": {question.id: {"answer": None, "evidence": ""} for question in questions()}}


def _yes(answer: Any, name: str, record: Record) -> bool:
    value = answer.get("answer") if isinstance(answer, dict) else answer
    if not isinstance(value, bool):
        raise InputError(f"{record.where}: the answer to {name} is {value!r}; answer true or false")
    return value
