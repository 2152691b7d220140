"""What data is like before anyone trains on it: where it comes from, how long it is, how much of it is right."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from o1j.records import Record
from o1j.training.chat import Sample

_BORDERS = (0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


class Profile:
    """Counts by source and language, quantiles of lengths, pass rates of problems, over the samples that are added."""

    def __init__(self) -> None:
        self.by_source: dict[str, Counter[Any]] = defaultdict(Counter)
        self.by_language: dict[str, Counter[Any]] = defaultdict(Counter)
        self.problem: list[int] = []
        self.thought: list[int] = []
        self.learned: list[int] = []
        self.problems: dict[tuple[str, str], Counter[Any]] = defaultdict(Counter)

    def add(self, record: Record, sample: Sample, correct: Any) -> None:
        """Take up one sample of a record; `correct` is its own mark."""
        mark = correct if isinstance(correct, bool) else None
        language = str(record.get("language") or "unnamed")
        self.by_source[str(record.get("source") or "unnamed")][mark] += 1
        self.by_language[language][mark] += 1
        self.problems[str(record.get("id") or record.get("problem") or record.where), language][mark] += 1
        learned = int(sample.marks.sum())
        self.problem.append(len(sample) - learned)
        self.thought.append(sample.thought)
        self.learned.append(learned)

    def as_dict(self) -> dict[str, Any]:
        """For the report: every share is of the marked samples, null where none is marked."""
        rates = [rate for rate in map(_share, self.problems.values()) if rate is not None]
        return {
            "samples": len(self.learned),
            "problems": len(self.problems),
            "sources": _counted(self.by_source),
            "languages": _counted(self.by_language),
            "problem_tokens": quantiles(self.problem),
            "thought_tokens": quantiles([length for length in self.thought if length]),
            "learned_tokens": quantiles(self.learned),
            "with_thought": sum(map(bool, self.thought)),
            "correct": _share(sum(self.by_source.values(), Counter())),
            "pass_rate": {**quantiles(rates), "mean": round(sum(rates) / len(rates), 4)} if rates else None,
        }


def quantiles(values: Sequence[float]) -> dict[str, float]:
    """`{"p5": …, …, "p100": …}`; empty for no values."""
    ordered = sorted(values)
    if not ordered:
        return {}
    return {f"p{round(100 * b)}": ordered[min(len(ordered) - 1, int(b * len(ordered)))] for b in _BORDERS}


def _share(marks: Counter[Any]) -> float | None:
    marked = marks[True] + marks[False]
    return round(marks[True] / marked, 4) if marked else None


def _counted(groups: dict[str, Counter[Any]]) -> dict[str, Any]:
    by_size = sorted(groups.items(), key=lambda group: (-group[1].total(), group[0]))
    return {name: {"samples": marks.total(), "correct": _share(marks)} for name, marks in by_size}
