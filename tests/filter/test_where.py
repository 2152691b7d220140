"""`--where`: what holds, what doesn't, and what is refused before or at a record."""

import pickle
import time
from collections.abc import Callable

import pytest

from o1j.errors import InputError, UsageError
from o1j.records import Record
from o1j.steps.filter.where import Where

ROW = Record(
    {
        "source": "olympiads",
        "solution": "x" * 30,
        "level": 5,
        "tags": ["a", "b"],
        "meta": {"year": 1999},
        "n": "12",
        "solved": True,
        "year-of": 3,
        "big": 123456789012345678901234567890,
        "title": "题目",
    },
    source="rows.jsonl",
    line=7,
)


@pytest.mark.parametrize(
    "expression",
    [
        'source == "olympiads" and len(solution) > 20',
        "level >= 5 and not level > 5",
        'source in ["amc", "olympiads"]',
        '"a" in tags',
        'meta["year"] < 2000',
        'source.startswith("olym")',
        'matches(source, "^o.*s$")',
        "int(n) == 12",
        "answer == None",
        "len(answer) == 0",
        'lower(source) == "olympiads" if level else False',
        "words(source) == 1",
        "any(tag == 'b' for tag in tags) and not all([tag == 'b' for tag in tags])",
        "sum([level, 1]) == 6 and round(level / 2) == 2",
        "solved == true and answer == null",
        'field("year-of") == 3 and field("class") == None',
        "big == 123456789012345678901234567890 and big > 10**20",
        '"题" in title and len(title) == 2',
        'meta.get("month", 0) == 0',
    ],
)
def test_holds(expression: str) -> None:
    assert Where(expression)(ROW) is None


@pytest.mark.parametrize(
    "expression",
    [
        *(
            "level > 5",
            "difficulty > 3",
            "len(solution) > 100",
            "absent",
            'absent["x"] == 1',
            "false",
            "source == olympiads",
        ),
        *('meta["month"] > 3', "tags[99]", 'meta["a"]["b"] == 1', "len(absent[0]) > 3"),
    ],
)
def test_does_not_hold(expression: str) -> None:
    assert Where(expression)(ROW) == "where"


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("level >", "invalid syntax at character 8"),
        ("len(solution", "never closed at character 4"),
        ("level == 5 && solved", "&& at character 12: write and"),
        ('source == "a||b" || level', r"\|\| at character 18: write or"),
        ("!solved", "! at character 1: write not"),
        ('class == "x"', r'class at character 1: a field of that name is read by field\("class"\)'),
        ("meta.year > 1990", r'.year: what is inside an object is written \["year"\]'),
        ("source.startswith", "startswith: what is inside"),
        ('re.match("a", source)', r".match\(\): no such method; there are count, endswith"),
        ('"{0.x}".format(source)', "no such method"),
        ("tags.append(1)", "no such method"),
        ("().__class__.__bases__[0]", "begin with _"),
        ("", "empty"),
        ("open('/etc/passwd')", "no function open"),
        ("level = 5", "== compares"),
        ("lambda: 1", "lambda is not available"),
        ("__import__('os')", "no function __import__"),
        ("import os", "not an expression"),
        ("level\nsource", "more than one"),
        ("list(tags)", "no function list"),
        ("source.__class__", "begin with _"),
        ('f"{source!r:>999999999}"', "an f-string is not available"),
        ("-" * 500 + "1", "nested too deeply"),
        ("1" + "+1" * 5000, "nested too deeply"),
        ("(" * 300 + "1" + ")" * 300, "nested"),
        ("not " * 3000 + "1", "nested"),
    ],
)
def test_a_bad_expression_is_a_usage_error(expression: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        Where(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "9**9**9 > 1",
        "1 << 999999999999",
        '"a" * 10**10 == ""',
        "[0] * 10**9 == []",
        "[[[[tags] * 99] * 99] * 99] * 99 == []",
        '"%999999999d" % 1 == ""',
        "[1 for a in solution for b in solution for c in solution for d in solution for e in solution]",
        'int("9" * 5000) > 1',
        "10.0**400 > 1",
        "level % 0",
        "round(level, -10**9) == 0",
        'level > "3"',
        "tags < 3",
    ],
)
def test_what_would_take_for_ever_or_has_no_value_ends_at_once(expression: str) -> None:
    started = time.monotonic()
    with pytest.raises(InputError, match=r"rows\.jsonl:7: --where") as caught:
        Where(expression)(ROW)
    assert time.monotonic() - started < 2
    assert len(str(caught.value)) < 500


def test_values_that_can_not_be_compared_name_the_line() -> None:
    with pytest.raises(InputError, match=r"rows.jsonl:7: --where 'source > 3'"):
        Where("source > 3")(ROW)


def test_a_text_that_is_compared_as_a_number_is_said_to_be_one() -> None:
    with pytest.raises(InputError, match=r"int\(\) and float\(\) make a number of it"):
        Where("n > 3")(ROW)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_an_expression_that_keeps_nothing_tells_its_fields(jobs: str, o1j: Callable) -> None:
    """Quotes that a shell has eaten make a field of a text."""
    rows = b'{"problem": "?", "source": "olympiads"}\n' * 3
    done = o1j("filter", "--rules", "", "--where", "source == olympiads", "-j", jobs, input=rows)
    assert done.returncode == 0
    assert b"--where kept nothing; the fields it reads are olympiads, source (a text stands in quotes)" in done.stderr
    done = o1j("filter", "--rules", "", "--where", 'source == "olympiads"', "-j", jobs, input=rows)
    assert b"kept nothing" not in done.stderr


def test_a_slow_pattern_ends() -> None:
    with pytest.raises(InputError, match="took more than 1 s"):
        Where('matches(text, "^(a|a)*$")')(Record({"text": "a" * 40 + "b"}))


def test_a_pattern_that_is_none_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="not a pattern"):
        Where('matches(source, "(")')(ROW)


def test_goes_to_workers() -> None:
    assert pickle.loads(pickle.dumps(Where("level == 5")))(ROW) is None
