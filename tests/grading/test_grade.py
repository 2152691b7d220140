"""Verdicts, golds, classes, and that hostile answers cost little and disturb nobody."""

import asyncio
import subprocess
import sys
import threading
import time

import pytest

from o1j.grading import Conventions, Grade, classes, equal, grade, sandbox
from o1j.grading.parse import parse
from o1j.grading.partition import Leaders

HOSTILE = "\\sum_{a=1}^{2000}\\sum_{b=1}^{2000}\\sqrt{ab+\\sqrt{2}}", "1"


@pytest.mark.parametrize(
    ("response", "finish_reason", "verdict"),
    [
        ("\\boxed{7}", "length", "truncated"),
        ("<think> it must be 7", None, "truncated"),
        ("<think> it must be 7", "stop", "truncated"),
        ("<think>7</think>", "stop", "no_answer"),
        ("", "stop", "no_answer"),
        (" \n", None, "no_answer"),
        ("I have no idea.", "stop", "no_answer"),
        ("I'm sorry, but I can't help with that.", "stop", "refused"),
        ("很抱歉，我无法回答。", None, "refused"),
        ("\\boxed{7}", "content_filter", "refused"),
    ],
)
def test_without_an_answer_it_is_wrong_and_says_why(response, finish_reason, verdict):
    assert grade("7", response, finish_reason=finish_reason) == Grade(False, verdict, None)


def test_each_of_several_golds_is_right():
    assert grade(["\\frac12", "0.6"], "\\boxed{0.6}").correct is True
    assert grade(["3", "5"], "\\boxed{3, 5}").correct is True
    assert grade(["3", "5"], "\\boxed{4}").correct is False


@pytest.mark.parametrize("gold", ["", "  ", [], [""], None])
def test_no_gold_no_judgement(gold):
    assert grade(gold, "\\boxed{4}") == Grade(None, "ungraded", "4")


def test_a_gold_may_be_boxed_or_a_sentence():
    assert grade("$\\boxed{4}$", "\\boxed{4}").correct is True
    assert grade("The answer is (C) Cecile", "C").correct is True


def test_classes_number_equal_answers_and_skip_none():
    assert classes(["\\frac12", None, "3", "0.5", "3.0", "50\\%", "x"]) == [0, None, 1, 0, 1, 0, 2]
    assert classes([]) == []


MIXED = [
    "1/3", "0.333333", "0.33", "0.3333334", "\\frac{1}{3}", "50\\%", "0.5", "50", "2\\sqrt{3}", "\\sqrt{12}",
    "3.464102", "x=5", "5", "five", "5 cm", "52_8", "52", "42", "(1,2)", "1, 2", "\\pi", "3.14159", "3.141593", "-1",
    "0", "10^{400}", "10^{400}+1", "\\sqrt{10^{20}+1}-10^{10}", "2^{10}", "1024", "B", "yes", "1,5", "1.5", "1 1/2",
    "\\sin 30^\\circ",
    "3:2", "007", "7", "first", "1", "\\log 100", "2", "\\infty", "no solution", "e", "2.718282", "1e3", "1000",
]  # fmt: skip


@pytest.mark.parametrize("conventions", [{}, {"rounding": 2}, {"rounding": None}, {"tolerance": 0.01}])
def test_classes_are_those_that_comparing_every_pair_gives(conventions):
    leaders, expected = [], []
    for answer in MIXED:
        same = next((n for n, leader in enumerate(leaders) if equal(leader, answer, **conventions)), len(leaders))
        leaders += [answer] if same == len(leaders) else []
        expected.append(same)
    assert classes(MIXED, **conventions) == expected


def test_a_new_number_is_compared_with_its_neighbours_alone():
    leaders = Leaders(Conventions())
    for number in range(500):
        leaders.add(str(number), float(number))
    word = leaders.add("no solution", None)
    assert list(leaders.candidates(250.001)) == [250, word]
    assert len(list(leaders.candidates(None))) == 501


def test_classes_of_many_repeats_are_cheap():
    answers = [f"\\frac{{{n % 5}}}{{7}}" for n in range(50_000)]
    start = time.monotonic()
    assert max(classes(answers)) == 4
    assert time.monotonic() - start < 2


def test_a_hostile_answer_is_given_up_in_time():
    start = time.monotonic()
    assert grade(HOSTILE[0], f"\\boxed{{{HOSTILE[1]}}}", timeout=0.5) == Grade(None, "timeout", HOSTILE[1])
    assert time.monotonic() - start < 0.5 + 2
    assert equal("\\tan^2 y+1", "\\sec^2 y") is True


def test_a_sentence_of_many_values_and_a_tail_of_many_blank_lines_are_read_in_time():
    start = time.monotonic()
    assert grade("5", "x=1, " * 5000).correct is False
    assert grade("5", "\\boxed{5" + "\n" * 20_000).verdict == "truncated"
    assert grade("5", "\\boxed{5" + "\n \n" * 5_000 + "That is all.").correct is True
    assert time.monotonic() - start < 2
    assert grade("x=5, y=6, z=7", "So the values that we find here are x = 5, y = 6, and z = 7.").correct is True


def test_a_worker_that_is_late_is_killed_and_replaced():
    with pytest.raises(sandbox.TimedOut):
        sandbox.ask("same", parse(HOSTILE[0]), parse(HOSTILE[1]), seconds=0.3)
    assert sandbox.ask("same", parse("\\sqrt{3+2\\sqrt2}"), parse("1+\\sqrt2")) is True


def test_grading_works_from_many_threads():
    results: list = []

    def work(number):
        results.append(equal(f"\\sqrt{{{number}+3+2\\sqrt{{{number}+2}}}}", f"1+\\sqrt{{{number}+2}}"))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(1, 13)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 12


def test_grading_works_inside_an_event_loop():
    async def main():
        loop = asyncio.get_running_loop()
        return equal("\\cos 20^\\circ", "\\sin 70^\\circ"), await loop.run_in_executor(
            None, equal, "\\cos 40^\\circ", "\\sin 50^\\circ"
        )

    assert asyncio.run(main()) == (True, True)


def test_importing_and_grading_load_nothing_heavy():
    code = (
        "import sys, o1j.grading as g\n"
        "assert g.grade('1/2', 'so \\\\boxed{0.5}').correct\n"
        "heavy = {'sympy', 'mpmath', 'math_verify', 'latex2sympy2_extended', 'numpy', 'torch'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_workers_end_with_their_process():
    code = (
        "import o1j.grading as g\n"
        "from o1j.grading import sandbox\n"
        "assert g.equal('\\\\tan^2 y+1', '\\\\sec^2 y')\n"
        "print(sandbox._current_pool().idle[0].process.pid)\n"
    )
    pid = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and subprocess.run(["kill", "-0", pid], capture_output=True).returncode == 0:
        time.sleep(0.05)
    assert subprocess.run(["kill", "-0", pid], capture_output=True).returncode != 0
