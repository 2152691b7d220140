"""Tables and pictures out of summaries."""

import re
import warnings
from xml.etree import ElementTree

import pytest

from o1j.errors import Unavailable, UsageError
from o1j.records import Record
from o1j.reports import plot, table
from o1j.steps.eval.samples import Sample
from o1j.steps.eval.summary import Summary

REFERENCE = [{"model": "o1-preview", "accuracy": 0.4, "mean_tokens": 9083}]


def summaries(*, tokens: int | None = 1000, model: str = "student $1 [x]"):
    summary = Summary(lambda answers: range(len(answers)))
    for place in range(6):
        right = Sample("", tokens=tokens, extracted="1", correct=True, verdict="exact")
        wrong = Sample("", tokens=tokens, extracted="2", correct=False, verdict="exact")
        cut = Sample("", tokens=tokens, correct=False, verdict="truncated")
        samples = [right, right, wrong, cut] if place % 2 else [wrong, wrong, wrong, right]
        summary.add(Record({"id": str(place), "model": model, "level": place % 3}), samples)
    return summary.results()


def test_the_overview_has_a_row_a_model_and_only_counts_that_occur():
    columns, rows = table.overview(summaries())
    assert columns == ["model", "problems", "accuracy %", "95 %", "maj@4", "pass@4", "tokens", "truncated"]
    assert rows == [["student $1 [x]", "6", "37.5", rows[0][3], "50.0", "100.0", "1,000", "3"]]
    assert re.fullmatch(r"\[\d+\.\d, \d+\.\d\]", rows[0][3])


def test_a_run_without_input_is_told_without_numbers():
    _, rows = table.overview(Summary(list).results())
    assert rows == [["(not named)", "0", "–", "", "–"]]


def test_several_models_stand_side_by_side_by_group():
    columns, rows = table.matrix(summaries(model="a") + summaries(model="b"), "level")
    assert columns == ["level", "a", "b"]
    assert rows[0] == ["0", "37.5 (8)", "37.5 (8)"]


def test_tables_go_to_stderr_brackets_and_all(capsys):
    table.print_summaries(summaries(), with_curve=True)
    told = capsys.readouterr()
    assert told.out == ""
    assert "student $1 [x]" in told.err and "accuracy at average output tokens" in told.err
    assert "by level" in told.err


def texts(path) -> list[str]:
    return [node.text for node in ElementTree.parse(path).iter("{http://www.w3.org/2000/svg}text")]


def test_the_curve_is_drawn_with_the_published_points(tmp_path):
    path = tmp_path / "curve.svg"
    plot.draw(str(path), summaries(), title="AIME 2024", reference=REFERENCE)
    found = texts(path)
    assert {"AIME 2024", "student $1 [x]", "o1-preview (published)", "one reply", "maj@2", "maj@4"} <= set(found)
    assert any("tokens" in text and "log" in text for text in found)


def test_what_was_published_without_tokens_is_a_line_on_either_axis(tmp_path):
    path = tmp_path / "curve.svg"
    for tokens in (100, None):
        plot.draw(str(path), summaries(tokens=tokens), reference=[{"model": "o2", "accuracy": 0.5}])
        assert "o2 (published)" in texts(path)


def test_published_points_are_tabled(capsys):
    one, *_ = summaries()
    table.print_summaries([{**one, "published": [{**point, "source": "arXiv 1"} for point in REFERENCE]}])
    assert "published for this bench" in capsys.readouterr().err


def test_the_same_input_gives_the_same_picture(tmp_path):
    for name in ("a.svg", "b.svg", "a.png", "b.png"):
        plot.draw(str(tmp_path / name), summaries())
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_without_token_counts_the_axis_is_votes(tmp_path):
    path = tmp_path / "curve.svg"
    plot.draw(str(path), summaries(tokens=None), reference=REFERENCE)
    found = texts(path)
    assert any("token counts unknown" in text for text in found)
    assert "o1-preview (published)" not in found


def test_nothing_to_draw_is_an_empty_frame(tmp_path):
    path = tmp_path / "curve.svg"
    plot.draw(str(path), Summary(list).results())
    assert "accuracy, %" in texts(path)


def test_many_models_are_told_apart_and_long_names_leave_room(tmp_path):
    names = ["思" * 80, "two\nlines", "x" * 300, *(f"m{n}" for n in range(7))]
    path = tmp_path / "curve.svg"
    plot.draw(str(path), [one for name in names for one in summaries(model=name)])
    found = texts(path)
    assert "思" * 10 + "…" + "思" * 19 in found and "two lines" in found and f"{'x' * 20}…{'x' * 39}" in found
    assert found.count("maj@4") == 10 and "maj@2" not in found  # of many curves only the last point is named
    assert path.read_text().count("stroke-dasharray") >= 3  # the colours come again from the eighth on


def test_no_font_is_no_word_on_stderr(tmp_path, capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plot.draw(str(tmp_path / "curve.png"), summaries(model="模型 한 \ue000"))
    assert (tmp_path / "curve.png").stat().st_size > 1000


def test_one_problem_and_none_graded_are_drawn(tmp_path):
    nothing = Summary(list)
    nothing.add(Record({"id": "a", "model": "m"}), [Sample("x", verdict="ungraded")])
    one = Summary(lambda answers: range(len(answers)))
    one.add(Record({"id": "a", "model": "m"}), [Sample("", tokens=9, extracted="1", correct=True, verdict="exact")])
    for count, summary in enumerate((nothing, one)):
        plot.draw(str(tmp_path / "curve.svg"), summary.results())
        assert texts(tmp_path / "curve.svg").count("one reply") == count


def test_a_name_that_is_no_picture_is_refused():
    with pytest.raises(UsageError, match=r"\.svg or \.png"):
        plot.check("curve.pdf")


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(Unavailable, match="no such file"):
        plot.draw(str(tmp_path / "no" / "curve.svg"), summaries())
