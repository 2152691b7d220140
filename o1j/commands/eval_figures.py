"""The options of `o1j eval` that say what is told, and where."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from o1j.commands.run import Run
from o1j.errors import Unavailable, UsageError

if TYPE_CHECKING:
    from o1j.benches import Bench
    from o1j.reports.html import Page
    from o1j.steps.eval import Summary
    from o1j.steps.eval.tokens import Tokenizer


@dataclass
class Figures:
    """What is told about the whole run, and where."""

    by: Annotated[
        list[str],
        typer.Option(
            "--by",
            metavar="FIELD",
            help="Figures per value of FIELD, besides source, category, subject, level. Repeats.",
        ),
    ] = field(default_factory=list)
    weight: Annotated[
        str | None,
        typer.Option(
            "--weight",
            metavar="FIELD",
            help="Besides plain accuracy, weigh problems by this field. [default: the bench's, if it has one]",
            show_default=False,
        ),
    ] = None
    curve: Annotated[
        bool, typer.Option("--curve", help="Print accuracy at average output tokens: k = 1, 2, 4, ... votes.")
    ] = False
    at_tokens: Annotated[
        str | None,
        typer.Option("--at-tokens", metavar="N,N", help="Read that curve at these budgets of tokens a problem."),
    ] = None
    tokenizer: Annotated[
        str | None,
        typer.Option(
            "--tokenizer", metavar="PATH|ID", help="Count tokens where the input has no counts; a folder or hub id."
        ),
    ] = None
    summary: Annotated[
        str | None,
        typer.Option("--summary", metavar="FILE", help="Write all figures as JSON, one object a line and model."),
    ] = None
    plot: Annotated[
        str | None, typer.Option("--plot", metavar="FILE.svg|.png", help="Draw the curve, votes and tokens.")
    ] = None

    report: Annotated[
        str | None,
        typer.Option(
            "--report", metavar="FILE.html", help="Write one page to read: tables, the curve, every problem and sample."
        ),
    ] = None
    compare: Annotated[
        list[str],
        typer.Option(
            "--compare",
            metavar="FILE",
            help="Graded outputs of another model: same plot, one table, paired tests. Repeats.",
        ),
    ] = field(default_factory=list)
    teacher: Annotated[
        str | None,
        typer.Option(
            "--teacher", metavar="FILE", help="Graded outputs of the teacher: how much of its accuracy is reached."
        ),
    ] = None

    @cached_property
    def budgets(self) -> list[float]:
        """`--at-tokens`, as numbers."""
        try:
            budgets = [float(text) for text in (self.at_tokens or "").split(",") if text.strip()]
        except ValueError:
            budgets = [-1.0]
        if any(not 0 < budget < float("inf") for budget in budgets):
            raise UsageError(f"--at-tokens {self.at_tokens}: expected numbers above 0, such as 8000,16000")
        return budgets

    def check(self) -> None:
        """Refuse what can't be written before anything is asked or graded."""
        _ = self.budgets, self.counter
        if self.plot:
            from o1j.reports import plot

            plot.check(self.plot)
        if self.report:
            from o1j.reports import html

            html.check(self.report)

    def check_teacher(self, others: "Mapping[str, Summary]") -> None:
        """A teacher is one model; its file, counted in `others`, may hold no other's replies."""
        models = list(others[self.teacher].tallies) if self.teacher else []
        if len(models) > 1:
            told = ", ".join(str(model) for model in models)
            raise UsageError(f"--teacher {self.teacher}: replies of {len(models)} models ({told}); give those of one")

    @cached_property
    def counter(self) -> "Tokenizer | None":
        """`--tokenizer`, open."""
        from o1j.steps.eval.tokens import Tokenizer

        return Tokenizer(self.tokenizer) if self.tokenizer else None

    @cached_property
    def page(self) -> "Page | None":
        """The page that `--report` asks for, collecting."""
        from o1j.reports import html
        from o1j.steps.eval.summary import BY

        return html.Page([*BY, *self.by]) if self.report else None

    def tell(
        self, totals: "Summary", others: "Mapping[str, Summary]", run: Run, bench: "Bench | None", asked: str
    ) -> None:
        """Tables to stderr, figures and pictures to their files.

        `others` are the runs to compare with, by file; `asked` is the model that this run asked, "" for none.
        """
        from o1j.steps.eval import compare

        summaries = totals.results()
        for one in summaries:
            one["tokens_from"] = self._counted(one, asked)
        compare.attach(summaries, totals, {name: others[name] for name in self.against}, others.get(self.teacher))
        if not run.quiet:
            from o1j.reports import table

            table.print_summaries(summaries, with_curve=self.curve)
        if self.summary:
            from o1j.records.json import dumps

            _write(self.summary, b"".join(dumps(one) + b"\n" for one in summaries))
        title, reference = (bench.title, bench.reference) if bench else ("", ())
        taken = {one["model"] for one in summaries}
        curves = [
            {**one, "model": one["model"] if one["model"] not in (None, *taken) else _named(one["model"], name)}
            for name in self.against
            for one in others[name].results()
        ] + summaries
        if self.plot:
            from o1j.reports import plot

            plot.draw(self.plot, curves, title=title, reference=reference)
        if self.page:
            self.page.write(self.report, summaries, curves=curves, title=title, reference=reference)

    def _counted(self, one: "Mapping[str, Any]", asked: str) -> str | None:
        """Who counted the tokens: the server (`usage`), a tokenizer, or whoever wrote the input."""
        if one["mean_tokens"] is None:
            return None
        if self.counter and self.counter.used:
            return f"tokenizer:{self.counter.name}"
        if one["model"] != asked:
            return "records"
        return "tokenizer" if asked.startswith("local:") else "usage"

    @cached_property
    def against(self) -> list[str]:
        """`--compare`, as files."""
        from o1j import records

        return records.expand(self.compare, "--compare")


def _named(model: str | None, file: str) -> str:
    """A name that tells a curve from another of the same model, or of none."""
    stem = Path(file).name.partition(".")[0]
    return f"{model} ({stem})" if model else stem


def _write(path: str, text: bytes) -> None:
    if path == "-":
        raise UsageError("--summary -: stdout holds the records; give a file")
    try:
        with open(path, "wb") as stream:
            stream.write(text)
    except OSError as error:
        raise Unavailable(f"{path}: {(error.strerror or str(error)).lower()}") from error
