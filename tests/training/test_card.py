"""What a model folder tells of where it comes from, from stage to stage."""

import json
from collections import Counter
from pathlib import Path

import pytest

from o1j.training import card
from o1j.training.data import Data
from o1j.training.settings import Settings


def write(folder, base: str, maker: str, step: str, rate: float) -> dict:
    folder.mkdir()
    data = Data(records=3, lineage=Counter({(step, "r1", maker, "hash"): 3}))
    data.languages.update({"en": 2, "no language": 1})
    own = {"zero_optimization": {"offload_optimizer": {"nvme_path": "/secret/disk", "device": "nvme"}}}
    settings = Settings(base, str(folder), "/secret/place", lr=rate, offload="/secret/disk", deepspeed=own)
    lines = [
        {"step": 1, "loss": 9.0, "tokens": 3600, "tokens_per_second": 1.0},
        {"step": 2, "loss": rate * 1000, "tokens": 7200, "tokens_per_second": 0.5, "output": str(folder)},
    ]
    told = {"think": "tags", "run": "run", "epochs": 2, "lines": lines, "outcome": {"device": ""}}
    card.write(folder, settings, data, **told, tried={"stops": True, "tokens": 7})
    return json.loads((folder / card.NAME).read_text())


def test_the_second_stage_speaks_for_the_first_too(tmp_path) -> None:
    write(tmp_path / "one", "Qwen/Qwen2.5-0.5B", "openai:writer", "rewrite", 1e-3)
    facts = write(tmp_path / "two", str(tmp_path / "one"), "openai:teacher", "distill", 2e-3)
    assert [stage["settings"]["lr"] for stage in card.stages(facts)] == [1e-3, 2e-3]
    assert facts["before"]["data"]["lineage"][0]["model"] == "openai:writer"
    text = (tmp_path / "two" / "README.md").read_text()
    assert text.startswith("---\nbase_model: Qwen/Qwen2.5-0.5B\n")
    assert '\nlanguage: ["en"]\n' in text
    assert "Base model: `Qwen/Qwen2.5-0.5B`." in text
    assert "| 1 | 0 | 0 | 2 | 0.001 | 8 packs | 7200 | 9.0 | 1.0 | 3 |\n| 2 | 0 | 0 | 2 | 0.002 | 8 packs |" in text
    assert "Made by `distill`, `rewrite`; models asked: `openai:teacher`, `openai:writer`." in text
    assert "ended by itself after 7 tokens" in text
    assert "/secret" not in text + json.dumps(facts)
    assert str(tmp_path) not in text + json.dumps(facts)


def test_names_out_of_the_data_cannot_leave_their_place(tmp_path) -> None:
    write(tmp_path / "one", str(tmp_path / "base"), "x`\n# <b>pwned</b>", "distill", 1e-3)
    text = (tmp_path / "one" / "README.md").read_text()
    assert "models asked: `x'# <b>pwned</b>`." in text
    assert "base_model:" not in text


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("openai:o1-mini", "openai:o1-mini"),
        ("Qwen/Qwen2.5-7B", "Qwen/Qwen2.5-7B"),
        ("vllm:Qwen/QwQ-32B", "vllm:Qwen/QwQ-32B"),
        ("vllm:/data/me/QwQ", "vllm:QwQ"),
        ("replay:./mine/replies.jsonl", "replay:replies.jsonl"),
        ("/home/me/student/", "student"),
        (".", Path.cwd().name),
    ],
)
def test_of_a_path_only_the_last_name_is_told(model, name) -> None:
    assert card.named(model) == name


def test_the_head_of_the_card_is_what_the_hub_reads(tmp_path) -> None:
    yaml = pytest.importorskip("yaml")
    write(tmp_path / "one", "Qwen/Qwen2.5-0.5B", "openai:x", "distill", 1e-3)
    head = (tmp_path / "one" / "README.md").read_text().split("---\n")[1]
    assert yaml.safe_load(head) == {
        "base_model": "Qwen/Qwen2.5-0.5B",
        "base_model_relation": "finetune",
        "language": ["en"],
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["o1j", "distillation"],
    }
