"""Records in, graded records out: one a problem, with its `samples` and `accuracy`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from o1j.errors import InputError, UsageError
from o1j.models.chat import Reply, Sampling
from o1j.models.truncation import unbroken
from o1j.records import Dropped, Record, lineage, stable_id
from o1j.steps.asking import as_passage, message
from o1j.steps.eval.graders import Grader
from o1j.steps.eval.groups import merged_lineage, together
from o1j.steps.eval.samples import Sample, of_reply, samples_of, without_samples
from o1j.steps.eval.summary import Summary
from o1j.steps.eval.tokens import Tokenizer

if TYPE_CHECKING:
    from o1j.models import Model
    from o1j.prompts import Prompt


@dataclass
class Asker:
    """How answers are had where the input has none; the model is opened only when the first of them is needed.

    `told` is what else a reader of the answers must know to compare them (grader, bench) and goes into the lineage.
    """

    connect: Callable[[], AbstractContextManager[Model]]
    prompt: Prompt
    sampling: Sampling
    samples: int = 1
    resample: bool = False
    told: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    on_truncation: str | None = None

    async def ask(self, model: Model, record: Record) -> list[Reply]:
        """All samples of one problem, asked for at once."""
        text = self.prompt.fill(problem=as_passage(record.get("problem")))
        chat = unbroken(model, self.on_truncation, self.sampling)
        asked = (chat(message(text), self.sampling, index) for index in range(self.samples))
        return await asyncio.gather(*asked)

    def signed(self, record: Record, run: str) -> Record:
        """The record with the model that answered and this step in its lineage."""
        entries = lineage(
            record, step="eval", run=run, model=self.name, prompt=self.prompt.hash, parents=[stable_id(record)]
        )
        sampling = {**self.sampling.as_dict(), "samples": self.samples, "on_truncation": self.on_truncation}
        conditions = {"sampling": {name: value for name, value in sampling.items() if value is not None}, **self.told}
        entries[-1] |= {name: value for name, value in conditions.items() if value is not None}
        return record.but(model=self.name, lineage=entries)


class _Problem(NamedTuple):
    """One problem on its way: `samples` is None where a model is to be asked."""

    record: Record
    samples: list[Sample] | None


def evaluate(
    records: Iterable[Record],
    summary: Summary,
    *,
    grader: Grader,
    asker: Asker | None = None,
    gather: bool = False,
    regrade: bool = False,
    tokenizer: Tokenizer | None = None,
    run: str = "",
) -> Iterator[Record | Dropped]:
    """Yield one graded record a problem and count it in `summary`.

    `gather` puts scattered records of one problem together; `regrade` judges samples again that carry a verdict;
    `tokenizer` counts the tokens of samples that came without a count.
    A problem for which the model gave no reply at all is Dropped; one that lost some of its samples comes out
    with the rest graded, and is Dropped besides, so that the loss is counted. Raises UsageError at the first
    record without a response where there is no model to ask.
    """
    problems = (_problem(group, asker) for group in together(records, gather=gather))
    answered = ((problem, problem.record, samples) for problem, samples in _answered(problems, asker))
    for problem, graded in grader.over(answered, regrade):
        if tokenizer:
            graded = tokenizer.counted(graded)
        lost = [sample for sample in graded if sample.error is not None]
        if len(lost) == len(graded):
            yield Dropped(problem.record, "no-reply", technical=True)
            continue
        record = asker.signed(problem.record, run) if asker and problem.samples is None else problem.record
        record = grader.signed(record, graded, run)
        summary.add(record, graded)
        yield _output(record, graded)
        if lost:
            yield Dropped(problem.record, "no-reply", technical=True)


def _problem(group: list[Record], asker: Asker | None) -> _Problem:
    first = group[0]
    if asker and asker.resample:
        return _to_ask(without_samples(first).without("samples", "accuracy"))
    samples = [sample for record in group for sample in samples_of(record)]
    if not samples:
        if asker is None:
            raise UsageError(
                f"{first.where}: the record has no response, and no model is named to ask: give --model KIND:NAME, "
                "or --map response=FIELD where another field holds it"
            )
        return _to_ask(first)
    if len(group) > 1:
        first = without_samples(first)
        entries = merged_lineage(group)
        first = first.but(lineage=entries) if entries else first
    return _Problem(first, samples)


def _to_ask(record: Record) -> _Problem:
    if not as_passage(record.get("problem")).strip():
        raise InputError(f"{record.where}: neither a `response` to grade nor a `problem` to ask; see --map")
    return _Problem(record, None)


def _answered(problems: Iterator[_Problem], asker: Asker | None) -> Iterator[tuple[_Problem, Sequence[Sample]]]:
    for problem in problems:
        if problem.samples is None and asker is not None:
            yield from _asked(chain([problem], problems), asker)
            return
        yield problem, problem.samples or []


def _asked(problems: Iterator[_Problem], asker: Asker) -> Iterator[tuple[_Problem, Sequence[Sample]]]:
    with asker.connect() as model:
        asker.name = model.name

        async def ask(problem: _Problem) -> Sequence[Sample]:
            if problem.samples is not None:
                return problem.samples
            return [of_reply(reply) for reply in await asker.ask(model, problem.record)]

        yield from model.map(problems, ask)


def _output(record: Record, samples: Sequence[Sample]) -> Record:
    judged = [sample.share for sample in samples if sample.share is not None]
    changes: dict[str, Any] = {
        "samples": [sample.as_dict() for sample in samples],
        "accuracy": sum(judged) / len(judged) if judged else None,
    }
    if len(samples) == 1:
        changes |= {"correct": samples[0].correct, "verdict": samples[0].verdict}
    return record.but(**changes)
