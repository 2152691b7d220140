"""How right the filter's rules are on hand-read rows, and what they do to whole files.

    python tests/bench/filter_rules.py > tests/bench/RESULTS-filter.md

Needs ../shared/data beside the checkout (or O1J_DATA).
"""

import html
import random
import re
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from filter.labelled import DATA, LABELLED, confusion, labels, rejoined, rows

from o1j.records import Dropped, read
from o1j.steps.filter import RULES, choose, filter
from o1j.steps.filter.broken import is_broken
from o1j.steps.filter.parts import has_several_parts

WHOLE = (
    *("olympiadbench_raw_english", "olympiadbench_raw_chinese", "deepscaler_train_aime", "math500_test"),
    *("gaokao_2024_zh_limo", "gsm8k_test", "olymmath_en_zh"),
)


def main() -> None:
    """Print the tables."""
    every = labels()
    records = rows(every)
    print("# What the filter's rules get right\n")
    print("Made by `python tests/bench/filter_rules.py`; rows and labels: `tests/filter/labels.jsonl`, read by hand.\n")
    for part in ("development", "held-out", "held-out 2", "held-out 3"):
        chosen = [label for label in every if label["part"] == part]
        counts, disagreements = confusion(chosen, records)
        print(f"## {part.capitalize()}: {len(chosen)} rows\n")
        print("| rule | rows it should drop | precision | recall |\n|---|---|---|---|")
        for rule in LABELLED:
            hit, alarm, miss = (counts[rule, kind] for kind in ("hit", "false alarm", "miss"))
            print(f"| {rule} | {hit + miss} | {_share(hit, hit + alarm)} | {_share(hit, hit + miss)} |")
        print("\n" + "".join(f"- {line}\n" for line in disagreements or ["no disagreement"]))
    parts()
    damage()
    print("## Whole files, default rules\n")
    print("| file | rows | kept | needs-image | proof | no-answer | not-numerical |\n|---|---|---|---|---|---|---|")
    for name in WHOLE:
        reasons = Counter(
            result.reason if isinstance(result, Dropped) else "kept"
            for result in filter(read(str(DATA / f"{name}.jsonl")), choose())
        )
        cells = [sum(reasons.values()), *(reasons[key] for key in ("kept", *list(RULES)[:4]))]
        print(f"| {name} | {' | '.join(map(str, cells))} |")


def parts() -> None:
    """`several-parts` on problems that OlympiadBench took apart, put together again."""
    problems = list(rejoined())
    print(f"## Several parts: {len(problems)} pairs of OlympiadBench's neighbours that were one problem\n")
    print("| put together as | found |\n|---|---|")
    for marks in ("(1) (2)", "1. 2.", "(a) (b)", "a) b)", "(i) (ii)", "(Ⅰ) (Ⅱ)", "① ②"):
        first, second = marks.split()
        found = [has_several_parts(f"{stem}\n{first} {one}\n{second} {other}") for stem, one, other in problems]
        print(f"| {marks} | {sum(found) / len(found):.3f} |")
    fired = sum(
        has_several_parts(str(record["problem"])) for name in WHOLE for record in read(str(DATA / f"{name}.jsonl"))
    )
    print(f"\nIt fires on {fired} of all rows below as they are.\n")


def damage() -> None:
    """`broken-text` on whole problems that are damaged here, each in the ways that are possible with it."""
    chance = random.Random(0)
    names = ("olympiadbench_raw_english", "olympiadbench_raw_chinese", "olymmath_en_zh", "math500_test")
    problems = [str(record["problem"]) for name in names for record in read(str(DATA / f"{name}.jsonl"))]
    problems = [problem for problem in problems if not is_broken(problem)]

    def without(sign: str) -> Callable[[str], str]:
        def cut(problem: str) -> str:
            at = [place.start() for place in re.finditer(rf"(?<!\\\\){re.escape(sign)}", problem)]
            place = chance.choice(at) if at else len(problem)
            return problem[:place] + problem[place + 1 :]

        return cut

    damages: dict[str, Callable[[str], str]] = {
        "a brace dropped": without("}"),
        "a dollar sign dropped": without("$"),
        "UTF-8 read as Latin-1": lambda problem: problem.encode().decode("latin-1"),
        "UTF-8 read as Windows-1252": lambda problem: problem.encode().decode("cp1252", "replace"),
        "UTF-8 read as GBK": lambda problem: problem.encode().decode("gbk", "replace"),
        "`\\f` of `\\frac` eaten": lambda problem: problem.replace("\\frac", "\frac"),
        "`\\t` of `\\times` eaten": lambda problem: problem.replace("\\times", "\times"),
        "HTML escapes": html.escape,
    }
    print("## Broken text: whole problems damaged on purpose\n\n| damage | problems | found |\n|---|---|---|")
    for name, harm in damages.items():
        harmed = [text for problem in problems if (text := harm(problem)) != problem]
        print(f"| {name} | {len(harmed)} | {sum(map(is_broken, harmed)) / len(harmed):.3f} |")
    print()


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else "none"


if __name__ == "__main__":
    if not DATA.is_dir():
        sys.exit(f"no data in {DATA}: set O1J_DATA")
    main()
