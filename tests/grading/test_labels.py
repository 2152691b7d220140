"""On every labelled set: no wrong yes, and only those wrong noes that tests/bench/RESULTS-grading.md explains."""

import json
import os
from pathlib import Path

import pytest

from o1j.grading import extract, grade

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("O1J_DATA", ROOT / ".." / "shared" / "data"))
CORRECTIONS = {
    (row["file"], row["row"], row["sample"]): row["label"]
    for row in map(json.loads, (ROOT / "tests/bench/grading-corrections.jsonl").read_text("utf-8").splitlines())
}
EXPLAINED = {
    "grader_pairs_lighteval": 3,
    "grader_pairs_math_verify": 1,
    "grader_pairs_nemo_skills": 0,
    "outputs_math500_gemma2_27b": 0,
    "outputs_math500_qwen25_14b_inst": 0,
    "outputs_math_qwen25_math_rm_maj_100": 0,
}


def judgements(name):
    """(label as read by a person, this grader's judgement) of every pair of a file."""
    for number, line in enumerate((DATA / f"{name}.jsonl").read_bytes().strip().split(b"\n")):
        row = json.loads(line)
        if "gold" in row:
            gold = row["gold"]
            gold = (extract(gold) or gold) if "$" in gold or len(gold) > 60 else gold
            replies = [(gold, row["pred"], row["label"])]
        else:
            replies = [(row["answer"], *pair) for pair in zip(row["code"], row["score"], strict=True)]
        for sample, (gold, reply, label) in enumerate(replies):
            yield CORRECTIONS.get((name, number, sample), label), grade(gold, reply).correct


@pytest.mark.parametrize("name", EXPLAINED)
def test_no_wrong_yes_and_only_explained_noes(name):
    if not (DATA / f"{name}.jsonl").exists():
        pytest.skip("needs ../shared/data")
    pairs = list(judgements(name))
    assert [pair for pair in pairs if pair[1] is True and not pair[0]] == []
    assert sum(judged is not True and label for label, judged in pairs) <= EXPLAINED[name]
    assert all(judged is not None for _, judged in pairs)
