"""Options that several verbs share, as dataclasses that a command takes as parameters.

    @options
    def command(run: Run, asking: Asking, rejects: Rejects = None) -> int: ...

`options` puts the fields of every dataclass parameter into the command's signature, where Typer reads them.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_type_hints

import typer
from typer.models import OptionInfo

from o1j.commands.run import Run
from o1j.errors import UsageError

if TYPE_CHECKING:
    from o1j.models import Model, Sampling
    from o1j.prompts import Prompt

Rejects = Annotated[
    str | None,
    typer.Option("--rejects", metavar="FILE", help="Write dropped records here, each with its `reason`."),
]
_POLICIES = {
    "drop": "dropped",
    "keep": "kept as wrong (verdict `truncated`)",
    "retry": "asked for again with twice the --max-tokens (8 times at most)",
    "continue": "continued where they were cut, if the server can",
}


def truncation_option(policies: tuple[str, ...]) -> Any:
    """The type of a verb's option `--on-truncation`, which takes these policies; the first is its default."""
    told = [_POLICIES[policy] for policy in policies]
    return Annotated[
        str | None,
        typer.Option(
            "--on-truncation",
            metavar="|".join(policies),
            help=f"Replies cut short are {', '.join(told[:-1])}, or {told[-1]}. [default: {policies[0]}]",
            show_default=False,
        ),
    ]


def truncation_policy(value: str | None, policies: tuple[str, ...]) -> str | None:
    """What `--on-truncation` says, None where that is the verb's default; a UsageError for what it does not take."""
    return None if choice("--on-truncation", value or policies[0], policies) == policies[0] else value


Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="table|jsonl|markdown",
        help="How what is shown is printed. [default: table on a terminal, else jsonl]",
        show_default=False,
    ),
]


@dataclass
class Asking:
    """Which model is asked, how it samples, and how hard it is pushed."""

    model: Annotated[
        str,
        typer.Option(
            "--model",
            "-m",
            metavar="KIND:NAME",
            help="openai:NAME (or a bare name), vllm:PATH_OR_ID, local:PATH_OR_ID, local:smollm2, replay:FILE.",
        ),
    ] = "local:smollm2"
    base_url: Annotated[
        list[str],
        typer.Option(
            "--base-url",
            metavar="URL",
            help="An OpenAI-compatible server. Repeats: load is shared out. [default: OPENAI_BASE_URL]",
            show_default=False,
        ),
    ] = field(default_factory=list)
    prompt: Annotated[
        str | None,
        typer.Option(
            "--prompt",
            metavar="FILE",
            help="A Markdown file with slots like {{problem}} instead of the built-in prompt.",
        ),
    ] = None
    print_prompt: Annotated[bool, typer.Option("--print-prompt", help="Print the prompt and exit.")] = False
    samples: Annotated[int, typer.Option("--samples", "-n", min=1, help="Replies asked for per record.")] = 1
    temperature: Annotated[
        float | None,
        typer.Option("--temperature", min=0.0, help="[default: the server's]", show_default=False),
    ] = None
    top_p: Annotated[
        float | None,
        typer.Option("--top-p", min=0.0, max=1.0, help="[default: the server's]", show_default=False),
    ] = None
    max_tokens: Annotated[
        int | None,
        typer.Option(
            "--max-tokens",
            min=1,
            help="Longest reply, hidden thinking included. [default: the server's]",
            show_default=False,
        ),
    ] = None
    seed: Annotated[int | None, typer.Option("--seed", help="Sample i is asked with seed + i.")] = None
    reasoning_effort: Annotated[
        str | None,
        typer.Option("--reasoning-effort", metavar="low|medium|high", help="For models that take it."),
    ] = None
    concurrency: Annotated[
        int | None,
        typer.Option(
            "--concurrency",
            min=1,
            help="Requests in flight at most. [default: as many as help, up to 256]",
            show_default=False,
        ),
    ] = None
    timeout: Annotated[
        float,
        typer.Option(
            "--timeout",
            min=1.0,
            help="Longest silence of a server in seconds, or of another command that asks the same.",
        ),
    ] = 1800.0
    retries: Annotated[
        int,
        typer.Option("--retries", min=0, help="How often one request is asked again after a fault that may pass."),
    ] = 8
    rpm: Annotated[
        float | None, typer.Option("--rpm", min=1.0, help="Requests a minute at most.", show_default=False)
    ] = None
    tpm: Annotated[
        float | None, typer.Option("--tpm", min=1.0, help="Tokens a minute at most.", show_default=False)
    ] = None
    stream: Annotated[
        bool, typer.Option("--stream", help="Have replies sent in pieces, for proxies that cut silent connections.")
    ] = False
    unordered: Annotated[
        bool, typer.Option("--unordered", help="Write records as they finish, not in the input's order.")
    ] = False
    cache: Annotated[
        str | None,
        typer.Option(
            "--cache",
            metavar="DIR",
            help="Where replies are stored. [default: O1J_CACHE, else ~/.cache/o1j]",
            show_default=False,
        ),
    ] = None
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Store no replies and use none.")] = False
    cache_tag: Annotated[
        str,
        typer.Option("--cache-tag", metavar="TEXT", help="Keeps apart servers with different weights under one name."),
    ] = ""
    record: Annotated[
        str | None,
        typer.Option("--record", metavar="FILE", help="Write requests and replies here, for replay:FILE."),
    ] = None
    api_key_file: Annotated[
        str | None,
        typer.Option(
            "--api-key-file",
            metavar="FILE",
            help="The key is this file's first line. [default: OPENAI_API_KEY]",
            show_default=False,
        ),
    ] = None
    price: Annotated[
        str | None,
        typer.Option("--price", metavar="IN,OUT", help="USD per million tokens, where the built-in list has none."),
    ] = None
    max_usd: Annotated[
        float | None, typer.Option("--max-usd", min=0.0, help="Never spend more; exit 75, and go on when run again.")
    ] = None
    max_tokens_total: Annotated[
        int | None, typer.Option("--max-tokens-total", min=1, help="Never use more tokens, prompts included.")
    ] = None
    max_requests: Annotated[int | None, typer.Option("--max-requests", min=1, help="Never send more requests.")] = None
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Send nothing; say what would be asked, and cost.")] = False
    batch: Annotated[
        bool,
        typer.Option(
            "--batch",
            help="Ask through the provider's Batch API: answers within 24 hours, mostly at half the price. Reads ahead "
            "up to a file's limit (O1J_BATCH_LIMITS=REQUESTS,MEGABYTES, else 50000,200) or --concurrency requests, "
            "and answers a file at a time. Killed at any point, the same command goes on with what was submitted.",
        ),
    ] = False
    vllm_args: Annotated[
        str, typer.Option("--vllm-args", metavar="TEXT", help="Handed on to the server that vllm: starts.")
    ] = ""
    trust_remote_code: Annotated[
        bool, typer.Option("--trust-remote-code", help="Let local: run Python that comes with a model.")
    ] = False

    @property
    def sampling(self) -> "Sampling":
        """What is sent with every request."""
        from o1j.models import Sampling

        return Sampling(self.temperature, self.top_p, self.max_tokens, self.seed, self.reasoning_effort)

    def load_prompt(self, name: str, run: Run, **slots: Any) -> "Prompt":
        """The prompt of a verb, or the user's `--prompt` in its place; noted in the run's log."""
        from o1j import prompts

        run.prompts[name] = prompt = prompts.load(self.prompt or name, **slots)
        return prompt

    @contextmanager
    def connect(self, run: Run, role: str = "model") -> "Iterator[Model]":
        """The model, open for the `with` block; its counts end up in the run's summary, under its role."""
        from o1j import models

        if self.no_cache and self.cache:
            raise UsageError("--cache and --no-cache exclude each other")
        with models.connect(
            self.model,
            base_urls=self.base_url,
            concurrency=self.concurrency,
            timeout=self.timeout,
            retries=self.retries,
            stream=self.stream,
            rpm=self.rpm,
            tpm=self.tpm,
            cache=False if self.no_cache else self.cache,
            cache_tag=self.cache_tag,
            record=self.record,
            api_key_file=self.api_key_file,
            price=self.price,
            max_usd=self.max_usd,
            max_tokens_total=self.max_tokens_total,
            max_requests=self.max_requests,
            dry_run=self.dry_run,
            batch=self.batch,
            vllm_args=self.vllm_args,
            trust_remote_code=self.trust_remote_code,
            quiet=run.quiet,
            beside=next(iter(run.models.values()), None),
        ) as model:
            model.ordered = not self.unordered
            run.models[role] = model
            yield model


def choice(option: str, value: str, allowed: Iterable[str]) -> str:
    """`value`, if it is one of `allowed`; else a UsageError that names them."""
    if value not in allowed:
        raise UsageError(f"{option} {value}: expected one of {', '.join(allowed)}")
    return value


def options(command: Callable[..., int]) -> Callable[..., int]:
    """Give `command` the options of its dataclass parameters; it gets one filled instance of each."""
    taken = inspect.signature(command, eval_str=True).parameters.values()
    groups = {parameter.name: parameter.annotation for parameter in taken if is_dataclass(parameter.annotation)}
    parameters: list[inspect.Parameter] = []
    for parameter in taken:
        if parameter.name in groups:
            parameters += _of_group(parameter.annotation)
        else:
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))
    for parameter in parameters:
        _name_number(parameter.annotation)

    @wraps(command)
    def called(**values: Any) -> int:
        arguments = dict(values)
        for name, group in groups.items():
            arguments[name] = group(**{item.name: arguments.pop(item.name) for item in fields(group)})
            if isinstance(arguments[name], Run):
                arguments[name].verb = command.__module__.rpartition(".")[2]
                arguments[name].options = values
        return command(**arguments)

    del called.__wrapped__
    called.__signature__ = inspect.Signature(parameters)
    called.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return called


def _name_number(annotation: Any) -> None:
    """Have `--help` say N of an option that takes a whole number, X of another number: typer writes `<int range>`."""
    kind, option = get_args(annotation)[:2]
    letters = {int: "N", float: "X"}
    if isinstance(option, OptionInfo) and not option.metavar:
        option.metavar = next((letters[one] for one in (kind, *get_args(kind)) if one in letters), None)


def _of_group(group: type) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            item.name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=hints[item.name],
            default=item.default if item.default is not MISSING else item.default_factory(),
        )
        for item in fields(group)
    ]
