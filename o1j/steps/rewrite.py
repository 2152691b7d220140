"""Longer, finer-grained solutions in one format ("reformatted alignment" of arXiv:2411.16489)."""

import asyncio
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from o1j.grading import grade
from o1j.models.chat import Reply, Sampling
from o1j.models.truncation import unbroken
from o1j.prompts import Prompt
from o1j.records import Dropped, Record, lineage, stable_id
from o1j.steps.asking import as_passage, message, reason, require, usage

if TYPE_CHECKING:
    from o1j.models import Model

NO_SOLUTION = "(none is given: write one)"


def rewrite(
    records: Iterable[Record],
    model: "Model",
    prompt: Prompt,
    sampling: Sampling,
    *,
    tries: int = 1,
    verify: bool = True,
    on_truncation: str | None = None,
    run: str = "",
) -> Iterator[Record | Dropped]:
    """Replace each `solution` by the model's, keep the old one as `original_solution`.

    A rewritten solution counts only if it boxes an answer equal to `answer` (unless `verify` is off); up to
    `tries` samples are asked for, one after another. `on_truncation` "retry" or "continue" is for replies that are cut
    short (see `o1j.models.truncation`). Slots of the prompt: problem, solution.
    """
    chat = unbroken(model, on_truncation, sampling)

    async def work(record: Record) -> list[tuple[Reply, str | None]]:
        solution = as_passage(record.get("solution")) or NO_SOLUTION
        messages = message(prompt.fill(problem=as_passage(record["problem"]), solution=solution))
        outcomes: list[tuple[Reply, str | None]] = []
        for sample in range(tries):
            reply = await chat(messages, sampling, sample)
            outcomes.append((reply, await asyncio.to_thread(_fault, record, reply, verify)))
            if outcomes[-1][1] is None:
                break
        return outcomes

    for record, outcomes in model.map(require(records, "problem", "question, query, prompt, instruction"), work):
        reply, fault = outcomes[-1]
        if fault:
            attempt = record.but(error=reply.error) if reply.error else record.but(rewritten=reply.text)
            yield Dropped(attempt, fault, technical=reply.error is not None)
            continue
        name = stable_id(record)
        entry = lineage(
            record,
            step="rewrite",
            run=run,
            model=model.name,
            prompt=prompt.hash,
            parents=[name],
            usage=usage(reply for reply, _ in outcomes),
            on_truncation=on_truncation,
        )
        yield with_solution(record, reply.text).but(id=name, lineage=entry)


def with_solution(record: Record, text: str) -> Record:
    """The record with another solution; the first one it ever had stays as `original_solution`."""
    if record.get("solution") and "original_solution" not in record:
        record = record.but(original_solution=record["solution"])
    return record.but(solution=text)


def _fault(record: Record, reply: Reply, verify: bool) -> str | None:
    if reply.fault or not verify:
        return reply.fault
    if not record.get("answer"):
        return "ungraded"
    if "\\boxed" not in reply.text:
        return "not-boxed"
    return reason(reply, grade(record["answer"], reply.text, finish_reason=reply.finish_reason))
