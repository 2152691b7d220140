"""The rule-based teacher, asked as o1j asks it: o1j's own prompts, over HTTP."""

import json
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path
from random import Random

import families
import problems
import pytest
import teacher
from families import FAMILIES, TAUGHT
from loopback import make_app, running

from o1j import prompts, thinking
from o1j.grading import extract, grade
from o1j.steps.formulas import marks, numbers, protect, restore

SLOTS = {"distill": ["problem"], "rewrite": ["problem", "solution"], "translate": ["language", "text"]}
PROBLEM = "If $4x + 7 = 39$, what is the value of $x$?"


def ask(rules: teacher.Teacher, prompt: str, seed: int | None = None, **slots: str) -> str:
    text = prompts.load(prompt, SLOTS[prompt]).fill(**slots)
    return rules({"messages": [{"role": "user", "content": text}], "seed": seed})


def some(count: int) -> list[families.Problem]:
    dice = Random(count)
    return [families.draw(FAMILIES[turn % len(FAMILIES)], dice) for turn in range(count)]


@pytest.mark.parametrize("problem", some(16), ids=lambda problem: problem.family.name)
def test_a_thought_tries_checks_notices_goes_back_and_boxes(problem):
    thought = thinking.split(ask(teacher.Teacher(), "distill", problem=problem.text.en))
    assert str(problem.slip) in thought.reasoning
    assert re.search("check.*slip.*go back", thought.reasoning, re.IGNORECASE)
    assert extract(thought.visible) == str(problem.answer)


@pytest.mark.parametrize("problem", some(16), ids=lambda problem: problem.family.name)
def test_a_rewritten_solution_has_every_step_and_the_answer(problem):
    solution = ask(teacher.Teacher(), "rewrite", problem=problem.text.en, solution="Easy.")
    assert all(str(line) in solution for line in problem.lines)
    assert extract(solution) == str(problem.answer)
    assert "<think>" not in solution


@pytest.mark.parametrize("prompt", ["distill", "rewrite"])
def test_wrong_at_about_the_set_rate(prompt):
    rules = teacher.Teacher(wrong=0.15)
    replies = [(one, ask(rules, prompt, problem=one.text.en, solution="")) for one in some(600)]
    wrong = sum(grade(str(one.answer), reply).correct is False for one, reply in replies)
    assert 0.10 < wrong / len(replies) < 0.20


def test_a_seed_gives_the_same_reply_and_another_seed_another_chance():
    rules = teacher.Teacher(wrong=0.5)
    by_seed = [ask(rules, "distill", seed, problem=PROBLEM) for seed in range(12)]
    assert by_seed == [ask(rules, "distill", seed, problem=PROBLEM) for seed in range(12)]
    assert {extract(reply) == "8" for reply in by_seed} == {True, False}


def test_samples_without_a_seed_differ_and_repeat_from_the_start():
    first, second = ([ask(rules, "distill", problem=PROBLEM) for _ in range(12)] for rules in _two())
    assert first == second
    assert len(set(first)) > 1


def _two() -> list[teacher.Teacher]:
    return [teacher.Teacher(wrong=0.5), teacher.Teacher(wrong=0.5)]


@pytest.mark.parametrize("problem", some(32), ids=lambda problem: problem.family.name)
def test_all_that_it_says_can_be_translated(problem):
    rules = teacher.Teacher()
    said = [ask(rules, prompt, problem=problem.text.en, solution="") for prompt in ("distill", "rewrite")]
    printed = str(problems.row(problem, Random(0))["solution"])
    for text in (problem.text.en, printed, *said):
        guarded, formulas = protect(text)
        chinese = ask(rules, "translate", language="Simplified Chinese", text=guarded)
        assert marks(chinese) == marks(guarded)
        assert numbers(chinese) == numbers(guarded)
        assert not re.search("[A-Za-z]{2,}", chinese)
        assert chinese.count("\n") == guarded.count("\n")
        if "\\boxed" in text:
            assert extract(restore(chinese, formulas)) == extract(text)


def test_a_problem_in_chinese_by_hand():
    chinese = ask(teacher.Teacher(), "translate", language="Simplified Chinese", text=protect(PROBLEM)[0])
    assert chinese == "如果⟦0⟧，那么⟦1⟧的值是多少？"


def test_what_it_does_not_know_it_says():
    for prompt in SLOTS:
        reply = ask(teacher.Teacher(), prompt, problem="What is 2+2?", solution="4", language="Chinese", text="Hello.")
        assert reply == teacher.UNKNOWN
        assert extract(reply) is None


def test_it_speaks_the_protocol():
    app = make_app(teacher.Teacher(), models=("rules",))
    body = {"model": "rules", "messages": [{"role": "user", "content": PROBLEM}]}
    with running(app) as url:
        request = urllib.request.Request(
            f"{url}/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=10) as response:
            choice = json.load(response)["choices"][0]
    assert choice["finish_reason"] == "stop"
    assert choice["message"]["content"].endswith("\\boxed{8}.")


def test_a_command_lives_beside_the_server_and_its_exit_code_comes_back():
    script = (
        "import os, sys, urllib.request as u; "
        "print(u.urlopen(os.environ['OPENAI_BASE_URL'] + '/models').status, sys.stdin.read()); sys.exit(3)"
    )
    done = subprocess.run(
        [sys.executable, teacher.__file__, "--", sys.executable, "-c", script],
        input="through",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (3, "200 through\n")


def test_a_command_that_does_not_exist_is_127():
    done = subprocess.run(
        [sys.executable, teacher.__file__, "--", "no-such-command"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 127
    assert done.stderr == "teacher.py: no-such-command: No such file or directory\n"


def test_distill_rejects_what_it_gets_wrong(environment, tmp_path):
    dice = Random(5)
    problems = [families.draw(TAUGHT[turn % len(TAUGHT)], dice) for turn in range(40)]
    lines = "".join(json.dumps({"problem": one.text.en, "answer": str(one.answer)}) + "\n" for one in problems)
    command = [sys.executable, "-m", "o1j", "distill", "--model", "openai:rules", "--seed", "1", "--rejects", "r.jsonl"]
    done = subprocess.run(
        [sys.executable, teacher.__file__, "--wrong", "0.3", "--", *command],
        input=lines,
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    kept = [json.loads(line) for line in done.stdout.splitlines()]
    dropped = [json.loads(line) for line in Path(tmp_path / "r.jsonl").read_text("utf-8").splitlines()]
    assert len(kept) + len(dropped) == 40
    assert {one["reason"] for one in dropped} == {"wrong"}
    assert all(one["correct"] and one["response"].startswith("<think>") for one in kept)
    assert "OPENAI_API_KEY" not in os.environ or os.environ["OPENAI_API_KEY"] not in done.stderr
