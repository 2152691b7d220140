"""Who judges a sample: rules over final answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from o1j.errors import UsageError
from o1j.records import Record
from o1j.steps.eval.samples import Sample


class Grader(Protocol):
    """Judges one sample against its record's gold answer, and tells which answers are the same."""

    def __call__(self, record: Record, sample: Sample) -> Sample: ...

    def classes(self, answers: Sequence[str]) -> Sequence[int | None]: ...


class Math:
    """Final answers, compared as mathematics."""

    def __call__(self, record: Record, sample: Sample) -> Sample:
        from o1j import grading

        settled = _settled(record, sample)
        if settled:
            return settled
        grade = grading.grade(record["answer"], sample.response, finish_reason=sample.finish_reason)
        return sample.graded(grade.correct, grade.verdict, grade.extracted)

    def classes(self, answers: Sequence[str]) -> Sequence[int | None]:
        from o1j import grading

        return grading.classes(answers)


class Choice(Math):
    """Multiple choice: a letter and the value of its option, as `problem` lists them, are one answer.

    `extracted` becomes the letter, so that samples that name it and samples that state its value vote together.
    Problems whose options can't be read are graded as mathematics.
    """

    def __call__(self, record: Record, sample: Sample) -> Sample:
        from o1j.steps.filter.choices import options

        graded = super().__call__(record, sample)
        offered = options(str(record.get("problem") or ""))
        if not graded.votes or graded.correct is None:
            return graded
        said = _letter(str(graded.extracted), offered)
        right = {_letter(gold, offered) for gold in _golds(record)} - {None}
        return graded.graded(said in right, "choice", said) if said and right else graded


def _golds(record: Record) -> list[str]:
    gold = record.get("answer")
    return [str(one) for one in gold] if isinstance(gold, list) else [str(gold)]


def _letter(answer: str, offered: Mapping[str, str]) -> str | None:
    """The letter that `answer` is, or whose option it equals; None where it is neither."""
    from o1j import grading
    from o1j.steps.filter.choices import letter_of

    named = letter_of(answer)
    if named:
        return named
    return next((letter for letter, value in offered.items() if value and grading.equal(value, answer)), None)


def load(name: str) -> Grader:
    """The grader `name`; raises UsageError for one that there is not."""
    if name not in GRADERS:
        raise UsageError(f"--grader {name}: expected one of {', '.join(GRADERS)}")
    return GRADERS[name]()


def _settled(record: Record, sample: Sample) -> Sample | None:
    """The verdict that no answer is needed for: a reply that never came, a refusal, a problem without a gold."""
    from o1j import grading

    if sample.error is not None:
        return sample.graded(None, "ungraded", None)
    if sample.refused:
        return sample.graded(False, "refused", None)
    if record.get("answer") in (None, "", []):
        return sample.graded(None, "ungraded", grading.extract(sample.response))
    return None


GRADERS = {"math": Math, "choice": Choice}
