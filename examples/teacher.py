"""The demo's teacher: a rule-based stand-in for a strong model, behind OpenAI's protocol on loopback.

    echo '{"problem": "If $4x + 7 = 39$, what is the value of $x$?", "answer": "8"}' |
        python examples/teacher.py --wrong 0.15 -- o1j distill --model openai:rules

    python examples/teacher.py --port 8000    # or for itself, until interrupted

It is no language model. It knows the problems of `families.py` and nothing else: it finds one in the prompt, reads its
numbers, and thinks aloud as the paper's teacher does (tries, checks, notices a slip, goes back), rewrites its solution,
or translates its own sentences into Chinese. A set share of its replies is wrong, so that rejection has work.
"""

import argparse
import itertools
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from random import Random
from typing import NamedTuple

import families
from aiohttp import web
from families import Pair, Problem
from loopback import make_app, running, serve

UNKNOWN = "I only know the demo's own problems, and this is none of them."
TRIES = (
    Pair("Let me try {calc}.", "先试试{calc}。"),
    Pair("First idea: {calc}.", "第一个想法：{calc}。"),
)
CHECKS = (
    Pair("Wait, check: {why}.", "等等，检查一下：{why}。"),
    Pair("Hold on, let me check: {why}.", "且慢，检查一下：{why}。"),
)
RETURN = Pair("That was a slip, so go back.", "刚才错了，回到前面。")
STEP = Pair("{says}: {calc}.", "{says}：{calc}。")
VERIFY = Pair("Check it backwards: {calc}.", "倒过来验算：{calc}。")
CLOSE = Pair("The answer is \\boxed{{answer}}.", "答案是\\boxed{{answer}}。")
START = Pair("Let us take it step by step.", "我们一步一步来。")
PRINTED = (  # the solutions of problems.jsonl
    Pair("$s1$, then $s2$.", "$s1$，然后$s2$。"),
    Pair("$s1$, then $s2$, then $s3$.", "$s1$，然后$s2$，然后$s3$。"),
)
BACKWARDS = {"+": "-", "-": "+", "×": "÷", "÷": "×"}

_MARK = r"⟦\d+⟧"
_NUMBER = rf"(?:{_MARK}|-?[0-9]+)"
_FORMULA = r"\$[^$\n]*\$|\\boxed\{[^{}]*\}"
_CALC = rf"(?:{_MARK}|{_NUMBER} [-+×÷] {_NUMBER} = {_NUMBER})"


class Teacher:
    """Answers chat requests; `wrong` is the share of wrong replies, drawn anew for each problem and sample."""

    def __init__(self, wrong: float = 0.0):
        self.wrong = wrong
        self.asked: Counter[str] = Counter()

    def __call__(self, request: dict) -> str:
        text = "\n".join(str(turn.get("content") or "") for turn in request["messages"] if turn["role"] == "user")
        if re.search(r"\btranslat", text, re.IGNORECASE):
            return translate(text) or UNKNOWN
        problem = families.find(text)
        if problem is None:
            return UNKNOWN
        dice = self._dice(request, text)
        off = _wrong_by(dice) if dice.random() < self.wrong else 0
        if re.search(r"\b(rewrit|reference solution)", text, re.IGNORECASE):
            return solution(problem, off).en
        return thought(problem, dice, off).en

    def _dice(self, request: dict, text: str) -> Random:
        """Of the prompt and the sample: its seed, or how many times this very prompt has been asked before."""
        sample = request.get("seed")
        if sample is None:
            sample = f"time {self.asked[text]}"
            self.asked[text] += 1
        return Random(f"{sample}: {text}")


def solution(problem: Problem, off: int = 0) -> Pair:
    """The rewritten solution: a line a step; `off` is added to the last result."""
    lines = [_say(STEP, says=line.says, calc=calc) for line, calc in _calculated(problem, off)]
    return _text("\n", START, *lines, _say(CLOSE, answer=str(problem.answer + off)))


def thought(problem: Problem, dice: Random, off: int = 0) -> Pair:
    """A long thought in `<think>` tags and the answer behind it; `off` is added to the last result."""
    slip, (last, _) = problem.slip, _calculated(problem, off)[-1]
    says = [
        _say(dice.choice(TRIES), calc=str(slip)),
        _say(dice.choice(CHECKS), why=slip.says),
        RETURN,
        *(_say(STEP, says=line.says, calc=calc) for line, calc in _calculated(problem, off)),
    ]
    if not off and dice.random() < 1 / 3:
        calc = f"{last.result} {BACKWARDS[last.sign]} {last.right} = {last.left}"
        says.append(_say(VERIFY, calc=calc))
    close = _say(CLOSE, answer=str(problem.answer + off))
    en, zh = " ".join(one.en for one in says), "".join(one.zh for one in says)
    return Pair(*(f"<think>\n{words}\n</think>\n\n{end}" for words, end in ((en, close.en), (zh, close.zh))))


def translate(text: str) -> str | None:
    """The teacher's own English that stands in a prompt, in Chinese; None where there is none.

    What is no sentence of its own (marks, tags, line breaks) stays as it is.
    """
    hits = _without_overlaps(sorted(_hits(text), key=lambda hit: (hit.start, -hit.end)))
    if not hits:
        return None
    head = re.search(rf"(?:{_MARK}|</?think>|\s)*\Z", text[: hits[0].start])[0]
    tail = re.match(rf"(?:{_MARK}|</?think>|\s)*", text[hits[-1].end :])[0]
    pieces, end = [head], hits[0].start
    for hit in hits:
        between = text[end : hit.start]
        pieces += ["" if between == " " else between, hit.chinese]
        end = hit.end
    return "".join([*pieces, tail]).strip()


class Hit(NamedTuple):
    start: int
    end: int
    chinese: str


def _hits(text: str) -> Iterator[Hit]:
    for template, pattern in _sentences():
        for match in pattern.finditer(text):
            yield Hit(*match.span(), families.fill(template.zh, families.chinese(match.groupdict())))


def _without_overlaps(hits: list[Hit]) -> list[Hit]:
    kept: list[Hit] = []
    for hit in hits:
        if not kept or hit.start >= kept[-1].end:
            kept.append(hit)
    return kept


@cache
def _sentences() -> list[tuple[Pair, re.Pattern]]:
    """Every sentence that the demo's texts are made of, formulas as slots of their own, with how to read it."""
    pairs = [START, *TRIES, RETURN, VERIFY, CLOSE, *PRINTED]
    for family in families.FAMILIES:
        pairs += family.texts
        pairs += [_say(check, why=family.slip.why) for check in CHECKS]
        pairs += [_say(STEP, says=step.says) for step in family.steps]
    pairs = [_formulas_as_slots(pair) for pair in dict.fromkeys(pairs)]
    kinds = {"number": _NUMBER, "calc": _CALC, **{f"formula{n}": f"{_MARK}|{_FORMULA}" for n in range(3)}}
    return [(pair, families.pattern(pair.en, **kinds)) for pair in pairs]


def _formulas_as_slots(pair: Pair) -> Pair:
    """Formulas of both texts replaced by {formula0}, {formula1}, …: a translator may have put marks in their place."""

    def slots(text: str) -> str:
        count = itertools.count()
        return re.sub(r"\$[^$]*\$|\\boxed\{\{\w+\}\}", lambda _: f"{{formula{next(count)}}}", text)

    return Pair(slots(pair.en), slots(pair.zh))


def _calculated(problem: Problem, off: int) -> list[tuple[families.Line, str]]:
    """The steps and their calculations as text; the last result is wrong by `off`."""
    *first, last = problem.lines
    wrong = last._replace(result=last.result + off)
    return [(line, str(line)) for line in first] + [(last, str(wrong))]


def _wrong_by(dice: Random) -> int:
    return dice.choice((1, 2, 10))


def _say(pair: Pair, **slots: str | Pair) -> Pair:
    """Both texts with some slots filled, by a text for both or a pair; other slots stay."""

    def put(text: str, side: int) -> str:
        for slot, value in slots.items():
            text = text.replace(f"{{{slot}}}", value[side] if isinstance(value, Pair) else value)
        return text

    return Pair(put(pair.en, 0), put(pair.zh, 1))


def _text(separator: str, *pairs: Pair) -> Pair:
    return Pair(separator.join(pair.en for pair in pairs), separator.join(pair.zh for pair in pairs))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n")[0],
        epilog="With a COMMAND the server lives as long as that runs, with OPENAI_BASE_URL set to the server.",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--ready-file", help="gets the base URL once requests are taken")
    parser.add_argument("--wrong", type=float, default=0.15, help="share of wrong replies (default: %(default)s)")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND …", help="run this and stop with it")
    given = parser.parse_args()
    app, command = make_app(Teacher(given.wrong), models=("rules",)), given.command[1:]
    if command:
        sys.exit(run(app, command, given.host, given.port))
    serve(app, given.host, given.port, given.ready_file)


def run(app: web.Application, command: list[str], host: str, port: int) -> int:
    """Run a command that finds the server by its environment; its exit code, 127 where there is no such command."""
    with running(app, host, port) as url:
        try:
            child = subprocess.Popen(command, env={**os.environ, "OPENAI_BASE_URL": url, "OPENAI_API_KEY": "none"})
        except OSError as error:
            print(f"teacher.py: {command[0]}: {error.strerror}", file=sys.stderr)
            return 127
        while True:
            try:
                return child.wait()
            except KeyboardInterrupt:  # the child has got it as well, and says what it has to say
                continue


if __name__ == "__main__":
    main()
