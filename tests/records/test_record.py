"""Names in the wild, --map, ids, lineage: what reading makes of one record."""

import json

from o1j import records
from o1j.records.record import Record, resolve


def test_names_in_the_wild_are_read_in_order() -> None:
    record = resolve(Record({"query": "q", "question": "asked", "gt": 5, "target": 6.0}))
    assert record["problem"] == "asked"
    assert record["answer"] == "6"


def test_the_canonical_field_beats_them() -> None:
    assert resolve(Record({"question": "wild", "problem": "ours"}))["problem"] == "ours"


def test_a_null_is_no_value() -> None:
    assert resolve(Record({"problem": None, "question": "asked"}))["problem"] == "asked"


def test_resolved_names_are_not_written_back() -> None:
    record = resolve(Record({"question": "1+1?", "gt": 2.0, "extra": 1}))
    assert record.but(response="2").on_disk() == {"question": "1+1?", "gt": 2.0, "extra": 1, "response": "2"}


def test_what_a_step_sets_is_written() -> None:
    record = resolve(Record({"question": "1+1?"})).but(problem="1+1等于几？")
    assert record.on_disk() == {"question": "1+1?", "problem": "1+1等于几？"}


def test_numbers_become_text_and_stay_numbers_on_disk() -> None:
    record = resolve(Record({"problem": "p", "answer": [27.0, 0.5, "x"]}))
    assert record["answer"] == ["27", "0.5", "x"]
    assert record.but(source="s").on_disk()["answer"] == [27.0, 0.5, "x"]


def test_map_beats_the_canonical_field_and_keeps_what_it_displaces() -> None:
    record = resolve(Record({"problem": "old", "body": "new"}), [("problem", "body")])
    assert record["problem"] == "new"
    assert record.but(response="r").on_disk() == {
        "problem": "new",
        "body": "new",
        "original_problem": "old",
        "response": "r",
    }


def test_mapped_fields_can_swap() -> None:
    record = resolve(Record({"problem": "a", "solution": "b"}), [("problem", "solution"), ("solution", "problem")])
    assert (record["problem"], record["solution"]) == ("b", "a")


def test_a_chat_as_prompt_is_no_problem_text() -> None:
    assert "problem" not in resolve(Record({"prompt": [{"role": "user", "content": "hi"}]}))


def test_ids_are_stable_under_spacing_and_unicode_form() -> None:
    composed = records.stable_id({"problem": "caf\u00e9  au\nlait"})
    assert composed == records.stable_id({"problem": "cafe\u0301 au lait"})
    assert len(composed) == 16
    assert records.stable_id({"id": 60, "problem": "x"}) == "60"


def test_lineage_grows_and_says_only_what_is_known() -> None:
    record = Record({"lineage": [{"step": "rewrite"}]})
    assert records.lineage(record, step="distill", run="r", model="m", parents=["p"]) == [
        {"step": "rewrite"},
        {"step": "distill", "run": "r", "model": "m", "parents": ["p"]},
    ]


def test_steps_never_see_their_input_change() -> None:
    record = resolve(Record({"problem": "p"}, raw=b'{"problem": "p"}\n'))
    changed = record.but(answer="1").without("problem")
    assert record == {"problem": "p"}
    assert record.raw is not None
    assert (changed, changed.raw) == ({"answer": "1"}, None)


def test_written_lines_parse_with_every_integer_intact(tmp_path) -> None:
    value = {"n": 10**40, "s": "\ud800", "t": "é\u2028"}
    with records.Output(str(tmp_path / "x.jsonl")) as out:
        out.write(value)
        out.complete()
    assert json.loads((tmp_path / "x.jsonl").read_bytes()) == value
