"""What stands beside the weights: a model card for people, `o1j-training.json` for `tti --from-lineage` and others."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from o1j import __version__
from o1j.training.data import Data
from o1j.training.settings import Settings

# Settings that say where and how a run goes, not what it computes.
PRIVATE = {
    *("output", "folder", "parent", "resume", "universal", "identity", "save_every", "save_steps", "fit", "widest"),
    *("host", "hosts", "launcher", "launcher_args", "master_addr", "master_port", "patience"),
}
NAME = "o1j-training.json"
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_LANGUAGE = re.compile(r"[a-z]{2,3}")  # as Hugging Face has them in a card's head: ISO 639
_SHOWN = 10  # sources and languages that the card names
_LIBRARIES = ("torch", "transformers", "deepspeed", "peft", "liger-kernel", "kernels", "flash-attn")


def write(
    output: Path,
    settings: Settings,
    data: Data,
    *,
    think: str,
    run: str,
    epochs: float,
    lines: Sequence[dict[str, Any]],
    outcome: dict[str, Any],
    tried: dict[str, Any],
) -> None:
    """Put both files into the model folder; a base model's own `o1j-training.json` becomes `before`.

    lines: the metrics of all steps; outcome: what rank 0 tells of the run. Of paths on this machine only the last
    name is told.
    """
    past = Path(settings.model) / NAME
    facts = {
        "o1j": __version__,
        "libraries": dict(_installed()),
        "run": run,
        "base_model": named(settings.model),
        "before": json.loads(past.read_text(encoding="utf-8")) if past.exists() else None,
        "settings": {
            **{name: value for name, value in asdict(settings).items() if name not in PRIVATE},
            "model": named(settings.model),
            "offload": "disk" if settings.offload not in ("", "cpu") else settings.offload,
            "deepspeed": _placeless(settings.deepspeed),
            "epochs": epochs,
            "think": think,
        },
        "data": {
            "records": data.records,
            "samples": len(data.samples),
            "tokens": data.tokens,
            "learned_tokens": data.targets,
            "left_out": dict(data.dropped),
            "truncated": data.truncated,
            "sha256": data.digest.hexdigest(),
            "sources": _counts(data.sources),
            "languages": _counts(data.languages),
            "lineage": [_entry(key) | {"records": n} for key, n in data.lineage.most_common()],
        },
        "result": {
            **{name: value for name, value in lines[-1].items() if name != "output"},
            "first_loss": lines[0]["loss"],
            "hours": round(_seconds(lines) / 3600, 4),
            "device": outcome.get("device", ""),
            "peak_memory_gib": outcome.get("peak_memory_gib"),
            **outcome.get("computes", {}),
            "tried": tried,
        },
    }
    (output / NAME).write_text(json.dumps(facts, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    (output / "README.md").write_text(_text(facts), encoding="utf-8")


def named(model: str) -> str:
    """A model as others may know it: a hub id whole, of a folder its own name, `vllm:/data/QwQ` as `vllm:QwQ`."""
    kind, colon, place = model.rpartition(":")
    local = Path(model).is_dir() or place.startswith(("/", "~", "."))
    return f"{kind}{colon}{Path(place).name or Path(place).resolve().name}" if local else model


def _entry(key: tuple[str, str, str, str]) -> dict[str, str]:
    """One step of the data's lineage."""
    told = {name: value for name, value in zip(("step", "run", "model", "prompt"), key, strict=True) if value}
    return told | ({"model": named(told["model"])} if "model" in told else {})


def _installed() -> list[tuple[str, str]]:
    found = []
    for name in _LIBRARIES:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            continue
    return found


def _placeless(told: Any) -> Any:
    """A configuration without the paths in it."""
    if isinstance(told, dict):
        return {name: _placeless(value) for name, value in told.items() if not name.endswith(("path", "dir", "folder"))}
    return told


def _seconds(lines: Sequence[dict[str, Any]]) -> float:
    """How long all steps took together, those before an interruption too, without loading, checkpoints and export."""
    before = [0, *(line["tokens"] for line in lines)]
    told = ((line["tokens"] - past, line["tokens_per_second"]) for line, past in zip(lines, before, strict=False))
    return sum(tokens / speed for tokens, speed in told if speed)  # of a very slow step: 0.0


def stages(facts: dict[str, Any]) -> list[dict[str, Any]]:
    """The training runs behind a model, the first one first."""
    before = facts.get("before")
    return [*(stages(before) if before else []), facts]


def _counts(counter: Counter[str]) -> dict[str, int]:
    return {name: n for name, n in counter.most_common() if name}


def _text(facts: dict[str, Any]) -> str:
    told, data, result = facts["settings"], facts["data"], facts["result"]
    base = stages(facts)[0]["base_model"]
    head = [
        *([f"base_model: {base}", "base_model_relation: finetune"] if _HUB_ID.fullmatch(base) else []),
        *_languages(facts),
        "library_name: transformers",
        "pipeline_tag: text-generation",
        "tags: [o1j, distillation]",
    ]
    rows = [_row(number, stage) for number, stage in enumerate(stages(facts), 1)]
    left = "".join(f"; {n} left out ({why})" for why, n in data["left_out"].items())
    left += f"; {data['truncated']} cut at {told['max_length']} tokens" if data["truncated"] else ""
    libraries = ", ".join(f"{name} {number}" for name, number in facts["libraries"].items())
    return f"""---
{chr(10).join(head)}
---

# {_code(base)} fine-tuned by o1j

Base model: {_code(base)}. Fine-tuned {_how(facts)} with o1j {facts["o1j"]} through DeepSpeed; the loss is that of the
assistant's turns, end token included, thinking in the shape `{told["think"]}`.

| stage | samples | tokens an epoch | epochs | learning rate | a step | tokens seen | first loss | last loss | hours |
|---|---|---|---|---|---|---|---|---|---|
{chr(10).join(rows)}

## Data

Made by {_all(facts, "step") or "steps that left no lineage"}; models asked: {_all(facts, "model") or "none recorded"}.
Last stage: {data["records"]} records, {data["learned_tokens"]} of {data["tokens"]} tokens learned{left}. Sources: {
        _named_counts(data["sources"])
    }. Languages: {_named_counts(data["languages"])}.
SHA-256 of the samples as they were learned: `{data["sha256"]}`.

## Training, last stage

AdamW (0.9, 0.95), weight decay {told["weight_decay"]:g}, {told["schedule"]} schedule, warm-up {
        told["warmup"]:g}, gradients
clipped at {told["clip"]:g}; {told["steps"]} steps of {told["batch_size"]} {
        "packs" if told["packing"] else "samples"
    } of at most {told["max_length"]} tokens; {told["precision"]}, ZeRO {told["zero"]}, seed {told["seed"]}, on {
        _where(told, result)
    }.
{libraries}.

The exported folder was loaded again and gave the trained model's loss. {_ended(result["tried"])}

All settings, counts, lineage and the stages before: `{NAME}` (run `{facts["run"]}`). Each step's loss:
`train.metrics.jsonl`.

A student is bounded by its teacher and by what the data covers; nothing here was measured beyond the training loss.
"""


def _row(number: int, stage: dict[str, Any]) -> str:
    data, told, result = stage["data"], stage["settings"], stage["result"]
    cells = (
        *(number, data["samples"], data["tokens"], f"{told['epochs']:g}", f"{told['lr']:g}"),
        f"{told['batch_size']} {'packs' if told['packing'] else 'samples'}",
        *(result.get(name, "") for name in ("tokens", "first_loss", "loss")),
        f"{result['hours']:.2g}" if "hours" in result else "",
    )
    return f"| {' | '.join(map(str, cells))} |"


def _languages(facts: dict[str, Any]) -> list[str]:
    """The head's line on languages; none where a record's `language` is no code of them."""
    said = {language for stage in stages(facts) for language in stage["data"]["languages"]}
    known = sorted(filter(_LANGUAGE.fullmatch, said))
    return [f"language: {json.dumps(known)}"] if known else []


def _named_counts(counts: dict[str, int]) -> str:
    """`a` 3, `b` 2 and 4 more; names are the data's own words."""
    told = ", ".join(f"{_code(name)} {n}" for name, n in list(counts.items())[:_SHOWN])
    return told + (f" and {len(counts) - _SHOWN} more" if len(counts) > _SHOWN else "") or "not recorded"


def _where(told: dict[str, Any], result: dict[str, Any]) -> str:
    """The devices of a run: `8 × NVIDIA H100 80GB HBM3`, `2 CPU processes`."""
    if told["device"] == "cuda":
        return f"{told['world']} × {result['device'] or 'GPU'}"
    return f"{told['world']} CPU process{'es' if told['world'] > 1 else ''}"


def _ended(tried: dict[str, Any]) -> str:
    if tried["stops"] is None:
        return "It was too large to generate with where it was tried."
    if tried["stops"]:
        return f"Its answer to a training prompt ended by itself after {tried['tokens']} tokens."
    return f"Its answer to a training prompt had not ended after {tried['tokens']} tokens."


def _all(facts: dict[str, Any], name: str) -> str:
    """What the lineages of all stages say under `name`, each once."""
    said = {entry.get(name) for stage in stages(facts) for entry in stage["data"]["lineage"]}
    return ", ".join(_code(text) for text in sorted(filter(None, said)))


def _code(text: str) -> str:
    """A name out of the data as Markdown that it can't leave: lineages are untrusted."""
    return f"`{''.join(c for c in text.replace('`', chr(39)) if c.isprintable())[:120]}`"


def _how(facts: dict[str, Any]) -> str:
    rank = facts["settings"]["lora"]
    return f"with adapters of rank {rank}, merged," if rank else "on all weights"
