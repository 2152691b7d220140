"""`o1j translate`."""

from typing import Annotated

import typer

from o1j.commands.options import Asking, Rejects, choice, options, truncation_option, truncation_policy
from o1j.commands.run import Run

POLICIES = ("drop", "retry", "continue")


@options
def command(
    run: Run,
    asking: Asking,
    to: Annotated[str, typer.Option("--to", metavar="LANGUAGE", help="A code such as zh, en, de, or a name.")] = "zh",
    fields: Annotated[
        str | None,
        typer.Option(
            "--fields",
            metavar="A,B",
            help="Translate these fields. [default: problem,solution,response,reasoning,messages]",
            show_default=False,
        ),
    ] = None,
    mode: Annotated[
        str,
        typer.Option("--mode", metavar="pair|replace", help="Source and translation, or the translation alone."),
    ] = "pair",
    on_truncation: truncation_option(POLICIES) = None,
    rejects: Rejects = None,
) -> int:
    """Put records into another language: mathematics untouched, numbers kept, the answer unchanged.

    Formulas reach the model as marks and come back as they were. A translation that fails its check (a formula or
    number lost, not the target language, another answer) drops the record. With --samples N, a text that fails is
    asked for up to N times.

    \b
    o1j translate --to zh -m openai:gpt-4o-mini stage2.jsonl > bilingual.jsonl
    """
    from o1j.steps import translate as step

    choice("--mode", mode, step.MODES)
    on_truncation = truncation_policy(on_truncation, POLICIES)
    chosen = tuple(name.strip() for name in fields.split(",")) if fields else step.FIELDS
    prompt = asking.load_prompt("translate", run, slots=("language", "text"))
    if asking.print_prompt:
        return run.show_text(prompt.text)
    with asking.connect(run) as model:
        return run.pipe(
            lambda records: step.translate(
                records,
                model,
                prompt,
                asking.sampling,
                to=to,
                fields=chosen,
                mode=mode,
                tries=asking.samples,
                on_truncation=on_truncation,
                run=run.id,
            ),
            rejects,
        )
