"""Long thoughts from a teacher, graded against the gold answer: rejection sampling."""

import asyncio
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from o1j.grading import Grade, grade
from o1j.models.chat import Reply, Sampling
from o1j.models.truncation import unbroken
from o1j.prompts import Prompt
from o1j.records import Dropped, Record, lineage, stable_id
from o1j.steps.asking import as_passage, message, reason, require, usage
from o1j.thinking import join

if TYPE_CHECKING:
    from o1j.models import Model

KEEP = ("correct", "all", "first", "shortest", "longest")
NOT_KEPT = "not-kept"


def distill(
    records: Iterable[Record],
    model: "Model",
    prompt: Prompt,
    sampling: Sampling,
    *,
    samples: int = 1,
    keep: str = "correct",
    think: str = "tags",
    on_truncation: str | None = None,
    run: str = "",
) -> Iterator[Record | Dropped]:
    """One output record for each sample that is kept, with `response`, `reasoning`, `model`, `sample`,
    `finish_reason`, `tokens`, `correct`, `verdict`.

    `keep`: correct, or of the correct ones only the first, shortest or longest (in tokens); all keeps wrong ones
    too. Refused and empty replies are never kept, truncated ones only where `on_truncation` is "keep" (beside those
    that `keep` chooses, as wrong, so that training refuses them); "retry" and "continue" see to it that fewer are (see
    `o1j.models.truncation`). `think` is the shape of the thought in `response` (see `o1j.thinking.join`). Slot of the
    prompt: problem.
    """
    chat = unbroken(model, on_truncation, sampling)

    async def work(record: Record) -> list[Reply]:
        messages = message(prompt.fill(problem=as_passage(record["problem"])))
        return await asyncio.gather(*(chat(messages, sampling, sample) for sample in range(samples)))

    for record, replies in model.map(require(records, "problem", "question, query, prompt, instruction"), work):
        grades = [_grade(record, reply) for reply in replies]
        reasons = select(replies, grades, keep, keep_truncated=on_truncation == "keep")
        for sample, (reply, verdict, why) in enumerate(zip(replies, grades, reasons, strict=True)):
            result = _sample(record, reply, verdict, sample=sample, think=think, model=model.name)
            if why:
                yield Dropped(result, why, technical=reply.error is not None)
                continue
            entry = lineage(
                record,
                step="distill",
                run=run,
                model=model.name,
                prompt=prompt.hash,
                parents=[stable_id(record)],
                usage=usage([reply]),
                on_truncation=on_truncation,
            )
            yield result.but(lineage=entry)


def select(
    replies: list[Reply], grades: list[Grade | None], keep: str, *, keep_truncated: bool = False
) -> list[str | None]:
    """For each sample of one problem the reason why it is dropped, or None where `keep` keeps it, or where it was cut
    short and such samples are kept as well."""
    reasons = _selected(replies, grades, keep)
    if not keep_truncated:
        return reasons
    return [None if reply.fault == "truncated" else why for reply, why in zip(replies, reasons, strict=True)]


def _selected(replies: list[Reply], grades: list[Grade | None], keep: str) -> list[str | None]:
    if keep == "all":
        return [reply.fault for reply in replies]
    reasons = [reason(reply, verdict) for reply, verdict in zip(replies, grades, strict=True)]
    right = [sample for sample, why in enumerate(reasons) if why is None]
    if keep == "correct" or not right:
        return reasons
    length = {sample: replies[sample].tokens or len(replies[sample].text) for sample in right}
    chosen = {"first": right[0], "shortest": min(right, key=length.get), "longest": max(right, key=length.get)}[keep]
    return [NOT_KEPT if why is None and sample != chosen else why for sample, why in enumerate(reasons)]


def _grade(record: Record, reply: Reply) -> Grade | None:
    if reply.error or reply.refusal:
        return None
    if reply.fault == "truncated":
        return Grade(False, "truncated", None)  # also where there is no answer to compare with
    gold = record.get("answer")
    if not gold:
        return Grade(None, "ungraded", None)
    return grade(gold, reply.text, finish_reason=reply.finish_reason)


def _sample(record: Record, reply: Reply, verdict: Grade | None, *, sample: int, think: str, model: str) -> Record:
    name = stable_id(record)
    fresh = record.without("reasoning", "finish_reason", "tokens", "correct", "verdict")
    if reply.error:
        return fresh.without("response").but(id=name, model=model, sample=sample, error=reply.error)
    response, reasoning = join(reply.reasoning, reply.text or reply.refusal or "", think)
    fields = {
        "response": response,
        "reasoning": reasoning,
        "model": model,
        "sample": sample,
        "finish_reason": reply.finish_reason,
        "tokens": reply.tokens,
        "correct": verdict.correct if verdict else False,
        "verdict": verdict.verdict if verdict else "refused",
    }
    told = {field: value for field, value in fields.items() if value is not None or field == "correct"}
    return fresh.but(id=name, **told)
