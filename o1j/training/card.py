"""What stands beside the weights: a model card for people, `o1j-training.json` for `tti --from-lineage` and others."""

import json
import re
from collections import Counter
from dataclasses import asdict
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


def write(
    output: Path,
    settings: Settings,
    data: Data,
    *,
    think: str,
    run: str,
    epochs: float,
    last: dict[str, Any],
    tried: Any,
) -> None:
    """Put both files into the model folder; a base model's own `o1j-training.json` becomes `before`."""
    past = Path(settings.model) / NAME
    facts = {
        "o1j": __version__,
        "run": run,
        "base_model": settings.model,
        "before": json.loads(past.read_text(encoding="utf-8")) if past.exists() else None,
        "settings": {
            **{name: value for name, value in asdict(settings).items() if name not in PRIVATE},
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
            "lineage": [
                {**{k: v for k, v in zip(("step", "run", "model", "prompt"), key, strict=True) if v}, "records": n}
                for key, n in data.lineage.most_common()
            ],
        },
        "result": {**{name: value for name, value in last.items() if name != "output"}, "tried": tried},
    }
    (output / NAME).write_text(json.dumps(facts, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    (output / "README.md").write_text(_text(facts), encoding="utf-8")


def stages(facts: dict[str, Any]) -> list[dict[str, Any]]:
    """The training runs behind a model, the first one first."""
    before = facts.get("before")
    return [*(stages(before) if before else []), facts]


def _counts(counter: Counter[str]) -> dict[str, int]:
    return {name: n for name, n in counter.most_common() if name}


def _text(facts: dict[str, Any]) -> str:
    rows = []
    for number, stage in enumerate(stages(facts), 1):
        data, told = stage["data"], stage["settings"]
        rows.append(
            f"| {number} | {data['samples']} | {data['tokens']} | {told['epochs']:g} | {told['lr']:g} | "
            f"{told['batch_size']} {'packs' if told['packing'] else 'samples'} | {stage['result'].get('loss')} |"
        )
    base = stages(facts)[0]["base_model"]
    linked = f"base_model: {base}\n" if _HUB_ID.fullmatch(base) and not Path(base).is_dir() else ""
    return f"""---
{linked}library_name: transformers
pipeline_tag: text-generation
tags: [o1j, distillation]
---

# Fine-tuned by o1j

Base model: {_code(base if linked else Path(base).name)}. Fine-tuned {_how(facts)} with o1j {
        facts["o1j"]
    } through DeepSpeed; the loss is that of the
assistant's turns, end token included, thinking in the shape `{facts["settings"]["think"]}`.

| stage | samples | tokens an epoch | epochs | learning rate | a step | last loss |
|---|---|---|---|---|---|---|
{chr(10).join(rows)}

Data: made by {_all(facts, "step") or "steps that left no lineage"}; models asked: {
        _all(facts, "model") or "none recorded"
    }.
Hyperparameters, counts by source and language, lineage and the data's hash: `{NAME}`. Each step's loss:
`train.metrics.jsonl`.

A student is bounded by its teacher and by what the data covers; nothing here was measured beyond the training loss.
"""


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
