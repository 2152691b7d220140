"""Decontamination: which copies of bench problems are found, what is flagged by mistake, and how fast it is.

    python tests/bench/filter_decontamination.py [ROWS] >> tests/bench/RESULTS-filter.md

Needs ../shared/data beside the checkout (or O1J_DATA).
"""

import os
import random
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from filter_throughput import measure
from numina import DATA, write_distinct

from o1j.records import Record, read, stable_id
from o1j.steps.filter.choices import options, stem
from o1j.steps.filter.contamination import Contamination

BENCHES = ("math500_test", "aime2024_limo", "math2024_cn_math")
MORE = ("amc23_limo", "gaokao_2024_zh_limo", "olymmath_en_zh")
OTHERS = {
    "olympiadbench_raw_english": "olympiad problems",
    "olympiadbench_raw_chinese": "olympiad problems",
    "olymmath_en_zh": "olympiad problems, English and Chinese",
    "gsm8k_test": "word problems",
    "deepscaler_train_aime": "AIME 1983–2023: some are in MATH500, too",
    "longcot_limo_official_solutions": "LIMO, problems and solutions: some are in MATH500, too",
    "longcot_limo_r1distill32b": "LIMO, long thoughts",
}
THOUGHT = "First we note how the sum of these terms can be written. 我们先来看这个问题。让我想一想，这道题应该怎么做。"


def main(rows: int) -> None:
    """Print the tables."""
    bench = [(name, record) for name in BENCHES for record in read(str(DATA / f"{name}.jsonl"))]
    rule = Contamination(bench)
    print(f"\n## Decontamination: {len(bench)} problems of {', '.join(BENCHES)}\n")
    print("| copies | passed |\n|---|---|")
    problems = [record["problem"] for _, record in bench]
    for name, edit in (disguises() | copies(problems)).items():
        print(f"| {name} | {passing(rule, bench, edit)} |")
    numbered = [(name, record) for name, record in bench if re.search(r"\d", record["problem"])]
    siblings = passing(rule, numbered, other_numbers())
    print(f"| problems of their own: every number another, of {len(numbered)} with numbers | {siblings} |")
    every = bench + [(name, record) for name in MORE for record in read(str(DATA / f"{name}.jsonl"))]
    rule_of_all = Contamination(every)
    print(f"\nWith {', '.join(MORE)}, English and Chinese, {len(every)} problems:\n")
    print("| copies | passed |\n|---|---|")
    for name, edit in disguises().items():
        print(f"| {name} | {passing(rule_of_all, every, edit)} |")
    print("\n| file | rows | flagged | | |\n|---|---|---|---|---|")
    for name, what in OTHERS.items():
        records = list(read(str(DATA / f"{name}.jsonl")))
        flagged = [record for record in records if rule(record)]
        print(f"| {name} | {len(records)} | {len(flagged)} | {len(flagged) / len(records):.2%} | {what} |")
    speed(rows)


def passing(rule: Contamination, bench: list[tuple[str, Record]], edit: Callable[[str], str]) -> int:
    """How many bench problems are not found once they are edited."""
    return sum(not named(rule, record, edit(record["problem"])) for _, record in bench)


def disguises() -> dict[str, Callable[[str], str]]:
    """Spellings of the same text, by name."""

    def respaced(problem: str) -> str:
        spaced = problem.replace("\\frac", "\\dfrac").replace("\\left", "\\left ")
        return re.sub(r"([=+\-<>,{}^_])", r" \1 ", spaced)

    def reordered(problem: str) -> str:
        offered = list(options(problem).values())
        turned = " ".join(f"{letter}. {text}" for letter, text in zip("ABCDEFGH", offered[::-1], strict=False))
        return f"{stem(problem)} {turned}" if offered else problem

    wide = {ord(digit): ord(digit) + 0xFEE0 for digit in "0123456789"} | {
        ord(","): "，",
        ord("?"): "？",
        ord("("): "（",
    }
    return {
        "verbatim": lambda problem: problem,
        "LaTeX spaced anew, `\\dfrac` for `\\frac`": respaced,
        "no spaces at all": lambda problem: re.sub(r"(?<!\\)\s+(?![a-z])", "", problem),
        "full-width digits and punctuation": lambda problem: problem.translate(wide),
        "spaces of no width, `\\( \\)` for `$`": lambda problem: re.sub(
            r"\$([^$]+)\$", r"\\(\1\\)", problem.replace(" ", " \u200b")
        ),
        "in a chat prompt": lambda problem: (
            f"<|im_start|>user\nSolve this.\n\n{problem}\nThink step by step.<|im_end|>\n"
        ),
        "options in another order": reordered,
        "inside a long thought, half of it Chinese": lambda problem: f"{THOUGHT * 9}\n{problem}\n{THOUGHT * 9}",
    }


def other_numbers() -> Callable[[str], str]:
    """Every number becomes another of as many digits: the problem's sibling, which has another answer."""
    chance = random.Random(5)

    def another(found: re.Match[str]) -> str:
        first = "23456789".replace(found[0][0], "")
        return "".join(chance.choice(first if at == 0 else "0123456789") for at in range(len(found[0])))

    return lambda problem: re.sub(r"\d+", another, problem)


def copies(problems: list[str]) -> dict[str, Callable[[str], str]]:
    """What is exchanged in a bench problem, by name."""
    chance = random.Random(0)
    vocabulary = [word for problem in problems for word in problem.split() if word.isalpha()]

    def replaced(share: float, formulas: bool) -> Callable[[str], str]:
        def edit(problem: str) -> str:
            parts = re.split(r"(\s+)", problem)
            places = [at for at in range(0, len(parts), 2) if parts[at] and (formulas or parts[at].isalpha())]
            for at in chance.sample(places, min(len(places), max(1, round(share * len(places))))):
                parts[at] = chance.choice(vocabulary)
            return "".join(parts)

        return edit

    return {
        "10 % of its words replaced": replaced(0.1, False),
        "10 % of its words and formulas replaced": replaced(0.1, True),
        "20 % of its words replaced": replaced(0.2, False),
    }


def named(rule: Contamination, record: Record, text: str) -> bool:
    """Whether `text` is said to hold the problem of `record`."""
    return any(hit["id"] == stable_id(record) for hit in rule.search(text))


def speed(rows: int) -> None:
    """One row a way to run the whole command."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        size = write_distinct(path, rows) / 1e6
        print(
            f"\n{rows:,} distinct rows, {size:.0f} MB (problem, solution and messages are searched); load average ",
            end="",
        )
        print(f"{os.getloadavg()[0]:.1f}:\n\n| command | seconds | CPU seconds | memory MB |\n|---|---|---|---|")
        files = [str(DATA / f"{name}.jsonl") for name in BENCHES]
        for jobs in ("1", "2"):
            command = [sys.executable, "-m", "o1j", "filter", "-q", "--rules", "", "-j", jobs, str(path)]
            command += [*(word for file in files for word in ("--decontaminate", file)), "-o", f"{folder}/out.jsonl"]
            seconds, cpu, memory = measure(command)
            print(f"| o1j filter --decontaminate, `-j {jobs}` | {seconds:.1f} | {cpu:.1f} | {memory:.0f} |", flush=True)


if __name__ == "__main__":
    if not DATA.is_dir():
        sys.exit(f"no data in {DATA}: set O1J_DATA")
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
