"""The options of `o1j eval`, in groups: what is evaluated, who judges, what is told."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from o1j.commands.options import Asking
from o1j.commands.run import Run
from o1j.errors import Unavailable, UsageError

if TYPE_CHECKING:
    from o1j.benches import Bench, Matcher
    from o1j.models import Model
    from o1j.records import Dropped, Record
    from o1j.reports.html import Page
    from o1j.steps.eval import Grader, Summary
    from o1j.steps.eval.pairs import Others
    from o1j.steps.eval.tokens import Tokenizer


@dataclass
class Evaluation(Run):
    """A run that knows whether its INPUT was named: with --bench alone, stdin is not read."""

    input: Annotated[
        str | None,
        typer.Argument(
            metavar="INPUT",
            help="Problems, or records that hold responses; - is stdin. With --bench alone, the bench's problems.",
            show_default=False,
        ),
    ] = None


@dataclass
class Problems:
    """A benchmark instead of the input's own problems and gold answers."""

    bench: Annotated[
        str | None,
        typer.Option("--bench", metavar="NAME", help="A known benchmark: its problems, or gold answers for INPUT."),
    ] = None
    data: Annotated[str | None, typer.Option("--data", metavar="FILE", help="A local copy of the bench's data.")] = None

    def __post_init__(self) -> None:
        self.drops: deque[Dropped] = deque()

    @cached_property
    def chosen(self) -> "Bench | None":
        from o1j import benches

        if self.data and not self.bench:
            raise UsageError("--data is a copy of a bench's data: --bench NAME is needed with it")
        return benches.load(self.bench) if self.bench else None

    @cached_property
    def matcher(self) -> "Matcher | None":
        from o1j import benches

        return benches.Matcher(self.chosen, benches.problems(self.chosen, self.data)) if self.chosen else None

    def records(
        self, run: Evaluation, paired: "Callable[[Iterable[Record | Dropped]], Iterable[Record | Dropped]]" = iter
    ) -> "Iterator[Record]":
        """What is evaluated, after `paired` had it; records about no problem, or without a pair, wait in `drops`."""
        from o1j.records import Dropped

        for result in paired(self._found(run)):
            if isinstance(result, Dropped):
                self.drops.append(result)
            else:
                yield result

    def _found(self, run: Evaluation) -> "Iterator[Record | Dropped]":
        if self.matcher is None or run.input is not None:
            run.input = run.input or "-"
            yield from self.matcher.matched(run.read()) if self.matcher else run.read()
            return
        for record in self.matcher.items:
            run.counts["read"] += 1
            self.matcher.find(record)
            yield record

    def with_drops(self, results: "Iterable[Record | Dropped]") -> "Iterator[Record | Dropped]":
        """`results`, and among them what `records` left out."""
        for result in results:
            while self.drops:
                yield self.drops.popleft()
            yield result
        yield from self.drops

    def conditions(self) -> dict[str, Any]:
        """What must be the same in two runs for them to be on the same bench."""
        if self.chosen is None or self.matcher is None:
            return {"bench": None}
        return {
            "bench": self.chosen.name,
            "bench_revision": None if self.data else self.chosen.revision,
            "bench_data": self.matcher.hash,
        }

    def about(self) -> dict[str, Any]:
        """What a summary says of the bench."""
        if self.chosen is None or self.matcher is None:
            return self.conditions()
        return {
            **self.conditions(),
            "bench_problems": self.chosen.problems,
            "bench_unanswered": self.matcher.unanswered,
            "published": [dict(point) for point in self.chosen.reference],
        }


@dataclass
class Judging:
    """Who says what is right."""

    grader: Annotated[
        str | None,
        typer.Option(
            "--grader",
            metavar="math|choice|ratings|judge:NAME",
            help="Rules, people's `ratings`, or a judge: better (of two), equal, helpful, safety, simpleqa, or a "
            "prompt file. [default: the bench's, else math]",
            show_default=False,
        ),
    ] = None
    judge_model: Annotated[
        str | None,
        typer.Option("--judge-model", metavar="KIND:NAME", help="The model that judges; never the one under test."),
    ] = None
    judge_base_url: Annotated[
        str | None,
        typer.Option("--judge-base-url", metavar="URL", help="Where it is served; to be said for openai: models."),
    ] = None
    judge_price: Annotated[
        str | None,
        typer.Option("--judge-price", metavar="IN,OUT", help="Its price, where the built-in list has none."),
    ] = None
    judge_max_tokens: Annotated[
        int | None,
        typer.Option(
            "--judge-max-tokens",
            metavar="N",
            min=1,
            help="Its longest ruling; needed with --max-usd and --max-tokens-total, which cover both models. "
            "[default: the server's]",
            show_default=False,
        ),
    ] = None
    regrade: Annotated[
        bool,
        typer.Option("--regrade", help="Judge again what carries a verdict already, stored or of an earlier eval."),
    ] = False
    judge_repeat: Annotated[
        int, typer.Option("--judge-repeat", min=1, help="Rulings a sample; the majority counts, agreement is told.")
    ] = 1
    judge_swap: Annotated[
        bool,
        typer.Option(
            "--judge-swap", help="Ask a judge of pairs in both orders; what flips with the order counts as a tie."
        ),
    ] = False
    versus: Annotated[
        str | None,
        typer.Option(
            "--versus",
            metavar="FILE",
            help="The replies that a judge of pairs compares with, matched by id, then problem; else `other_response`.",
        ),
    ] = None
    calibrate: Annotated[
        str | None,
        typer.Option(
            "--calibrate",
            metavar="FILE",
            help="Instead of evaluating, measure the judge against people's verdicts in FILE.",
        ),
    ] = None
    audit: Annotated[
        str | None,
        typer.Option(
            "--audit",
            metavar="FILE",
            help="Instead of evaluating, grade the labelled pairs (gold, pred, label) in FILE and print those on which "
            "the grader disagrees.",
        ),
    ] = None

    def load(self, name: str, asking: Asking, run: Run) -> "Grader":
        """The grader `name`; a judge's model is opened only if a verdict is missing."""
        from o1j.steps.eval import graders, judge

        if not name.startswith("judge:"):
            if self.judge_model or self.calibrate or self.judge_swap or self.versus:
                raise UsageError("--judge-model, --judge-swap, --versus and --calibrate go with --grader judge:NAME")
            return graders.load(name)
        if self.judge_model and not self.judge_base_url and not self.judge_model.startswith(("local:", "replay:")):
            raise UsageError(
                f"--judge-model {self.judge_model}: say where it is served with --judge-base-url "
                "(OpenAI's own: https://api.openai.com/v1), so that no model under test judges itself by default"
            )
        if self.judge_model:
            self._check_caps(asking)
        connect = (lambda: self._connect(asking, run)) if self.judge_model else None
        loaded = judge.load(
            name.removeprefix("judge:"), connect, self.judge_repeat, self.judge_swap, self.judge_max_tokens
        )
        if self.versus and not loaded.preferences:
            raise UsageError(f"--versus goes with a judge that compares two replies (better); {loaded.name} sees one")
        return loaded

    @cached_property
    def others(self) -> "Others | None":
        """What `--versus` holds."""
        from o1j import records
        from o1j.steps.eval.pairs import Others

        return Others(records.read(self.versus)) if self.versus else None

    def paired(self, found: "Iterable[Record | Dropped]") -> "Iterator[Record | Dropped]":
        """The records, each with the reply that it is compared with, where `--versus` says so."""
        return self.others.beside(found) if self.others else iter(found)

    def about(self) -> dict[str, Any]:
        """What a summary says of what the replies were compared with."""
        return {"versus": {"file": self.versus, "models": self.others.models}} if self.others else {}

    def _check_caps(self, asking: Asking) -> None:
        """Refuse caps that can't be kept for the judge before the model under test is paid."""
        if (asking.max_usd, asking.max_tokens_total) != (None, None) and self.judge_max_tokens is None:
            raise UsageError(
                "a cap on USD or tokens covers the judge, too, and needs --judge-max-tokens: without it no one knows "
                "what a ruling may cost"
            )
        if asking.max_usd is None or self.judge_price:
            return
        from o1j.models.backend import parse_spec
        from o1j.models.money import known_price

        kind, name = parse_spec(self.judge_model)
        if kind == "openai" and known_price(name, [self.judge_base_url], batch=asking.batch) is None:
            raise UsageError("--max-usd needs the judge's price, which o1j does not know: --judge-price IN,OUT")

    @contextmanager
    def _connect(self, asking: Asking, run: Run) -> "Iterator[Model]":
        """The judge's model: paced and cached like the one under test, within the same limits."""
        own = replace(
            asking,
            model=self.judge_model,
            base_url=[self.judge_base_url] if self.judge_base_url else [],
            price=self.judge_price,
            cache_tag="",
            record=None,
            batch=asking.batch and not self.judge_model.startswith(("local:", "replay:", "vllm:")),
        )
        with own.connect(run, "judge") as model:
            yield model


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
