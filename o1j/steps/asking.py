"""What the verbs that ask a model have in common: messages, required fields, usage, reasons."""

from collections.abc import Iterable, Iterator
from typing import Any

from o1j.errors import InputError
from o1j.grading import Grade
from o1j.models.chat import Messages, Reply
from o1j.records import Record

_REASON_OF_VERDICT = {"no_answer": "no-answer", "truncated": "truncated", "refused": "refused", "timeout": "timeout"}


def message(text: str) -> Messages:
    """A chat of one user turn; every model takes it, also those without a system role."""
    return [{"role": "user", "content": text}]


def require(records: Iterable[Record], name: str, instead: str = "") -> Iterator[Record]:
    """The records, up to the first that lacks the text `name`: that one raises InputError with its place."""
    for record in records:
        if not as_passage(record.get(name)).strip():
            also = f" (nor {instead})" if instead else ""
            raise InputError(f"{record.where}: no `{name}`{also}; name the field that holds it: --map {name}=FIELD")
        yield record


def as_passage(value: Any) -> str:
    """A text field as one text: a list of texts (several solutions) is joined, anything else but text is empty."""
    if isinstance(value, list):
        return "\n\n".join(item for item in value if isinstance(item, str))
    return value if isinstance(value, str) else ""


def usage(replies: Iterable[Reply]) -> dict[str, int]:
    """Tokens that replies were billed, for a lineage entry; what the server did not say is left out."""
    billed = [reply.billed or (reply.prompt_tokens or 0, reply.tokens or 0) for reply in replies]
    sums = {"prompt_tokens": sum(one[0] for one in billed), "completion_tokens": sum(one[1] for one in billed)}
    return {name: tokens for name, tokens in sums.items() if tokens}


def reason(reply: Reply, grade: Grade | None) -> str | None:
    """Why a reply is no right answer, as a reason for `--rejects`; None where it is one."""
    if reply.fault:
        return reply.fault
    if grade is None or grade.correct:
        return None
    if grade.correct is None:
        return "timeout" if grade.verdict == "timeout" else "ungraded"
    return _REASON_OF_VERDICT.get(grade.verdict, "wrong")
