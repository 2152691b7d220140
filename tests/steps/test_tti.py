"""`tti`: 25 questions, 100 points, nothing passed over in silence."""

import json

import pytest

from o1j import transparency
from o1j.errors import InputError
from o1j.records import Record
from o1j.steps.tti import template, tti

ALL = [question.id for question in transparency.questions()]


def work(**answers) -> Record:
    return Record({"work": "w", "answers": {**dict.fromkeys(ALL, True), **answers}}, source="works.jsonl", line=3)


def test_there_are_25_questions_and_100_points() -> None:
    assert len(ALL) == len(set(ALL)) == 25
    assert sum(question.points for question in transparency.questions()) == 100


def test_the_published_totals_add_up() -> None:
    assert len(transparency.published()) == 7
    for row in transparency.published():
        assert sum(row["scores"].values()) == row["total"]


def test_a_yes_to_all_is_100_by_dimension() -> None:
    (scored,) = tti([work()])
    assert scored["scores"] == {"data": 14, "methodology": 33, "evaluation": 24, "open_source": 29}
    assert scored["total"] == 100


def test_a_no_costs_its_points_with_or_without_evidence() -> None:
    (scored,) = tti([work(**{"method.rl": False, "open.paper": {"answer": False, "evidence": "none yet"}})])
    assert scored["total"] == 90


def test_a_question_left_out_is_named() -> None:
    record = work()
    del record["answers"]["eval.metrics"]
    with pytest.raises(InputError, match=r"works\.jsonl:3: no answer to eval\.metrics"):
        list(tti([record]))


@pytest.mark.parametrize(
    ("answers", "complaint"),
    [({"data.colour": True}, "no question"), ({"data.sources": "yes"}, "answer true or false")],
)
def test_what_is_no_answer_is_refused(answers: dict, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        list(tti([work(**answers)]))


def test_the_template_is_refused_until_it_is_filled_in() -> None:
    with pytest.raises(InputError, match=r"data\.sources"):
        list(tti([Record(template())]))


def test_the_leaderboard_places_ones_own_work(o1j, tmp_path) -> None:
    (tmp_path / "mine.jsonl").write_text(json.dumps(work()) + "\n")
    shown = o1j("tti", "--leaderboard", "mine.jsonl").stdout
    rows = [json.loads(line) for line in shown.splitlines()]
    assert [row["work"] for row in rows[:2]] == ["w", "O1-Journey (Part2)"]
    assert len(rows) == 8
    mine = (tmp_path / "mine.jsonl").read_bytes()
    assert o1j("tti", "--leaderboard", "-", input=mine).stdout == shown
    assert len(o1j("tti", "--leaderboard", input=mine).stdout.splitlines()) == 7


def test_shown_lists_do_not_wait_for_stdin(o1j) -> None:
    assert len(o1j("tti", "--questions").stdout.splitlines()) == 25
    assert o1j("tti", "--questions", "--format", "markdown").stdout.startswith(b"| id |")
    assert json.loads(o1j("tti", "--template").stdout)["answers"]["open.paper"] == {"answer": None, "evidence": ""}
