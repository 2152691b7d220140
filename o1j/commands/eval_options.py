"""The options of `o1j eval` that say what is evaluated."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

import typer

from o1j.commands.run import Run
from o1j.errors import UsageError

if TYPE_CHECKING:
    from o1j.benches import Bench, Matcher
    from o1j.records import Dropped, Record


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
