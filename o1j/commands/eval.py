"""`o1j eval`."""

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from o1j import __version__
from o1j.commands.eval_figures import Figures
from o1j.commands.eval_judging import Judging
from o1j.commands.eval_options import Evaluation, Problems
from o1j.commands.options import Asking, Format, Rejects, options, truncation_option, truncation_policy
from o1j.errors import UsageError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from o1j.models import Model
    from o1j.records import Dropped, Record

POLICIES = ("keep", "retry", "continue")
_LARGE = 4_000_000  # bytes; from there on, grading takes longer than starting processes


@options
def command(
    run: Evaluation,
    problems: Problems,
    list_benches: Annotated[bool, typer.Option("--list-benches", help="Print the benches and exit.")] = False,
    gather: Annotated[
        bool, typer.Option("--gather", help="Put scattered records of one problem together; reads all input first.")
    ] = False,
    resample: Annotated[bool, typer.Option("--resample", help="Ask anew where the input has responses.")] = False,
    on_truncation: truncation_option(POLICIES) = None,
    judging: Judging = None,
    figures: Figures = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs", "-j", metavar="N", min=1, help="Processes that grade a file's replies. [default: a core each]"
        ),
    ] = None,
    rejects: Rejects = None,
    asking: Asking = None,
    format: Format = None,
) -> int:
    """Sample answers where the input has none, grade them, and measure accuracy against tokens.

    One record a problem comes out, with its `samples` and their `accuracy`; the figures go to stderr and --summary.
    No answer, a reply cut short and a refusal count as wrong; what can't be judged is left out and counted apart.

    \b
    o1j eval outputs.jsonl --summary summary.json > graded.jsonl
    o1j eval --bench aime2024 -m openai:o1-mini -n 8 --plot curve.svg > out.jsonl
    """
    from o1j import benches, records
    from o1j.steps.eval import Asker, Summary, compare, evaluate, judge
    from o1j.steps.eval.audit import Audit
    from o1j.steps.eval.calibration import calibrate

    on_truncation = truncation_policy(on_truncation, POLICIES)
    if list_benches:
        rows = [benches.load(name).row() for name in benches.names()]
        brief = ("name", "title", "problems", "grader", "missing")
        return run.show(rows, title="o1j eval --bench", format=format, columns=brief)
    if judging.audit:
        audit = Audit()
        exit_code = run.write(audit.disagreements(run.read(judging.audit)))
        run.say(audit.line())
        return exit_code
    bench = problems.chosen
    prompt = asking.load_prompt(bench.prompt if bench else "eval", run, slots=["problem"])
    if asking.print_prompt:
        return run.show_text(prompt.text)
    figures.check()
    told = {"grader": judging.grader or (bench.grader if bench else "math"), "version": __version__}
    grader = judging.load(told["grader"], asking, run)
    regrade = judging.regrade or (judging.grader is not None and not told["grader"].startswith("judge:"))
    if judging.calibrate:
        return run.show([calibrate(grader, records.read(judging.calibrate))], title=told["grader"], format=format)

    def totals() -> Summary:
        about = {**problems.about(), **judging.about(), **(told if regrade else {})}
        return Summary(
            grader.classes,
            defaults=told,
            about=about,
            by=figures.by,
            weight=figures.weight or (bench.weight if bench else None),
            seed=asking.seed or 0,
            at_tokens=figures.budgets,
        )

    mine = totals()
    with ExitStack() as stack:
        workers = None
        # What is said of a block of lines must depend on nothing else, and be all that is wanted of it.
        judged = told["grader"].startswith("judge:")
        apart = not (judged or bench or gather or resample or figures.counter or figures.page)
        if apart and (count := _processes(jobs, run.input)) > 1:
            from o1j.steps.eval.parallel import Workers

            workers = stack.enter_context(Workers(count, run.input, run.names, grader, mine, regrade))
        others = {name: totals() for name in [*figures.against, *filter(None, [figures.teacher])]}
        for name, other in others.items():
            compare.count(records.read(name), other, grader=grader, regrade=regrade, tokenizer=figures.counter)
        figures.check_teacher(others)

        def model() -> "AbstractContextManager[Model]":
            if judged and not judging.judge_model:
                raise UsageError(f"--grader {told['grader']}: new replies carry no verdict yet: give --judge-model")
            return asking.connect(run)

        asker = Asker(
            model,
            prompt,
            asking.sampling,
            asking.samples,
            resample,
            {**problems.conditions(), **told},
            on_truncation=on_truncation,
        )

        def evaluated(found: "Iterable[Record]") -> "Iterator[Record | Dropped]":
            return evaluate(
                found,
                mine,
                grader=grader,
                asker=asker,
                gather=gather,
                regrade=regrade,
                tokenizer=figures.counter,
                run=run.id,
            )

        if workers:
            results = workers.evaluate(evaluated, lambda read: run.counts.update(read=read))
        else:
            results = problems.with_drops(evaluated(problems.records(run, judging.paired)))
        exit_code = run.write(figures.page.tap(results) if figures.page else results, rejects)
    mine.about |= problems.about()
    if isinstance(grader, judge.Judge):
        mine.about["judge"] = grader.about()
    figures.tell(mine, others, run, bench, asker.name)
    return exit_code


def _processes(jobs: int | None, path: str | None) -> int:
    """How many processes grade `path`: a pipe can't be read by several, and a small file is graded sooner than they
    would have started."""
    from o1j import records

    if not path or not records.is_plain(path):
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return jobs or (cores if Path(path).stat().st_size >= _LARGE else 1)
