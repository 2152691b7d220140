"""`o1j filter`."""

from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from o1j.commands.options import Format, Rejects, options
from o1j.commands.run import Run
from o1j.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from o1j.records import Dropped, Record
    from o1j.steps.filter import Rule


@options
def command(
    run: Run,
    rules: Annotated[
        str | None, typer.Option("--rules", metavar="A,B,C", help="These rules instead of the default ones.")
    ] = None,
    skip: Annotated[list[str], typer.Option("--skip", metavar="RULE", help="Leave this rule out. Repeats.")] = [],  # noqa: B006
    list_rules: Annotated[bool, typer.Option("--list-rules", help="Print the rules, in order, and exit.")] = False,
    list_phrases: Annotated[
        bool, typer.Option("--list-phrases", help="Print the phrases that --reflective counts, and exit.")
    ] = False,
    where: Annotated[
        str | None,
        typer.Option(
            "--where", metavar="EXPR", help="Keep records of which this is true: 'level > 3 and len(solution) > 99'."
        ),
    ] = None,
    choices: Annotated[
        str,
        typer.Option(
            "--choices", metavar="keep|value|drop", help="Multiple choice: as it is, the letter's value, not at all."
        ),
    ] = "keep",
    dedup: Annotated[
        str,
        typer.Option(
            "--dedup",
            metavar="none|exact|near",
            help="Drop copies of problems kept before. near (MinHash) keeps half a KB a problem in memory.",
        ),
    ] = "none",
    decontaminate: Annotated[
        list[str],
        typer.Option("--decontaminate", metavar="FILE", help="Drop what holds a problem of this benchmark. Repeats."),
    ] = [],  # noqa: B006
    reflective: Annotated[
        bool, typer.Option("--reflective", help="Profile the long thoughts, keep those rich in reflection.")
    ] = False,
    min_reflections: Annotated[
        int | None,
        typer.Option(
            "--min-reflections",
            metavar="N",
            min=0,
            help="Sentences that reflect, backtrack or check. [default: 3]",
            show_default=False,
        ),
    ] = None,
    top: Annotated[
        int | None,
        typer.Option(
            "--top", metavar="N", min=1, help="Keep the N most reflective; these come when the input has ended."
        ),
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", metavar="N", min=1, help="Worker processes.")] = 1,
    rejects: Rejects = None,
    format: Format = None,
) -> int:
    """Keep the problems worth distilling.

    By default the paper's four rules: drop what needs an image, asks for a proof, has no labelled answer, or has
    one that is not a number. Sets `answer` where only `solution` carries it. A rule's name is the reason in --rejects.

    \b
    o1j filter numina.jsonl.gz --rejects dropped.jsonl > kept.jsonl
    o1j filter --where 'source == "olympiads"' --dedup exact -j 4 numina.jsonl.gz
    o1j filter --decontaminate bench.jsonl numina.jsonl.gz > clean.jsonl
    o1j filter --rules '' --reflective --top 5000 distilled.jsonl > rich.jsonl
    """
    from o1j.steps import filter as step

    if list_rules:
        return run.show(step.catalogue(), title="o1j filter --list-rules", format=format)
    if list_phrases:
        from o1j.steps.filter.reflection import phrases

        return run.show(phrases(), title="o1j filter --list-phrases", format=format)
    chosen: list[Rule] = step.choose(rules, skip)
    if choices == "value":
        chosen.insert(0, step.choice_value)
    elif choices == "drop":
        chosen = step.with_rule(chosen, "multiple-choice")
    elif choices != "keep":
        raise UsageError(f"--choices {choices}: expected keep, value or drop")
    chosen += _asked_for(where, dedup, decontaminate, reflective or top is not None, min_reflections, top)
    with ExitStack() as stack:
        if jobs == 1:
            results = step.filter(run.read(), chosen)
        else:
            from o1j import records
            from o1j.steps.filter.parallel import Workers

            name = records.name_of(run.input)
            fields = {"kept_fields": top is not None, "dropped_fields": rejects is not None}
            workers = stack.enter_context(Workers(jobs, chosen, name, run.names, **fields))
            results = _counted(run, workers.filter(records.blocks(run.input)))
        if top:
            from o1j.steps.filter.reflection import most_reflective

            results = most_reflective(results, top)
        exit_code = run.write(results, rejects)
    _say_if_nothing_was_kept(run, chosen)
    return exit_code


def _asked_for(
    where: str | None,
    dedup: str,
    decontaminate: list[str],
    reflective: bool,
    min_reflections: int | None,
    top: int | None,
) -> "list[Rule]":
    """The rules that options bring in, in their order."""
    rules: list[Rule] = []
    if dedup not in ("none", "exact", "near"):
        raise UsageError(f"--dedup {dedup}: expected none, exact or near")
    if dedup != "none":
        from o1j.steps.filter.duplicates import ExactDuplicates, NearDuplicates

        rules.append(ExactDuplicates() if dedup == "exact" else NearDuplicates())
    if decontaminate:
        from o1j.records import expand, read
        from o1j.steps.filter.contamination import Contamination

        files = expand(decontaminate, "--decontaminate")
        rules.append(Contamination((file, record) for file in files for record in read(file)))
    if reflective or min_reflections is not None:
        from o1j.steps.filter.reflection import MINIMUM, Reflective

        least = 0 if top else MINIMUM
        rules.append(Reflective(least if min_reflections is None else min_reflections))
    if where is not None:
        from o1j.steps.filter.where import Where

        rules.append(Where(where))
    return rules


def _say_if_nothing_was_kept(run: Run, rules: "Iterable[Rule]") -> None:
    """A text without quotes in --where is a field that no record has; that it kept nothing is the only sign."""
    expression = next((rule for rule in rules if hasattr(rule, "fields")), None)
    if run.reasons["where"] and not run.counts["kept"] and expression and expression.fields:
        told = ", ".join(expression.fields)
        run.say(f"--where kept nothing; the fields it reads are {told} (a text stands in quotes)")


def _counted(run: Run, results: "Iterable[Record | Dropped]") -> "Iterator[Record | Dropped]":
    """Count what workers have read, as `Run.read` does in one process."""
    for result in results:
        run.counts["read"] += getattr(result, "held", 1)
        yield result
