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


def test_every_rule_has_work_and_apart_finds_copies(o1j, tmp_path):
    rules = "needs-image,proof,no-answer,not-numerical,multiple-choice,several-parts"
    done = o1j("filter", EXAMPLES / "problems.jsonl", "--rules", rules, "--rejects", "dropped.jsonl")
    assert done.returncode == 0, done.stderr
    dropped = [json.loads(line)["reason"] for line in (tmp_path / "dropped.jsonl").read_text("utf-8").splitlines()]
    assert set(rules.split(",")) <= set(dropped)
    kept = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(kept) == problems.CLEAN + 2 * problems.NOISE  # the duplicates and the copies are clean in themselves


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
        "Tom buys 3 books at 6 dollars each and pays with 30 dollars. How many dollars of change does Tom get?": 12,
        "Ben has 31 apples, gives 7 to Ivy, and puts the rest equally into 4 bags. How many apples are in each bag?": 6,
        "If $4x + 7 = 39$, what is the value of $x$?": 8,
        "5 children and 3 adults visit a museum. A ticket costs 4 dollars for a child and 9 dollars for an adult. "
        "How many dollars do they pay in all?": 47,
        "Leo has 12 cards. Nina has 4 times as many. How many cards do they have together?": 60,
        "The width of a rectangle is 6 cm, and the rectangle is 11 cm longer than it is wide. "
        "Find its perimeter in cm.": 46,
        "A hall has 6 rows with 8 seats in each row. 19 seats are taken. How many seats are free?": 29,
    }
    assert {text: families.find(text).answer for text in texts} == texts


def test_a_changed_text_is_no_problem_of_the_demo():
    assert families.find("If $4y + 7 = 39$, what is the value of $y$?") is None
