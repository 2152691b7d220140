"""`o1j train --check`: what it finds, and what it shows."""

import json
import subprocess

import pytest
from support import O1J

from o1j.records import Record
from o1j.training import check
from o1j.training.chat import Encoder
from o1j.training.settings import Settings
from o1j.training.shape import Shape

ROWS = [
    {"problem": "1+1?", "response": "\\boxed{2}", "source": "a", "correct": True},
    {"problem": "1+2?", "response": "x" * 150 + "\\boxed{3}", "source": "a"},
    {"problem": "1+3?", "response": "5", "correct": False},
    {"problem": "1+4?"},
    {"problem": "1+5?", "response": "6, because", "finish_reason": "length"},
]


def look(tokenizer, toy_model, rows, **more):
    settings = Settings(str(toy_model), "", "", max_length=128)
    options = {"epochs": 1, "over_length": "error", "include_wrong": False, **more}
    records = [Record(row, source="in", line=n) for n, row in enumerate(rows, 1)]
    return check.check(records, Encoder(tokenizer), settings, **options)


def test_every_trouble_is_named_with_its_rows(tokenizer, toy_model) -> None:
    report, _ = look(tokenizer, toy_model, ROWS)
    assert report["refused"] == ["cut off", "nothing to learn", "too long", "wrong"]
    assert {name: rows["first"] for name, rows in report["rows"].items()} == {
        "too long": ["in:2"],
        "end token beyond the limit": ["in:2"],
        "box beyond the limit": ["in:2"],
        "wrong": ["in:3"],
        "nothing to learn": ["in:4"],
        "cut off": ["in:5"],
    }
    assert report["tokens_over_length"] == 23 + 160 - 128
    assert report["profile"]["correct"] == 0.5
    assert report["profile"]["sources"] == {
        "a": {"samples": 2, "correct": 1.0},
        "unnamed": {"samples": 3, "correct": 0.0},
    }


@pytest.mark.parametrize("where", ["--hostfile", "--gpus"])
def test_a_front_without_gpus_checks_what_it_can(toy_model, lessons, tmp_path, where) -> None:
    if pytest.importorskip("torch").cuda.is_available():
        pytest.skip("there are GPUs here")
    (tmp_path / "hosts").write_text("node-a slots=8\nnode-b slots=8\n")
    place = [where, str(tmp_path / "hosts") if where == "--hostfile" else "16"]
    told = [*O1J, "train", str(toy_model), str(lessons), "--check", "--max-length", "128", *place]
    done = subprocess.run(told, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["memory_parts_gib"]["total"] == report["memory_gib"]["zero1"]
    assert report["attention"][0] == "o1j_segments"
    assert [report[name] for name in ("memory_free_gib", "memory_remedy", "estimated_seconds")] == [None] * 3


def test_samples_longer_than_the_models_positions_are_told_of(toy_model, tokenizer) -> None:
    settings = Settings(str(toy_model), "", "", max_length=999)
    row = Record({"problem": "a", "response": "b" * 600}, source="in", line=1)
    told = {"epochs": 1, "over_length": "error", "include_wrong": False}
    report, _ = check.check([row], Encoder(tokenizer), settings, **told)
    assert any("the model was made for 512" in surprise for surprise in report["surprises"])
    assert check.beyond_positions(str(toy_model), 512) is None
    assert "513 tokens, and the model was made for 512" in check.beyond_positions(str(toy_model), 513)


def test_good_data_is_not_refused_and_its_work_is_counted(tokenizer, toy_model) -> None:
    report, sample = look(tokenizer, toy_model, ROWS[:1] * 9)
    assert report["refused"] == []
    assert report["tokens"] == 9 * len(sample.ids)
    assert (report["packs"], report["steps"]) == (3, 1)
    assert report["ends_with"] == ["<|im_end|>"]
    assert report["memory_gib"].keys() == {"zero0", "zero1", "zero2", "zero3"}
    assert sum(report["memory_parts_gib"].values()) == pytest.approx(2 * report["memory_gib"]["zero1"], abs=0.02)
    assert report["attention"][0] == "o1j_segments"
    assert report["memory_free_gib"] > 0
    assert report["memory_remedy"] is None


def test_padding_saved_is_what_padded_batches_would_waste(tokenizer, toy_model) -> None:
    rows = [{"problem": "a", "response": "x"}, {"problem": "a", "response": "x" * 40}]
    report, _ = look(tokenizer, toy_model, rows)
    short, long = 22, 61
    assert report["tokens"] == short + long
    assert report["padding_saved"] == round(1 - (short + long) / (2 * long), 4)


def test_the_profile_knows_thoughts_pass_rates_and_languages(tokenizer, toy_model) -> None:
    rows = [
        {"id": "p", "problem": "1+1?", "reasoning": "abc", "response": "2", "correct": True, "language": "en"},
        {"id": "p", "problem": "1+1?", "response": ["<think>\nabcdef\n</think>\n\n3", "2"], "correct": [False, True]},
        {"id": "q", "problem": "1+2?", "response": "3", "correct": False, "language": "en"},
    ]
    report, _ = look(tokenizer, toy_model, rows, include_wrong=True)
    profile = report["profile"]
    shape = len("<think>\n" + "\n</think>\n\n")
    assert (profile["thought_tokens"]["p5"], profile["thought_tokens"]["p100"]) == (3 + shape, 6 + shape)
    assert profile["with_thought"] == 2
    assert profile["languages"] == {"en": {"samples": 2, "correct": 0.5}, "unnamed": {"samples": 2, "correct": 0.5}}
    assert profile["problem_tokens"]["p50"] == len("<|im_start|>user\n1+1?<|im_end|>\n<|im_start|>assistant\n") - 31
    assert (profile["problems"], profile["pass_rate"]["mean"]) == (3, 0.5)


def test_an_end_token_that_generation_does_not_know_is_a_surprise(tokenizer, toy_model, tmp_path) -> None:
    from transformers import GenerationConfig

    assert look(tokenizer, toy_model, ROWS[:1])[0]["surprises"] == {}
    for file in toy_model.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    GenerationConfig(eos_token_id=7).save_pretrained(tmp_path)
    (surprise,) = look(tokenizer, tmp_path, ROWS[:1])[0]["surprises"]
    assert "replies end with <|im_end|>" in surprise


def test_a_cut_that_teaches_nothing_is_named(tokenizer, toy_model) -> None:
    rows = [{"problem": "x" * 200, "response": "2"}, {"problem": "1", "response": "2"}]
    report, _ = look(tokenizer, toy_model, rows, over_length="truncate")
    assert report["refused"] == []
    assert report["rows"]["nothing to learn within the limit"]["rows"] == 1
    assert report["samples"] == 1


def test_what_does_not_fit_is_told_with_what_makes_it_fit(toy_model) -> None:
    shape = Shape(str(toy_model))
    a_token = {part: shape.memory(Settings("", "", "", gradient_checkpointing=part), 0, 10**7, 1) for part in (0, 1)}
    kept, lean = (a_token[part]["activations"] / 10**7 for part in (0, 1))
    free = check.memory(shape, Settings("", "", ""), [10], [10])["memory_free_gib"]
    tokens = int((free - 1) / (kept + lean) * 2)  # too many to keep all, few enough to compute again
    told = check.memory(shape, Settings("", "", "", micro_tokens=tokens), [tokens], [tokens])
    assert told["memory_gib"]["zero0"] > told["memory_free_gib"]
    assert told["memory_remedy"] == "--gradient-checkpointing"
    told = check.memory(shape, Settings("", "", "", micro_tokens=100 * tokens), [100 * tokens], [1])
    assert told["memory_remedy"].startswith("more GPUs")


def test_what_is_learned_is_painted_and_data_cannot_drive_the_terminal(tokenizer) -> None:
    encoder = Encoder(tokenizer)
    turns = [{"role": "user", "content": "\x1b[2J?"}, {"role": "assistant", "content": "2"}]
    painted = check.paint(encoder, encoder.encode(turns), colour=False)
    assert painted.endswith("assistant\n⟦2<|im_end|>⟧")
    assert "\x1b" not in painted


def test_the_command_prints_one_report_and_says_with_its_exit_code_what_train_would(toy_model, tmp_path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    command = [*O1J, "train", str(toy_model), str(source), "--check", "--gpus", "cpu", "--over-length", "drop"]
    command += ["--profile", str(tmp_path / "profile.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 65
    assert json.loads(done.stdout)["refused"] == ["cut off", "nothing to learn", "wrong"]
    assert json.loads((tmp_path / "profile.json").read_text()) == json.loads(done.stdout)["profile"]
    assert "\\boxed{3}<|im_end|>⟧" in done.stderr
