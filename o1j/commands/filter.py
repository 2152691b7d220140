"""`o1j filter`."""

from typing import Annotated

import typer

from o1j.commands.options import Format, Rejects, options
from o1j.commands.run import Run, show


@options
def command(
    run: Run,
    rules: Annotated[
        str | None, typer.Option("--rules", metavar="A,B,C", help="These rules instead of the default ones.")
    ] = None,
    skip: Annotated[list[str], typer.Option("--skip", metavar="RULE", help="Leave this rule out. Repeats.")] = [],  # noqa: B006
    list_rules: Annotated[bool, typer.Option("--list-rules", help="Print the rules, in order, and exit.")] = False,
    rejects: Rejects = None,
    format: Format = None,
) -> int:
    """Keep the problems worth distilling.

    By default the paper's four rules: drop what needs an image, asks for a proof, has no labelled answer, or has
    one that is not a number. Sets `answer` where only `solution` carries it. A rule's name is the reason in --rejects.

    \b
    o1j filter numina.jsonl.gz --rejects dropped.jsonl > kept.jsonl
    """
    from o1j.steps import filter as step

    if list_rules:
        rows = [
            {"rule": name, "default": name in step.DEFAULT, "drops": rule.__doc__} for name, rule in step.RULES.items()
        ]
        return show(rows, title="o1j filter --rules", format=format)
    chosen = step.choose(rules, skip)
    return run.pipe(lambda records: step.filter(records, chosen), rejects)
