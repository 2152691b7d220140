"""Draw the demo's problems: `problems.jsonl`, a raw collection to filter, and `heldout.jsonl`, to evaluate with.

    python examples/problems.py examples

The collection looks like what public ones look like: clean problems, and among them pictures, proofs, missing answers,
answers that are no number, choices, several questions in one, duplicates, and copies of held-out problems. The held-out
set has one family more than the collection, so that what carries over to new kinds of problems is seen apart.
The same seed gives the same bytes; the two files in this folder are what it writes.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from pathlib import Path
from random import Random

import families
from families import FAMILIES, NAMES, TAUGHT, THINGS, Problem

CLEAN = 240
HELD_OUT = 35
NOISE = 8  # records of each kind that some rule of `filter` should drop

Row = dict[str, str | list[str]]


def collection(dice: Random, held: list[Row]) -> list[Row]:
    """The raw collection, shuffled; no problem of `held` is in it but as a copy that decontamination should find."""
    taken = {row["problem"] for row in held}
    clean = [row(problem, dice) for problem in islice(fresh(TAUGHT, dice, taken), CLEAN)]
    noise = [make(dice) for make in KINDS for _ in range(NOISE)]
    noise += [respaced(one, dice) for one in dice.sample(clean, NOISE)]
    noise += [copied(one) for one in held[: 2 * NOISE : 2]]
    rows = clean + noise
    dice.shuffle(rows)
    return [{"id": f"demo-{count:03}", **one} for count, one in enumerate(rows, 1)]


def held_out(dice: Random) -> list[Row]:
    """Problems of all families in turn, the unseen one among them, each with its answer."""
    problems = islice(fresh(FAMILIES, dice, set()), HELD_OUT)
    return [
        {"id": f"heldout-{count:02}", **row(problem, dice), "answer": str(problem.answer)}
        for count, problem in enumerate(problems, 1)
    ]


def fresh(kinds: tuple[families.Family, ...], dice: Random, taken: set[str]) -> Iterator[Problem]:
    """Problems of the families in turn, none of them twice."""
    for family in cycle(kinds):
        problem = families.draw(family, dice)
        while problem.text.en in taken:
            problem = families.draw(family, dice)
        taken.add(problem.text.en)
        yield problem


def row(problem: Problem, dice: Random) -> Row:
    """A record with a terse solution, as textbooks print them; every third has its answer there alone."""
    sums = ", then ".join(f"${tex(line)}$" for line in problem.lines)
    solution = f"{sums}. The answer is $\\boxed{{{problem.answer}}}$."
    answer = {"answer": str(problem.answer)} if dice.random() < 2 / 3 else {}
    return {"problem": problem.text.en, "solution": solution, **answer, "source": problem.family.name}


def tex(line: families.Line) -> str:
    """The line's calculation in LaTeX."""
    return str(line).replace("×", "\\times").replace("÷", "\\div")


def respaced(original: Row, dice: Random) -> Row:
    """A duplicate as crawlers make them: the same words, other spaces and capitals."""
    text = str(original["problem"])
    changed = dice.choice((text.upper, lambda: text.replace(". ", ".  "), lambda: text + " "))()
    return {**original, "problem": changed}


def copied(original: Row) -> Row:
    """A held-out problem under another source."""
    return {**{key: original[key] for key in ("problem", "solution")}, "source": "forum"}


def picture(dice: Random) -> Row:
    a, b = dice.randint(3, 9), dice.randint(10, 20)
    text, value = dice.choice(
        (
            (f"As shown in the figure, the rectangle $ABCD$ has $AB = {a}$ and $BC = {b}$. Find its area.", a * b),
            (
                f"![](https://cdn.mathpix.com/cropped/demo-{a}{b}.jpg)\nWhat is the sum of the two marked angles, "
                f"if one is ${a}^\\circ$ and the other ${b}^\\circ$?",
                a + b,
            ),
            (
                f"[asy]\ndraw((0,0)--({a},0)--({a},{b})--(0,{b})--cycle);\n[/asy]\n"
                "What is the perimeter of the rectangle in the diagram?",
                2 * (a + b),
            ),
        )
    )
    return {"problem": text, "solution": f"$\\boxed{{{value}}}$", "answer": str(value), "source": "geometry"}


def proof(dice: Random) -> Row:
    n, k = dice.randint(3, 9), dice.randint(2, 7)
    text, why = dice.choice(
        (
            (
                f"Prove that the sum of {n} consecutive multiples of {k} is a multiple of {k}.",
                f"Each of the {n} numbers is a multiple of {k}, so their sum is one. $\\blacksquare$",
            ),
            (
                f"Show that $x^2 + {n * n} \\geq {2 * n}x$ for every real number $x$.",
                f"$x^2 - {2 * n}x + {n * n} = (x - {n})^2 \\geq 0$. Q.E.D.",
            ),
            (
                f"Prove that ${n}^m - 1$ is divisible by ${n - 1}$ for every positive integer $m$.",
                f"${n}^m - 1 = ({n} - 1)({n}^{{m-1}} + \\dots + 1)$. $\\blacksquare$",
            ),
        )
    )
    return {"problem": text, "solution": why, "source": "olympiads"}


def unanswered(dice: Random) -> Row:
    problem = families.draw(dice.choice(TAUGHT), dice)
    hint = dice.choice(("See the next chapter.", "Left as an exercise.", "Work backwards from the end."))
    return {"problem": problem.text.en, "solution": hint, "source": problem.family.name}


def formula(dice: Random) -> Row:
    n, k = dice.randint(2, 9), dice.randint(2, 9)
    text, answer = dice.choice(
        (
            (f"Expand $(x + {n})(x + {k + 10})$.", f"x^2 + {n + k + 10}x + {n * (k + 10)}"),
            (f"Solve the inequality $x + {n} > {n + k}$.", f"({k}, \\infty)"),
            (f"Today is Monday. Which day of the week is it in {7 * n + 2} days?", "\\text{Wednesday}"),
            (f"Factor $x^2 - {k * k}$.", f"(x - {k})(x + {k})"),
        )
    )
    return {"problem": text, "solution": f"$\\boxed{{{answer}}}$", "answer": answer, "source": "algebra"}


def choice(dice: Random) -> Row:
    problem = families.draw(dice.choice(TAUGHT), dice)
    values = [problem.answer, problem.answer + 2, problem.answer + 5, problem.answer + 11]
    dice.shuffle(values)
    letter = "ABCD"[values.index(problem.answer)]
    options = "\n".join(f"({name}) {value}" for name, value in zip("ABCD", values, strict=True))
    solution = f"${tex(problem.lines[-1])}$, so the answer is $\\boxed{{{letter}}}$."
    text = f"{problem.text.en}\n{options}"
    return {"problem": text, "solution": solution, "answer": letter, "source": problem.family.name}


def several(dice: Random) -> Row:
    name, thing = dice.choice(sorted(NAMES)), dice.choice(sorted(THINGS))
    a, b, c = dice.randint(3, 9), dice.randint(3, 9), dice.randint(2, 9)
    text = (
        f"{name} has {a} boxes with {b} {thing} in each box.\n"
        f"(1) How many {thing} does {name} have?\n"
        f"(2) {name} gets {c} more {thing}. How many are there now?"
    )
    answers = [str(a * b), str(a * b + c)]
    solution = f"(1) $\\boxed{{{answers[0]}}}$ (2) $\\boxed{{{answers[1]}}}$"
    return {"problem": text, "solution": solution, "answer": answers, "source": "workbook"}


KINDS: tuple[Callable[[Random], Row], ...] = (picture, proof, unanswered, formula, choice, several)


def write(path: Path, rows: list[Row]) -> None:
    path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in rows), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where problems.jsonl and heldout.jsonl are written")
    parser.add_argument("--seed", type=int, default=2411)
    given = parser.parse_args()
    held = held_out(Random(given.seed))
    write(given.folder / "heldout.jsonl", held)
    write(given.folder / "problems.jsonl", collection(Random(given.seed + 1), held))


if __name__ == "__main__":
    main()
