"""Who judges a sample: rules over final answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from o1j.errors import UsageError
from o1j.records import Record
from o1j.steps.eval.samples import Sample


class Grader(Protocol):
    """Judges one sample against its record's gold answer, and tells which answers are the same."""

    def __call__(self, record: Record, sample: Sample) -> Sample: ...

    def classes(self, answers: Sequence[str]) -> Sequence[Sequence[int]]: ...


class Math:
    """Final answers, compared as mathematics."""

    def __call__(self, record: Record, sample: Sample) -> Sample:
        from o1j import grading

        settled = _settled(record, sample)
        if settled:
            return settled
        grade = grading.grade(record["answer"], sample.response, finish_reason=sample.finish_reason)
        return sample.graded(grade.correct, grade.verdict, grade.extracted)

    def classes(self, answers: Sequence[str]) -> Sequence[Sequence[int]]:
        from o1j import grading

        return grading.classes(answers)


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


GRADERS = {"math": Math}
