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
from o1j.errors import InputError, Unavailable, UsageError
from o1j.models.chat import Sampling
from o1j.records import Record, lineage
from o1j.steps.asking import message
from o1j.steps.eval.graders import Answered, Item
from o1j.steps.eval.samples import Sample, rating, samples_of
from o1j.thinking import split

if TYPE_CHECKING:
    from o1j.models import Model

ATTEMPTS = 3
"""How often a judge is asked about one sample before it stays ungraded."""

SAMPLING = Sampling(temperature=0.0)

# Where files hold what a judge or a person said, in this order. Safety-J's own files keep the human label in `label`
# beside its `evaluator_output`: the judge's word comes first.
STORED = ("judgement", "judgment", "evaluator_output", "judge_answer", "predicted_label", "judge_pred", "label")

HUMAN = ("human", "expected_judgement", "factuality", "label", "correct")
"""Where calibration sets keep what a person said, in this order; hidden from the judge."""

_LINE = re.compile(
    r"^[\s*#>\[【]*(?:verdict|judge?ment|grade|label|answer|答案|评定|判断|结论)[\s*\]】]*[:：]?[\s*]*(?P<word>.+?)[\s*。.]*(?:\(.*\)[\s.]*)?$",
    re.IGNORECASE | re.MULTILINE,
)
_SCORE = re.compile(
    r"^[\s*#]*(?:score|rating|评分|得分)[\s*]*[:：][\s*]*([\d.]+?)[\s*]*(?:/\s*100)?[\s*.]*$", re.I | re.M
)
_EDGES = " \t\r\n*`\"'。.，,:：()（）[]【】"
_HEAD = re.compile(r"\A---\n(?P<lines>.*?)\n---\n", re.DOTALL)


@dataclass
class Judge:
    """A grader that asks a model, or takes the verdict that a record already holds.

    words: what the judge may say, casefolded → (right, verdict's name); scored: it gives a number from 0 to 100
    instead; connect: opens the judging model, called only when a sample has no verdict of its own; repeat: how often
    one sample is judged (the majority counts, or the mean of scores); model, asked, unreadable, rulings: what came of
    it.
    """

    name: str
    prompt: prompts.Prompt
    words: Mapping[str, tuple[bool, str]]
    scored: bool = False
    connect: Callable[[], AbstractContextManager[Model]] | None = None
    repeat: int = 1
    model: str = ""
    asked: int = 0
    unreadable: int = 0
    rulings: list[list[float]] = field(default_factory=list)

    @cached_property
    def needs_answer(self) -> bool:
        return "{{answer}}" in self.prompt.text

    @property
    def sampling(self) -> Sampling:
        """Greedy for one ruling; the server's own for several, which would all be the same one otherwise."""
        return SAMPLING if self.repeat == 1 else Sampling()

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
            entries[-1]["sampling"] = {**self.sampling.as_dict(), "repeat": self.repeat}
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
            "agreement": metrics.krippendorff_alpha(self.rulings),
            "asked": self.asked,
            "unreadable": self.unreadable,
        }

    def read(self, text: object) -> tuple[bool, str] | None:
        """The verdict in a judge's reply or a stored label: (right, verdict's name), None where there is none.

        A reply counts if it is one of the words, or has lines `Verdict: WORD` that all say the same. Anything else
        is unreadable, however clear it may look.
        """
        if isinstance(text, bool):
            return text, "judge"
        if not isinstance(text, str):
            return None
        visible = split(text).visible
        whole = self._word(visible)
        if whole:
            return whole
        said = {self._word(match["word"]) for match in _LINE.finditer(visible)}
        return said.pop() if len(said) == 1 else None

    def _word(self, text: str) -> tuple[bool, str] | None:
        return self.words.get(text.strip(_EDGES).casefold())

    def over(self, items: Iterator[Answered[Item]], regrade: bool) -> Iterator[tuple[Item, list[Sample]]]:
        for item, record, samples in items:
            known = [self._known(record, sample, len(samples) == 1, regrade) for sample in samples]
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

            async def work(one: Answered[Item]) -> list[Sample]:
                _, record, samples = one
                alone = len(samples) == 1
                return list(await asyncio.gather(*(self._judged(model, record, s, alone, regrade) for s in samples)))

            for (item, _, _), judged in model.map(items, work):
                yield item, judged

    async def _judged(self, model: Model, record: Record, sample: Sample, alone: bool, regrade: bool) -> Sample:
        known = self._known(record, sample, alone, regrade)
        if known:
            return known
        text = self.prompt.fill(
            problem=str(record.get("problem") or ""),
            answer=_gold(record),
            response=split(sample.response).visible,
        )
        rulings = await asyncio.gather(*(self._ruling(model, text, turn) for turn in range(self.repeat)))
        heard = [ruling for ruling in rulings if ruling is not None]
        self.rulings.append([ruling.share for ruling in heard if ruling.share is not None])
        return replace(_united(sample, heard), judge=self.model)

    async def _ruling(self, model: Model, text: str, turn: int) -> Sample | None:
        """One ruling, asked for again where it can't be read; None where it never can."""
        for attempt in range(ATTEMPTS):
            reply = await model.chat(message(text), self.sampling, turn * ATTEMPTS + attempt)
            self.asked += 1
            ruling = None if reply.fault else self.ruled(Sample(""), reply.text)
            if ruling:
                return ruling
        self.unreadable += 1
        return None

    def ruled(self, sample: Sample, text: object) -> Sample | None:
        """`sample` with the verdict or score that `text` states; None where it states none."""
        if self.scored:
            score = _score(text)
            return None if score is None else replace(sample.graded(None, "judge", None), score=score)
        verdict = self.read(text)
        return sample.graded(*verdict, None) if verdict else None

    def _known(self, record: Record, sample: Sample, alone: bool, regrade: bool) -> Sample | None:
        """The sample, if its verdict is known without asking: graded before, stored in the record, or plain."""
        if not regrade:
            if sample.verdict:
                return sample
            stored = (self.ruled(sample, record.get(name)) for name in STORED) if alone and not sample.error else ()
            for ruling in filter(None, stored):
                return ruling
        return self._settled(record, sample)

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
            if sample.finish_reason == "length" or not thought.closed:
                return sample.graded(False, "truncated", None)
            if not _gold(record):
                return sample.graded(None, "ungraded", None)
        return None if thought.visible.strip() else sample.graded(False, "no_answer", None)


def load(name: str, connect: Callable[[], AbstractContextManager[Model]] | None = None, repeat: int = 1) -> Judge:
    """The judge `name`: one of o1j's own, or a prompt file with `right:` and `wrong:` words, or `score:`, on top.

    Raises UsageError for a file without them, or with a slot that nothing fills.
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
    words: dict[str, tuple[bool, str]] = {}
    for key, verdict in (("right", (True, "judge")), ("wrong", (False, "judge")), ("abstained", (False, "no_answer"))):
        for word in lines.get(key, "").split(","):
            if word.strip():
                words[word.strip().casefold()] = verdict
    scored = "score" in lines
    if not scored and {correct for correct, _ in words.values()} != {True, False}:
        raise UsageError(
            f"--grader judge:{name}: on top of the file, `right:` and `wrong:` must name the words of the verdicts, "
            "or `score:` say that the judge rates from 0 to 100"
        )
    prompt = prompts.load(path, ["problem", "response"], optional=["answer"])
    return Judge(name, prompt, words, scored, connect, repeat)


def _united(sample: Sample, rulings: Sequence[Sample]) -> Sample:
    """What several rulings come to: the mean of scores, else the majority; a tie leaves the sample ungraded."""
    scores = [ruling.score for ruling in rulings if ruling.score is not None]
    if scores:
        return replace(sample.graded(None, "judge", None), score=fmean(scores))
    counts = Counter((ruling.correct, ruling.verdict) for ruling in rulings).most_common(2)
    if not counts or (len(counts) == 2 and counts[0][1] == counts[1][1]):
        return sample.graded(None, "ungraded", None)
    return sample.graded(*counts[0][0], None)


def _score(text: object) -> float | None:
    """The number from 0 to 100 in a stored score or a reply's only `Score:` line."""
    if not isinstance(text, str):
        return rating(text)
    visible = split(text).visible
    lines = {match[1] for match in _SCORE.finditer(visible)}
    number = lines.pop() if len(lines) == 1 else visible.strip() if not lines else ""
    return rating(float(number)) if re.fullmatch(r"\d{1,3}(?:\.\d+)?", number) else None


def calibrate(judge: Judge, records: Iterable[Record]) -> dict[str, Any]:
    """How far a judge agrees with people, over records that hold a person's verdict (see `HUMAN`) beside a response.

    {`n`, `accuracy`, `kappa`, `unreadable`, `table`}: `table` counts "person/judge" pairs of right and wrong.
    Raises InputError for a record without a person's verdict.
    """
    people: list[bool] = []

    def blind() -> Iterator[Answered[int]]:
        for place, record in enumerate(records):
            verdict = next(filter(None, (judge.read(record.get(name)) for name in HUMAN)), None)
            if verdict is None:
                raise InputError(f"{record.where}: no person's verdict; expected one of {', '.join(HUMAN)}")
            people.append(verdict[0])
            unseen = record.without(*HUMAN)
            yield place, unseen, samples_of(unseen)[:1]

    pairs = []
    unreadable = 0
    for place, (sample, *_) in judge.over(blind(), regrade=False):
        if sample.correct is None:
            unreadable += 1
        else:
            pairs.append((people[place], sample.correct))
    word = {True: "right", False: "wrong"}
    return {
        "n": len(pairs),
        "accuracy": sum(person == judged for person, judged in pairs) / len(pairs) if pairs else None,
        "kappa": metrics.cohen_kappa([person for person, _ in pairs], [judged for _, judged in pairs]),
        "unreadable": unreadable,
        "table": {f"{word[a]}/{word[b]}": pairs.count((a, b)) for a in (True, False) for b in (True, False)},
        "judge": judge.about(),
    }


def names() -> list[str]:
    """The judges that come with o1j."""
    return sorted(entry.name[:-3] for entry in (files(__package__) / "judges").iterdir() if entry.name.endswith(".md"))


def _gold(record: Record) -> str:
    gold = record.get("answer")
    return "\n".join(map(str, gold)) if isinstance(gold, list) else str(gold or "")
