"""What a run would do, found out in seconds without weights: `o1j train --check`."""

import random
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from o1j.records import Record
from o1j.training import fit, plan
from o1j.training.chat import Encoder, Sample
from o1j.training.data import CUT_OFF, encoded
from o1j.training.profile import Profile
from o1j.training.settings import Settings
from o1j.training.shape import Shape, Work

_SHOWN = 5  # rows named for each trouble
_DRAWN = 99  # samples to show one of
_ON, _OFF = "\x1b[32m", "\x1b[0m"
# Share of a matrix product's speed that training reaches; measured with SmolLM2 on one core: 100 of 160 GFLOP/s.
_EFFICIENCY = 0.5
_TRIES = 20  # matrix products timed; the best counts, since other work disturbs most of them

_REMEDIES: dict[str, dict[str, Any]] = {  # what makes a run smaller, the least costly first
    "--gradient-checkpointing": {"gradient_checkpointing": True},
    "--zero 3": {"zero": 3},
    "--zero 3 --gradient-checkpointing": {"zero": 3, "gradient_checkpointing": True},
    "--lora": {"lora": 16},
    "--lora --gradient-checkpointing": {"lora": 16, "gradient_checkpointing": True},
    "--lora --zero 3 --gradient-checkpointing": {"lora": 16, "zero": 3, "gradient_checkpointing": True},
}


class Troubles:
    """Rows that training would refuse or spoil, counted by name, the first few with their place."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.places: dict[str, list[str]] = {}

    def add(self, name: str, where: str) -> None:
        """Count one row."""
        self.counts[name] += 1
        places = self.places.setdefault(name, [])
        if len(places) < _SHOWN:
            places.append(where)

    def as_dict(self) -> dict[str, Any]:
        """`{name: {"rows": n, "first": [places]}}`."""
        return {name: {"rows": n, "first": self.places[name]} for name, n in self.counts.items()}


class _Taken:
    """What is kept of the samples that a run would learn: their sizes, and a few drawn at random to show one of."""

    def __init__(self) -> None:
        self.lengths: list[int] = []
        self.targets: list[int] = []
        self._drawn: list[Sample] = []
        self._random = random.Random(0)

    def add(self, sample: Sample) -> None:
        """Take up one sample."""
        self.lengths.append(len(sample))
        self.targets.append(sample.targets)
        place = self._random.randrange(len(self.lengths))
        if len(self._drawn) < _DRAWN:
            self._drawn.append(sample)
        elif place < _DRAWN:
            self._drawn[place] = sample

    def middle(self) -> Sample | None:
        """Of the drawn samples the one of middle length."""
        return sorted(self._drawn, key=len)[len(self._drawn) // 2] if self._drawn else None


def check(
    records: Iterable[Record],
    encoder: Encoder,
    settings: Settings,
    *,
    epochs: float,
    over_length: str,
    include_wrong: bool,
) -> tuple[dict[str, Any], Sample | None]:
    """A report on the data and on what a run of it takes, and a sample of about middle length to show.

    `refused` lists why `train` would not start: empty where it would.
    """
    troubles = Troubles()
    profile = Profile()
    taken = _Taken()
    lost = 0
    for record, correct, sample in encoded(records, encoder):
        profile.add(record, sample, correct)
        if correct is False and not include_wrong:
            troubles.add("wrong", record.where)
        elif correct == CUT_OFF and not include_wrong:
            troubles.add(CUT_OFF, record.where)
        elif not sample.targets:
            troubles.add("nothing to learn", record.where)
        elif len(sample) > settings.max_length:
            cut = sample.cut(settings.max_length)
            lost += len(sample) - len(cut)
            for trouble in _lost(encoder, sample, cut):
                troubles.add(trouble, record.where)
            if over_length == "truncate" and cut.targets:
                taken.add(cut)
        else:
            taken.add(sample)
    fatal = {"wrong", CUT_OFF, "nothing to learn"} | ({"too long"} if over_length == "error" else set())
    refused = sorted(fatal & set(troubles.counts)) or ([] if taken.lengths else ["the input is empty"])
    report = {
        "refused": refused,
        "rows": troubles.as_dict(),
        "tokens_over_length": lost,
        "surprises": {**encoder.surprises, **_stops_elsewhere(encoder, settings.model)},
        "ends_with": sorted(encoder.tokenizer.convert_ids_to_tokens(sorted(encoder.end_ids))),
        "profile": profile.as_dict(),
    }
    if taken.lengths:
        beyond = beyond_positions(settings.model, max(taken.lengths))
        report["surprises"] |= {beyond: 1} if beyond else {}
        report |= _work(taken.lengths, taken.targets, settings, epochs)
    return report, taken.middle()


def paint(encoder: Encoder, sample: Sample, colour: bool) -> str:
    """The sample as text, what is learned in green; without colour between ⟦ and ⟧."""
    on, off = (_ON, _OFF) if colour else ("⟦", "⟧")
    text = ""
    for learned, tokens in groupby(zip(sample.learned, sample.ids, strict=True), key=lambda pair: pair[0]):
        piece = _harmless(encoder.tokenizer.decode([token for _, token in tokens]))
        text += f"{on}{piece}{off}" if learned else piece
    return text


def _lost(encoder: Encoder, sample: Sample, cut: Sample) -> list[str]:
    """What a sample of too many tokens loses when it is cut: always the token that ends its last turn."""
    names = ["too long", "end token beyond the limit"]
    if _boxed(encoder, sample) and not _boxed(encoder, cut):
        names.append("box beyond the limit")
    if not cut.targets:
        names.append("nothing to learn within the limit")
    return names


def beyond_positions(model: str, longest: int) -> str | None:
    """What to tell where a sample of `longest` tokens is more than the model was made for; samples that share a pack
    count by themselves, for each has positions of its own."""
    from transformers import AutoConfig

    try:
        known = getattr(AutoConfig.from_pretrained(model).get_text_config(), "max_position_embeddings", None)
    except (OSError, ValueError):
        return None
    if not known or longest <= known:
        return None
    return (
        f"the longest sample has {longest} tokens, and the model was made for {known} (max_position_embeddings): where "
        "it can learn more, raise that in its config.json, or servers will stop there; else lower --max-length"
    )


def _stops_elsewhere(encoder: Encoder, model: str) -> dict[str, int]:
    """A surprise where generation, as the model's folder has it, stops at other tokens than replies will end with."""
    from transformers import GenerationConfig

    try:
        ends = GenerationConfig.from_pretrained(model).eos_token_id
    except (OSError, ValueError):
        return {}
    stops = set(ends if isinstance(ends, list) else [] if ends is None else [ends])
    strange = sorted(encoder.end_ids - stops)
    if not strange or not stops:
        return {}
    known, taught = (encoder.tokenizer.convert_ids_to_tokens(sorted(ids)) for ids in (stops, strange))
    surprise = (
        f"generation_config stops at {', '.join(map(str, known))}, replies end with {', '.join(map(str, taught))}"
    )
    return {f"{surprise}: the trained model's will name both": 1}


def _work(lengths: Sequence[int], targets: Sequence[int], settings: Settings, epochs: float) -> dict[str, Any]:
    """Packs, padding, steps, and what they take."""
    from o1j.training import segments

    units = plan.pack(lengths, settings.max_length) if settings.packing else [[i] for i in range(len(lengths))]
    steps = plan.count(len(units), settings.batch_size, epochs)
    settings.steps = steps
    seen = [i for step in plan.schedule(units, settings.batch_size, steps, settings.seed) for i in step.samples]
    work = Work.of([lengths[i] for i in seen], [targets[i] for i in seen])
    padded = 0
    for start in range(0, len(lengths), settings.batch_size):
        batch = lengths[start : start + settings.batch_size]
        padded += max(batch) * len(batch)
    shape = Shape(settings.model)
    fit.choose(settings, shape, lengths, targets)
    return {
        "samples": len(lengths),
        "tokens": sum(lengths),
        "learned_tokens": sum(targets),
        "packs": len(units) if settings.packing else None,
        "pack_fill": round(sum(lengths) / len(units) / settings.max_length, 4) if settings.packing else None,
        "padding_saved": round(1 - sum(lengths) / padded, 4),
        "steps": steps,
        "trained_tokens": work.tokens,
        "parameters": shape.parameters,
        "attention": segments.candidates(shape.model, settings.device, settings.micro_tokens),
        **memory(shape, settings, lengths, targets),
        "estimated_seconds": _seconds(shape.operations(work, bool(settings.lora)), settings),
    }


def _seconds(operations: float, settings: Settings) -> int | None:
    """How long they take here; None on a machine without the run's kind of device."""
    if not fit.measurable(settings):
        return None
    return round(operations / (_flops(settings) * settings.world * _EFFICIENCY))


def memory(shape: Shape, settings: Settings, lengths: Sequence[int], targets: Sequence[int]) -> dict[str, Any]:
    """GiB a process for each ZeRO stage, what holds them in the one that is set, what is free, and a remedy;
    null where that can't be asked on this machine."""

    def held(told: Settings, zero: int) -> dict[str, float]:
        return shape.memory(told, zero, *fit.at_once(settings, lengths, targets))

    free = fit.free(settings) if fit.measurable(settings) else None
    parts = held(settings, settings.zero)
    remedy = None
    if free is not None and parts["total"] > free:
        remedy = "more GPUs or machines, or a smaller model"
        for name, changes in _REMEDIES.items():
            told = replace(settings, **changes)
            if held(told, told.zero)["total"] <= free:
                remedy = name
                break
    return {
        "memory_gib": {f"zero{zero}": held(settings, zero)["total"] for zero in range(4)},
        "memory_parts_gib": parts,
        "memory_free_gib": free,
        "memory_remedy": remedy,
    }


def _flops(settings: Settings) -> float:
    """Floating-point operations a second that one process gets out of a matrix product here."""
    import os

    import torch

    half = settings.precision != "float32"
    size = 8192 if settings.device == "cuda" else 1024
    matrix = torch.ones(size, size, device=settings.device, dtype=torch.bfloat16 if half else torch.float32)
    threads = torch.get_num_threads()
    if settings.device == "cpu":
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // settings.world))
    best = float("inf")
    for _ in range(_TRIES):
        started = time.perf_counter()
        (matrix @ matrix)[0, 0].item()
        best = min(best, time.perf_counter() - started)
    torch.set_num_threads(threads)
    return 2 * size**3 / best


def _boxed(encoder: Encoder, sample: Sample) -> bool:
    return "\\boxed" in encoder.tokenizer.decode(sample.tokens[sample.marks].tolist())


def _harmless(text: str) -> str:
    """Data can't drive the terminal: control characters are shown, not sent."""
    return "".join(c if c in "\n\t" or c.isprintable() else repr(c)[1:-1] for c in text)
