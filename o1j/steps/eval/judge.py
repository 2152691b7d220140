"""A model as the judge: strict verdicts, asked again where they can't be read, never a default."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.resources import files
from itertools import chain
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from o1j import metrics, prompts
from o1j.errors import Unavailable, UsageError
from o1j.models.chat import Sampling
from o1j.records import Record, lineage
from o1j.steps.asking import message
from o1j.steps.eval import pairs, verdicts
from o1j.steps.eval.graders import Answered, Item
from o1j.steps.eval.samples import Sample
from o1j.thinking import split

if TYPE_CHECKING:
    from o1j.models import Model

ATTEMPTS = 3
"""How often a judge is asked about one sample before it stays ungraded."""

SAMPLING = Sampling(temperature=0.0)

# Where files hold what a judge or a person said, in this order. Safety-J's own files keep the human label in `label`
# beside its `evaluator_output`: the judge's word comes first.
STORED = ("judgement", "judgment", "evaluator_output", "critique", "analysis", "judge_answer", "predicted_label")
STORED += ("judge_pred", "winner", "preference", "label", "labels", "grade", "is_correct", "answers_correctness")
STORED += ("result", "score", "rating")

_HEAD = re.compile(r"\A---\n(?P<lines>.*?)\n---\n", re.DOTALL)
_VERDICTS = {"right": (True, "judge"), "wrong": (False, "judge"), "abstained": (False, "no_answer")}
_PREFERENCES = {"first": "win", "second": "loss", "tie": "tie"}


@dataclass
class Tally:
    """What judging took: requests, those that could never be read, tokens, and of each sample its rulings' shares."""

    asked: int = 0
    unreadable: int = 0
    prompt_tokens: int = 0
    tokens: int = 0
    rulings: list[list[float]] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.asked += other.asked
        self.unreadable += other.unreadable
        self.prompt_tokens += other.prompt_tokens
        self.tokens += other.tokens
        self.rulings += other.rulings


@dataclass
class Judge:
    """A grader that asks a model, or takes the verdict that a record already holds.

    words: what the judge may say, as `verdicts.plain` → (right, verdict's name); scored: it gives a number from 0 to
    100 instead; preferences: it compares two replies, and these are its words → `win` (the first), `loss`, `tie`;
    connect: opens the judging model, called only when a sample has no verdict of its own; repeat: how often one
    sample is judged (the majority counts, or the mean of scores); swap: each time in both orders; max_tokens: of a
    ruling; model, taken: what came of it.
    """

    name: str
    prompt: prompts.Prompt
    words: Mapping[str, tuple[bool, str]]
    scored: bool = False
    preferences: Mapping[str, str] = field(default_factory=dict)
    connect: Callable[[], AbstractContextManager[Model]] | None = None
    repeat: int = 1
    swap: bool = False
    max_tokens: int | None = None
    model: str = ""
    taken: Tally = field(default_factory=Tally)

    @cached_property
    def needs_answer(self) -> bool:
        return "{{answer}}" in self.prompt.text

    @property
    def sampling(self) -> Sampling:
        """Greedy for one ruling; the server's own for several, which would all be the same one otherwise."""
        return replace(SAMPLING if self.repeat == 1 else Sampling(), max_tokens=self.max_tokens)

    @property
    def manner(self) -> dict[str, Any]:
        """How it is asked, as lineages tell it."""
        return {**self.sampling.as_dict(), "repeat": self.repeat, **({"swap": True} if self.swap else {})}

    def classes(self, answers: Sequence[str]) -> Sequence[int | None]:
        from o1j import grading

        return grading.classes(answers)

    def signed(self, record: Record, samples: Sequence[Sample], run: str) -> Record:
        judges = {sample.judge for sample in samples if sample.judge}
        entries = record.get("lineage")
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict) and entry.get("step") == "judge":
                judges.discard(entry.get("model"))
        for model in sorted(judges):
            entries = lineage(record, step="judge", run=run, model=model, prompt=self.prompt.hash)
            entries[-1]["sampling"] = self.manner
            record = record.but(lineage=entries)
        return record

    def about(self) -> dict[str, Any] | None:
        """What a summary says of the judging that this run did; None where nobody was asked."""
        if not self.model:
            return None
        return {
            "model": self.model,
            "prompt": self.prompt.hash,
            "sampling": self.sampling.as_dict(),
            "repeat": self.repeat,
            "swap": self.swap,
            "agreement": metrics.krippendorff_alpha(self.taken.rulings),
            "asked": self.taken.asked,
            "prompt_tokens": self.taken.prompt_tokens,
            "tokens": self.taken.tokens,
            "unreadable": self.taken.unreadable,
        }

    def read(self, text: object) -> tuple[bool, str] | None:
        """The verdict in a judge's reply or a stored label: (right, verdict's name), None where there is none."""
        if isinstance(text, bool):
            return text, "judge"
        return verdicts.word(text, self.words) if isinstance(text, str) else None

    def preferred(self, text: object) -> str | None:
        """`win`, `loss` or `tie` of the first reply, in a judge's reply or a stored label; None where there is none."""
        if isinstance(text, str):
            return text if text in pairs.SHARES else verdicts.word(text, self.preferences)
        known = isinstance(text, int) and not isinstance(text, bool) and 0 <= text < len(pairs.AUTO_J)
        return pairs.AUTO_J[text] if known else None

    def ruled(self, sample: Sample, text: object) -> Sample | None:
        """`sample` with the verdict, score or preference that `text` states; None where it states none."""
        if self.preferences:
            preference = self.preferred(text)
            return pairs.ruled(sample, preference) if preference else None
        if self.scored:
            score = verdicts.score(text)
            return None if score is None else replace(sample.graded(None, "judge", None), score=score)
        verdict = self.read(text)
        return sample.graded(*verdict, None) if verdict else None

    def over(self, items: Iterator[Answered[Item]], regrade: bool) -> Iterator[tuple[Item, list[Sample]]]:
        for item, record, samples in items:
            known = self._known(record, samples, regrade)
            if all(known):
                yield item, [sample for sample in known if sample]
                continue
            if self.connect is None:
                raise UsageError(
                    f"{record.where}: no verdict stands in the record, so a judge must be asked: give --judge-model"
                )
            yield from self._asking(chain([(item, record, samples)], items), regrade)
            return

    def _asking(self, items: Iterable[Answered[Item]], regrade: bool) -> Iterator[tuple[Item, list[Sample]]]:
        with self.connect() as model:
            self.model = model.name

            async def work(one: Answered[Item]) -> tuple[list[Sample], Tally]:
                _, record, samples = one
                tally = Tally()  # of this work alone, which may be begun again
                known = self._known(record, samples, regrade)
                waiting = (
                    self._judged(model, record, sample, place, verdict, tally)
                    for place, (sample, verdict) in enumerate(zip(samples, known, strict=True))
                )
                return list(await asyncio.gather(*waiting)), tally

            for (item, _, _), (judged, tally) in model.map(items, work):
                self.taken.add(tally)
                yield item, judged

    async def _judged(
        self, model: Model, record: Record, sample: Sample, place: int, known: Sample | None, tally: Tally
    ) -> Sample:
        if known:
            return known
        questions = self._questions(record, sample, place)
        rulings = await asyncio.gather(*(self._ruling(model, questions, turn, tally) for turn in range(self.repeat)))
        heard = [ruling for ruling in rulings if ruling is not None]
        tally.rulings.append([ruling.share for ruling in heard if ruling.share is not None])
        united = pairs.united(sample, heard) if self.preferences else _united(sample, heard)
        return replace(united, judge=self.model)

    def _questions(self, record: Record, sample: Sample, place: int) -> list[tuple[str, bool]]:
        """What one ruling asks: a prompt, and whether the two replies stand swapped in it; two with `swap`."""
        told = {"problem": str(record.get("problem") or ""), "answer": _gold(record)}
        own = split(sample.response).visible
        if not self.preferences:
            return [(self.prompt.fill(**told, response=own), False)]
        other = pairs.other_of(record, place)
        orders = (False, True) if self.swap else (pairs.swapped_first(record),)
        shown = ((other, own, True) if swapped else (own, other, False) for swapped in orders)
        return [(self.prompt.fill(**told, first=first, second=second), swapped) for first, second, swapped in shown]

    async def _ruling(
        self, model: Model, questions: Sequence[tuple[str, bool]], turn: int, tally: Tally
    ) -> Sample | None:
        """One ruling: in both orders where the questions are two; None where one of them can't be read."""
        heard = await asyncio.gather(*(self._answer(model, text, swapped, turn, tally) for text, swapped in questions))
        readable = [ruling for ruling in heard if ruling is not None]
        if len(readable) < len(questions):
            return None
        return readable[0] if len(readable) == 1 else pairs.held(readable)

    async def _answer(self, model: Model, text: str, swapped: bool, turn: int, tally: Tally) -> Sample | None:
        """What the judge says, asked again where it can't be read; None where it never can."""
        for attempt in range(ATTEMPTS):
            reply = await model.chat(message(text), self.sampling, turn * ATTEMPTS + attempt)
            tally.asked += 1
            tally.prompt_tokens += reply.prompt_tokens or 0
            tally.tokens += reply.tokens or 0
            ruling = None if reply.fault else self.ruled(Sample(""), reply.text)
            if ruling:
                ruling = replace(ruling, judgement=split(reply.text).visible.strip())
                return pairs.mirrored(ruling) if swapped else ruling
        tally.unreadable += 1
        return None

    def _known(self, record: Record, samples: Sequence[Sample], regrade: bool) -> list[Sample | None]:
        """The samples whose verdict is known without asking: graded before, stored in the record, or plain."""
        if regrade:
            return [self._settled(record, sample) for sample in samples]
        return [
            sample
            if sample.verdict
            else self.stored(record, sample, place, len(samples)) or self._settled(record, sample)
            for place, sample in enumerate(samples)
        ]

    def stored(self, record: Record, sample: Sample, place: int = 0, size: int = 1) -> Sample | None:
        """The sample with the verdict that stands in one of the record's `STORED` fields; None where none does.

        For one of several samples it stands in a list of as many; one value is about a single sample alone.
        """
        if sample.error is not None:
            return None
        for name in STORED:
            held = record.get(name)
            if isinstance(held, list):
                held = held[place] if len(held) == size else None
            elif size > 1:
                continue
            ruling = self.ruled(sample, held)
            if ruling:
                return ruling
        return None

    def _settled(self, record: Record, sample: Sample) -> Sample | None:
        """The verdict that needs no judge.

        A judge that needs no gold answer (of safety, say) sees refusals and half replies: they are replies like others.
        """
        if sample.error is not None:
            return sample.graded(None, "ungraded", None)
        thought = split(sample.response)
        if self.needs_answer:
            if sample.refused or sample.finish_reason == "content_filter":
                return sample.graded(False, "refused", None)
            if sample.finish_reason in ("tool_calls", "function_call"):
                return sample.graded(False, "no_answer", None)
            if sample.finish_reason == "length" or not thought.closed:
                return sample.graded(False, "truncated", None)
            if not _gold(record):
                return sample.graded(None, "ungraded", None)
        if thought.visible.strip():
            return None
        empty = sample.graded(False, "no_answer", None)
        return replace(empty, score=pairs.SHARES["loss"], preference="loss") if self.preferences else empty


def load(
    name: str,
    connect: Callable[[], AbstractContextManager[Model]] | None = None,
    repeat: int = 1,
    swap: bool = False,
    max_tokens: int | None = None,
) -> Judge:
    """The judge `name`: one of o1j's own, or a prompt file that says on top what it answers with.

    `right:` and `wrong:` words (and `abstained:`), or `score:`, or, to compare two replies, `first:`, `second:` and
    `tie:`. Raises UsageError for a file without them, with a slot that nothing fills, or a `swap` of what is no pair.
    """
    own = files(__package__) / "judges" / f"{name}.md"
    path = str(own) if "/" not in name and own.is_file() else name
    try:
        head = _HEAD.match(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable(
            f"--grader judge:{name}: no such judge or readable file; there are {', '.join(names())}"
        ) from error
    lines = dict(line.partition(":")[::2] for line in (head["lines"].splitlines() if head else ()))
    words = {word: verdict for key, verdict in _VERDICTS.items() for word in _words(lines, key)}
    preferences = {word: preference for key, preference in _PREFERENCES.items() for word in _words(lines, key)}
    scored = "score" in lines
    whole = scored or {correct for correct, _ in words.values()} == {True, False}
    if not whole and set(preferences.values()) != set(_PREFERENCES.values()):
        raise UsageError(
            f"--grader judge:{name}: on top of the file, `right:` and `wrong:` must name the words of the verdicts, "
            "`first:`, `second:` and `tie:` those of a comparison, or `score:` say that the judge rates from 0 to 100"
        )
    if swap and not preferences:
        raise UsageError(f"--judge-swap goes with a judge that compares two replies (better); {name} sees one")
    slots = ["problem", "first", "second"] if preferences else ["problem", "response"]
    prompt = prompts.load(path, slots, optional=["answer"])
    return Judge(name, prompt, words, scored, preferences, connect, repeat, swap, max_tokens)


def _words(lines: Mapping[str, str], key: str) -> list[str]:
    return [verdicts.plain(word) for word in lines.get(key, "").split(",") if word.strip()]


def _united(sample: Sample, rulings: Sequence[Sample]) -> Sample:
    """What several rulings come to: the mean of scores, else the majority; a tie leaves the sample ungraded.

    The words are those of one ruling that says what all come to, or nearly.
    """
    scores = [ruling.score for ruling in rulings if ruling.score is not None]
    if scores:
        nearest = min(rulings, key=lambda ruling: abs((ruling.score or 0.0) - fmean(scores)))
        return replace(sample.graded(None, "judge", None), score=fmean(scores), judgement=nearest.judgement)
    counts = Counter((ruling.correct, ruling.verdict) for ruling in rulings).most_common(2)
    if not counts or (len(counts) == 2 and counts[0][1] == counts[1][1]):
        return sample.graded(None, "ungraded", None)
    (said, _), *_ = counts
    words = next(ruling.judgement for ruling in rulings if (ruling.correct, ruling.verdict) == said)
    return replace(sample.graded(*said, None), judgement=words)


def names() -> list[str]:
    """The judges that come with o1j."""
    return sorted(entry.name[:-3] for entry in (files(__package__) / "judges").iterdir() if entry.name.endswith(".md"))


def _gold(record: Record) -> str:
    gold = record.get("answer")
    return "\n".join(map(str, gold)) if isinstance(gold, list) else str(gold or "")
