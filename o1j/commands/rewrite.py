"""`o1j rewrite`."""

from typing import Annotated

import typer

from o1j.commands.options import Asking, Rejects, options, truncation_option, truncation_policy
from o1j.commands.run import Run

POLICIES = ("drop", "retry", "continue")


@options
def command(
    run: Run,
    asking: Asking,
    no_verify: Annotated[bool, typer.Option("--no-verify", help="Keep rewritten solutions unchecked.")] = False,
    on_truncation: truncation_option(POLICIES) = None,
    rejects: Rejects = None,
) -> int:
    """Rewrite solutions: longer, finer-grained, step by step, the answer in \\boxed{}.

    A rewritten solution is kept only if it boxes an answer equal to `answer`; the old one stays as
    `original_solution`. With --samples N, up to N are asked for, one after another, until one is right.

    \b
    o1j rewrite -m openai:gpt-4o-mini kept.jsonl --rejects no.jsonl > stage1.jsonl
    """
    from o1j.steps.rewrite import rewrite

    on_truncation = truncation_policy(on_truncation, POLICIES)
    prompt = asking.load_prompt("rewrite", run, slots=("problem",), optional=("solution",))
    if asking.print_prompt:
        return run.show_text(prompt.text)
    with asking.connect(run) as model:
        return run.pipe(
            lambda records: rewrite(
                records,
                model,
                prompt,
                asking.sampling,
                tries=asking.samples,
                verify=not no_verify,
                on_truncation=on_truncation,
                run=run.id,
            ),
            rejects,
        )
