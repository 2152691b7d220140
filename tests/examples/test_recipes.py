"""The two recipes run whole at toy size: every stage for real, on a student small enough to be random."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import teacher
from support import tiny_model

ROOT = Path(teacher.__file__).resolve().parent.parent
TRAIN = "--gpus cpu --nprocs 1 --epochs 1 --lr 1e-3 --batch-size 2 --max-length 1024"
ANSWERS = "--samples 2 --temperature 1 --max-tokens 8 --seed 1"


@pytest.fixture(scope="module")
def student(tmp_path_factory) -> Path:
    """A random Llama of some thousand parameters that reads and writes bytes."""
    return tiny_model(tmp_path_factory.mktemp("student"), num_hidden_layers=1, max_position_embeddings=2048)


@pytest.fixture
def make(environment, tmp_path):
    """Run make in the checkout: `make("examples/demo.mk", "OUT=…", before=[…])`."""
    bin = tmp_path / "bin"
    bin.mkdir()
    for name, module in (("python", ""), ("o1j", "-m o1j")):
        (bin / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {module} "$@"\n')
        (bin / name).chmod(0o755)
    variables = {**environment, "PATH": f"{bin}{os.pathsep}{environment['PATH']}", "PYTHONPATH": str(ROOT)}

    def run(file: str, *settings: str, before: list[str] = ()) -> subprocess.CompletedProcess:
        return subprocess.run(
            [*before, "make", "-f", file, *settings],
            cwd=ROOT,
            env=variables,
            capture_output=True,
            text=True,
            timeout=500,
        )

    return run


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.mark.skipif(not shutil.which("make"), reason="no make")
def test_the_demo_at_toy_size(make, student, tmp_path):
    out = tmp_path / "demo"
    settings = [
        f"OUT={out}",
        f"STUDENT=local:{student}",
        "REWRITTEN=4",
        "DISTILLED=6",
        "PAIRS=2",
        "WRONG=0.3",
        "BILINGUAL=1",
    ]
    settings += [f"TRAIN={TRAIN}", f"EVAL=--prompt examples/ask.md {ANSWERS}"]
    done = make("examples/demo.mk", *settings)
    assert done.returncode == 0, done.stderr
    assert {row["finish_reason"] for row in rows(out / "before.jsonl")[0]["samples"]} == {"length"}
    assert len(rows(out / "stage1.jsonl")) + len(rows(out / "stage1-rejects.jsonl")) == 4
    assert len(rows(out / "stage2.jsonl")) + len(rows(out / "stage2-rejects.jsonl")) == 6
    assert (out / "stage2" / "model.safetensors").exists()
    graded = rows(out / "bilingual-graded.jsonl")
    assert {row["language"] for row in graded} == {"en", "zh"}
    assert all(row["accuracy"] == 1 for row in graded)
    assert (out / "curve.svg").read_text("utf-8").lstrip().startswith("<?xml")
    table = (out / "table.txt").read_text("utf-8")
    assert "unseen: savings" in table and "No gain beyond noise" in table
    assert table in done.stdout
    assert (out / "table-bilingual.txt").read_text("utf-8") in done.stdout
    assert "O1-Journey (Part2)" in done.stdout

    made = {path: path.stat().st_mtime_ns for path in out.glob("*.jsonl")}
    again = make("examples/demo.mk", *settings)
    assert again.returncode == 0, again.stderr
    assert made == {path: path.stat().st_mtime_ns for path in out.glob("*.jsonl")}


@pytest.mark.skipif(not shutil.which("make"), reason="no make")
def test_the_paper_at_toy_size(make, student, tmp_path):
    out, benches = tmp_path / "paper", tmp_path / "benches"
    benches.mkdir()
    (benches / "aime2024.jsonl").write_text('{"id": 1, "problem": "What is 2+2?", "answer": "4"}\n')
    settings = [f"OUT={out}", "DATA=examples/problems.jsonl", "TEACHER=openai:rules", "WRITER=openai:rules"]
    settings += [f"STUDENT={student}", f"GENERALIST={student}", "REWRITTEN=3", "DISTILLED=3", "REFLECTIVE=2"]
    settings += ["ENGINE=local", "HELDOUT=examples/heldout.jsonl", "GPUS=", f"STAGE1={TRAIN}", f"STAGE2={TRAIN}"]
    settings += ["BENCHES=aime2024", f"BENCH_DATA={benches}", f"EVAL={ANSWERS}"]
    done = make("examples/paper.mk", *settings, before=[sys.executable, teacher.__file__, "--"])
    assert done.returncode == 0, done.stderr
    sources = {row["source"] for row in rows(out / "problems.jsonl")}
    assert sources and not sources & {"geometry", "olympiads", "algebra"}
    assert [row["language"] for row in rows(out / "bilingual.jsonl")] == ["en", "zh"] * 2
    assert (out / "general" / "model.safetensors").exists()
    assert len(rows(out / "eval" / "aime2024.jsonl")[0]["samples"]) == 2
    assert (out / "eval" / "aime2024.svg").exists()
    stage2 = json.loads((out / "stage2" / "o1j-training.json").read_text("utf-8"))
    assert [entry["step"] for entry in stage2["data"]["lineage"]] == ["distill"]
    assert [entry["step"] for entry in stage2["before"]["data"]["lineage"]] == ["rewrite"]
    assert "Made by `distill`, `rewrite`" in (out / "stage2" / "README.md").read_text("utf-8")
    assert "optimizer step" in (out / "stage2.svg").read_text("utf-8")
