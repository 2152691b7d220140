"""The grader beside labels: every pair on which the two disagree, and how often that is."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from o1j.errors import InputError
from o1j.grading import Grade, extract, grade
from o1j.records import Record

_LONGEST_ANSWER = 60  # characters; a longer gold is a sentence that holds the answer


class Audit:
    """Grades pairs {"gold": "1/2", "pred": "so it is $0.5$", "label": true}; `counts` grows while it is read.

    counts: pairs, agree, wrongly_yes (right by the grader, wrong by the label), wrongly_no, ungraded.
    """

    def __init__(self) -> None:
        self.counts = Counter(pairs=0, agree=0, wrongly_yes=0, wrongly_no=0, ungraded=0)

    def disagreements(self, pairs: Iterable[Record]) -> Iterator[Record]:
        """The pairs on which grader and label differ, with `correct`, `verdict` and `extracted` of the grader.

        Raises InputError at a pair that lacks `gold`, `pred` or a boolean `label`.
        """
        for pair in pairs:
            label = pair.get("label")
            if not isinstance(label, bool) or pair.get("gold") is None or pair.get("pred") is None:
                raise InputError(f"{pair.where}: a labelled pair has `gold`, `pred` and `label` (true or false)")
            graded = _grade(pair["gold"], str(pair["pred"]))
            self.counts["pairs"] += 1
            self.counts[_outcome(graded.correct, label)] += 1
            if graded.correct is not label:
                yield pair.but(correct=graded.correct, verdict=graded.verdict, extracted=graded.extracted)

    def line(self) -> str:
        """`232 pairs: 225 agree, 2 wrongly right, 5 wrongly wrong, 0 ungraded`."""
        told = self.counts
        return (
            f"{told['pairs']} pairs: {told['agree']} agree, {told['wrongly_yes']} wrongly right, "
            f"{told['wrongly_no']} wrongly wrong, {told['ungraded']} ungraded"
        )


def _grade(gold: Any, pred: str) -> Grade:
    golds = [_answer(str(one)) for one in gold] if isinstance(gold, list) else _answer(str(gold))
    return grade(golds, pred)


def _answer(gold: str) -> str:
    """The answer in a gold that is a sentence or carries dollar signs; else the gold itself."""
    return (extract(gold) or gold) if "$" in gold or len(gold) > _LONGEST_ANSWER else gold


def _outcome(correct: bool | None, label: bool) -> str:
    if correct is None:
        return "ungraded"
    return "agree" if correct is label else "wrongly_yes" if correct else "wrongly_no"
