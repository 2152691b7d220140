"""The table at the end of the demo says what the two files hold."""

import json
import subprocess
import sys

import demo_table

WRONG = {"response": "It is 5.", "correct": False, "tokens": 10, "finish_reason": "stop"}
CUT = {"response": "So then", "correct": False, "tokens": 20, "finish_reason": "length"}
RIGHT = {"response": "<think>\n2\n</think>\n\n\\boxed{4}", "correct": True, "tokens": 6, "finish_reason": "stop"}
IN_THOUGHT = {"response": "<think>\n\\boxed{4}\n</think>\n\n4", "correct": True, "tokens": 6, "finish_reason": "stop"}


def write(path, samples_of):
    with path.open("w") as out:
        for number, (source, samples) in enumerate(samples_of):
            graded = [sample["correct"] for sample in samples if sample["correct"] is not None]
            accuracy = sum(graded) / len(graded) if graded else None
            record = {"id": str(number), "problem": "?", "source": source, "samples": samples, "accuracy": accuracy}
            out.write(json.dumps(record) + "\n")
    return path


def table(tmp_path, before, after) -> str:
    paths = [write(tmp_path / "before.jsonl", before), write(tmp_path / "after.jsonl", after)]
    done = subprocess.run(
        [sys.executable, demo_table.__file__, *map(str, paths)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def cells(text: str, name: str) -> list[str]:
    line = next(line for line in text.splitlines() if line.strip().startswith(name))
    return [cell.strip() for cell in line.strip().split("  ") if cell.strip()]


def test_figures_of_a_gain(tmp_path):
    before = [("packs", [WRONG, CUT])] * 8 + [("savings", [WRONG, WRONG])] * 2
    after = [("packs", [RIGHT, RIGHT])] * 8 + [("savings", [RIGHT, WRONG])] * 2
    text = table(tmp_path, before, after)
    assert cells(text, "all")[1:3] + cells(text, "all")[4:5] == ["10", "0.0", "90.0"]
    assert cells(text, "all")[-3:] == ["0 → 90", "40 → 0", "14 → 6"]
    assert cells(text, "unseen: savings")[1:7:3] == ["2", "50.0"]
    assert cells(text, "taught families")[6] == "+100.0"
    assert "After is better than before, beyond noise" in text


def test_no_gain_is_called_none(tmp_path):
    sides = [("packs", [WRONG, RIGHT]), ("packs", [RIGHT, WRONG]), ("share", [WRONG, WRONG])]
    text = table(tmp_path, sides, list(sides))
    assert "No gain beyond noise" in text


def test_a_loss_is_called_a_loss(tmp_path):
    text = table(tmp_path, [("packs", [RIGHT, RIGHT])] * 5, [("packs", [WRONG, WRONG])] * 5)
    assert "After is worse than before" in text


def test_a_box_in_the_thought_is_no_boxed_answer(tmp_path):
    text = table(tmp_path, [("packs", [RIGHT, RIGHT])], [("packs", [RIGHT, IN_THOUGHT])])
    assert cells(text, "all")[-3] == "100 → 50"


def test_a_problem_that_could_not_be_graded_is_left_out(tmp_path):
    ungraded = {**WRONG, "correct": None}
    text = table(tmp_path, [("packs", [WRONG]), ("packs", [ungraded])], [("packs", [RIGHT]), ("packs", [RIGHT])])
    assert cells(text, "all")[1] == "1"
