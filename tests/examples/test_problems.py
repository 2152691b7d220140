"""The demo's problems: reproducible, clean of the held-out ones, and with work for every rule of `filter`."""

import json
import sys
from collections import Counter
from pathlib import Path
from random import Random

import families
import problems
import pytest

EXAMPLES = Path(problems.__file__).parent


def rows(name: str) -> list[dict]:
    return [json.loads(line) for line in (EXAMPLES / name).read_text("utf-8").splitlines()]


def test_the_committed_files_are_what_the_script_writes(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["problems.py", str(tmp_path)])
    problems.main()
    for name in ("problems.jsonl", "heldout.jsonl"):
        assert (tmp_path / name).read_bytes() == (EXAMPLES / name).read_bytes()


def test_every_rule_has_work_and_no_family_is_lost(o1j, tmp_path):
    rules = "needs-image,proof,no-answer,not-numerical,multiple-choice,several-parts"
    others = ["--dedup", "near", "--decontaminate", EXAMPLES / "heldout.jsonl", "--rejects", "dropped.jsonl"]
    done = o1j("filter", EXAMPLES / "problems.jsonl", "--rules", rules, *others)
    assert done.returncode == 0, done.stderr
    dropped = [json.loads(line)["reason"] for line in (tmp_path / "dropped.jsonl").read_text("utf-8").splitlines()]
    assert {*rules.split(","), "duplicate", "contaminated"} == set(dropped)
    kept = Counter(json.loads(line)["source"] for line in done.stdout.splitlines())
    assert set(kept) == {family.name for family in families.TAUGHT}
    assert min(kept.values()) > 0.5 * problems.CLEAN / len(families.TAUGHT)


def test_every_held_out_problem_has_its_answer():
    assert all(row["answer"] == str(families.find(row["problem"]).answer) for row in rows("heldout.jsonl"))


def test_a_family_is_in_the_held_out_set_alone():
    unseen = {family.name for family in families.UNSEEN}
    assert unseen and unseen <= {row["source"] for row in rows("heldout.jsonl")}
    assert not unseen & {row["source"] for row in rows("problems.jsonl")}


def test_held_out_problems_are_in_the_collection_only_as_marked_copies():
    held = {row["problem"] for row in rows("heldout.jsonl")}
    copies = [row for row in rows("problems.jsonl") if row["problem"] in held]
    assert Counter(row["source"] for row in copies) == {"forum": problems.NOISE}


@pytest.mark.parametrize("family", families.FAMILIES, ids=lambda family: family.name)
def test_a_problem_is_read_back_from_its_text(family):
    dice = Random(family.name)
    for wording in range(len(family.texts)):
        problem = families.draw(family, dice, wording)
        found = families.find(f"Please solve this.\n\n{problem.text.en}\nThank you.")
        assert found == problem or (found.family, found.numbers, found.text) == (family, problem.numbers, problem.text)


@pytest.mark.parametrize("family", families.FAMILIES, ids=lambda family: family.name)
def test_answers_are_whole_and_no_first_idea_is_right(family):
    dice = Random(family.name)
    for _ in range(200):
        problem = families.draw(family, dice)
        for line in problem.lines:
            assert families.SIGNS[line.sign](line.left, line.right) == line.result
            assert line.sign != "÷" or line.left % line.right == 0
        assert problem.answer > 0
        assert problem.slip.result != problem.answer


def test_the_solutions_of_known_problems():
    texts = {
        "Mia buys 4 packs of beads with 7 beads in each pack. Mia already had 15 beads. "
        "How many beads does Mia have now?": 43,
        "Ben has 17 apples and Ivy has 7 apples. They put all of them equally into 4 bags. "
        "How many apples are in each bag?": 6,
        "If $4x + 7 = 39$, what is the value of $x$?": 8,
        "Ivy takes 5 children and 3 adults to a museum. Tickets cost 4 dollars a child and 9 dollars an adult. "
        "How many dollars does Ivy pay?": 47,
        "Leo has 12 cards. Nina has 4 times as many. How many cards do they have together?": 60,
        "Tom draws a rectangle 6 cm wide. Mia makes it 11 cm longer than wide. What is its perimeter in cm?": 46,
        "Sam saves 6 dollars a week for 8 weeks and then finds 19 dollars. How many dollars does Sam have?": 67,
    }
    assert {text: families.find(text).answer for text in texts} == texts


def test_a_changed_text_is_no_problem_of_the_demo():
    assert families.find("If $4y + 7 = 39$, what is the value of $y$?") is None
