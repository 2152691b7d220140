"""`o1j distill`."""

from typing import Annotated

import typer

from o1j.commands.options import Asking, Rejects, choice, options, truncation_option, truncation_policy
from o1j.commands.run import Run

POLICIES = ("drop", "keep", "retry", "continue")


@options
def command(
    run: Run,
    asking: Asking,
    keep: Annotated[
        str,
        typer.Option(
            "--keep",
            metavar="correct|all|first|shortest|longest",
            help="Every correct sample, every sample, or of the correct ones the first, shortest or longest.",
        ),
    ] = "correct",
    think: Annotated[
        str,
        typer.Option(
            "--think",
            metavar="tags|plain|field",
            help="Where a thought that the API gives apart goes: into `response` in <think> tags or plainly, "
            "or into `reasoning`.",
        ),
    ] = "tags",
    on_truncation: truncation_option(POLICIES) = None,
    rejects: Rejects = None,
) -> int:
    """Ask a teacher for long thoughts, grade them, keep the right ones; one record a kept sample.

    \b
    o1j distill -m openai:o1-mini -n 4 --keep shortest kept.jsonl > stage2.jsonl
    """
    from o1j.steps import distill as step
    from o1j.thinking import SHAPES

    choice("--keep", keep, step.KEEP)
    choice("--think", think, SHAPES)
    on_truncation = truncation_policy(on_truncation, POLICIES)
    prompt = asking.load_prompt("distill", run, slots=("problem",))
    if asking.print_prompt:
        return run.show_text(prompt.text)
    with asking.connect(run) as model:
        return run.pipe(
            lambda records: step.distill(
                records,
                model,
                prompt,
                asking.sampling,
                samples=asking.samples,
                keep=keep,
                think=think,
                on_truncation=on_truncation,
                run=run.id,
            ),
            rejects,
        )
