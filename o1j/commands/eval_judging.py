"""The options of `o1j eval` that say who judges."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

import typer

from o1j.commands.options import Asking
from o1j.commands.run import Run
from o1j.errors import UsageError

if TYPE_CHECKING:
    from o1j.models import Model
    from o1j.records import Dropped, Record
    from o1j.steps.eval import Grader
    from o1j.steps.eval.pairs import Others


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
