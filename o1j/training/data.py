"""Records to samples: which words of a record are learned, and which records are refused."""

import hashlib
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from o1j.errors import InputError
from o1j.records import Record
from o1j.thinking import split
from o1j.training.chat import Encoder, Sample

CUT_OFF = "cut off"  # the mark of a reply that its writer could not finish


@dataclass
class Data:
    """The samples of a run, and what is known about where they come from."""

    samples: list[Sample] = field(default_factory=list)
    records: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    truncated: int = 0
    lineage: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    digest: Any = field(default_factory=hashlib.sha256)

    def remember(self, record: Mapping[str, Any]) -> None:
        """Count a record, with its source, language and lineage."""
        self.records += 1
        self.sources[str(record.get("source") or "")] += 1
        self.languages[str(record.get("language") or "")] += 1
        for entry in record.get("lineage") or ():
            if isinstance(entry, dict):
                step = tuple(str(entry.get(name) or "") for name in ("step", "run", "model", "prompt"))
                self.lineage[step] += 1

    @property
    def tokens(self) -> int:
        """Tokens of one epoch."""
        return sum(map(len, self.samples))

    @property
    def targets(self) -> int:
        """Tokens of one epoch that carry loss."""
        return sum(sample.targets for sample in self.samples)


def gather(
    records: Iterable[Record],
    encoder: Encoder,
    *,
    max_length: int,
    over_length: str = "error",
    include_wrong: bool = False,
    tell: Callable[[str], None] = lambda text: None,
) -> Data:
    """Encode every sample of every record; `InputError` names the first that would teach nothing, or the wrong thing.

    `over_length` says what becomes of samples of more than `max_length` tokens: error, drop, or truncate (the end
    of the reply is lost, its end token too).
    """
    data = Data()
    for record, correct, sample in encoded(records, encoder, data.remember):
        if correct is False and not include_wrong:
            raise InputError(
                f"{record.where}: `correct` is false; keep the right ones (o1j filter --where 'correct'), "
                "or pass --include-wrong"
            )
        if correct == CUT_OFF and not include_wrong:
            raise InputError(
                f"{record.where}: the reply was cut off (its `finish_reason` is length, or its thought never ends): "
                "the model would learn to stop there; leave it out, or pass --include-wrong"
            )
        if not sample.targets:
            raise InputError(f"{record.where}: nothing to learn: no assistant turn, `response` or `solution` in it")
        if len(sample) > max_length:
            sample = _shorten(sample, max_length, over_length, record.where, data)
            if sample is None:
                continue
        data.samples.append(sample)
        data.digest.update(sample.tokens.tobytes() + sample.marks.tobytes())
        if len(data.samples) % 20000 == 0:
            tell(f"{len(data.samples)} samples encoded")
    if not data.samples:
        raise InputError(f"nothing to learn: all {data.records} records are longer than --max-length {max_length}")
    return data


def encoded(
    records: Iterable[Record], encoder: Encoder, seen: Callable[[Record], None] = lambda record: None
) -> Iterator[tuple[Record, Any, Sample]]:
    """(record, the conversation's mark, sample) for every sample of every record; `seen` is called once a record."""
    waiting: deque[tuple[Record, Any]] = deque()

    def turns() -> Iterator[tuple[list[dict[str, Any]], str]]:
        for record in records:
            seen(record)
            for messages, correct in conversations(record):
                waiting.append((record, correct))
                yield messages, record.where

    for sample in encoder.encode_all(turns()):
        yield (*waiting.popleft(), sample)


def conversations(record: Mapping[str, Any]) -> Iterator[tuple[list[dict[str, Any]], Any]]:
    """What a record teaches, one conversation a sample, each with its mark: `correct`, or `CUT_OFF`.

    `messages` if present, else `problem` → `response` (a list is several samples) with `reasoning`, else
    `problem` → `solution`. Thinking inside `response` is taken apart, so that it can be trained in any shape.
    """
    messages = record.get("messages")
    if isinstance(messages, list) and messages:
        parted = [_parted(turn) for turn in messages if isinstance(turn, dict)]
        yield parted, _mark(record, None, parted)
        return
    problem = record.get("problem")
    if not isinstance(problem, str) or not problem.strip():
        yield [], record.get("correct")
        return
    reply = record.get("response")
    if reply is None or reply == "" or reply == []:
        solution = record.get("solution")
        yield _dialogue(problem, solution if isinstance(solution, str) else "", None), None
        return
    replies = reply if isinstance(reply, list) else [reply]
    for i, text in enumerate(replies):
        thought = _of_sample(record.get("reasoning"), i)
        turns = _dialogue(problem, text if isinstance(text, str) else "", thought if isinstance(thought, str) else None)
        yield turns, _mark(record, i, turns)


def _of_sample(values: Any, i: int | None) -> Any:
    """A field's value for sample `i`, where it may have one for each."""
    return values[i] if isinstance(values, list) and i is not None and i < len(values) else values


def _mark(record: Mapping[str, Any], i: int | None, turns: list[dict[str, Any]]) -> Any:
    """The `correct` mark of sample `i`; that a reply was cut off says more, unless the mark says that it is wrong."""
    said = _of_sample(record.get("correct"), i)
    unfinished = _of_sample(record.get("finish_reason"), i) == "length" or any(map(_in_mid_thought, turns))
    return CUT_OFF if unfinished and said is not False else said


def _in_mid_thought(turn: dict[str, Any]) -> bool:
    content = turn.get("content")
    return turn.get("role") == "assistant" and isinstance(content, str) and not split(content).closed


def _dialogue(problem: str, reply: str, thought: str | None) -> list[dict[str, Any]]:
    if not reply.strip():
        return []
    turn = {"role": "assistant", "content": reply}
    if thought:
        turn["reasoning_content"] = thought
    return [{"role": "user", "content": problem}, _parted(turn)]


def _parted(turn: dict[str, Any]) -> dict[str, Any]:
    """An assistant turn with its thinking in `reasoning_content`; a block that never closes stays as it is."""
    content = turn.get("content")
    if turn.get("role") != "assistant" or turn.get("reasoning_content") or not isinstance(content, str):
        return turn
    thought = split(content)
    if not thought.closed or not thought.reasoning:
        return turn
    return {**turn, "content": thought.visible, "reasoning_content": thought.reasoning}


def _shorten(sample: Sample, limit: int, policy: str, where: str, data: Data) -> Sample | None:
    if policy == "error":
        raise InputError(
            f"{where}: {len(sample)} tokens, more than --max-length {limit}: the end of its reply would be lost; "
            "raise --max-length, or pass --over-length drop or truncate"
        )
    cut = sample.cut(limit)
    if policy == "drop" or not cut.targets:
        data.dropped["too long" if policy == "drop" else "nothing left to learn"] += 1
        return None
    data.truncated += 1
    return cut
