"""`o1j tti`."""

from dataclasses import dataclass
from typing import Annotated

import typer

from o1j.commands.options import Format, options
from o1j.commands.run import Run


@dataclass
class Scoring(Run):
    """A run that knows whether its INPUT was named: --leaderboard alone does not read stdin."""

    input: Annotated[
        str | None,
        typer.Argument(
            metavar="INPUT",
            help="Works as --template shows them, in a file as for `o1j filter`; - is stdin. [default: -]",
            show_default=False,
        ),
    ] = None


@options
def command(
    run: Scoring,
    leaderboard: Annotated[
        bool, typer.Option("--leaderboard", help="Print the published scores, with those of INPUT if one is named.")
    ] = False,
    list_questions: Annotated[bool, typer.Option("--questions", help="Print the 25 questions.")] = False,
    print_template: Annotated[bool, typer.Option("--template", help="Print a work to fill in.")] = False,
    format: Format = None,
) -> int:
    """Score works on the 25 questions of the Technical Transparency Index (arXiv:2411.16489), 100 points in all.

    Reads {"work": …, "answers": {id: true|false|{"answer": …, "evidence": …}}}; adds `scores` and `total`. A question
    that is left out is an error, not a silent no.

    \b
    o1j tti --template > mine.jsonl    # fill it in, then:
    o1j tti mine.jsonl | jq .total
    o1j tti --leaderboard mine.jsonl
    """
    from o1j import transparency
    from o1j.steps import tti as step

    if list_questions:
        rows = [{**q._asdict(), "dimension": q.dimension} for q in transparency.questions()]
        return run.show(rows, title="Technical Transparency Index", format=format)
    if print_template:
        return run.show([step.template()], title="Template", format="jsonl")
    if leaderboard:
        mine = list(step.tti(run.read())) if run.input else []
        works = [*mine, *transparency.published()]
        rows = [{"work": w.get("work"), **w["scores"], "total": w["total"]} for w in works]
        return run.show(
            sorted(rows, key=lambda row: -row["total"]), title="Technical Transparency Index", format=format
        )
    run.input = run.input or "-"
    return run.pipe(step.tti)
