"""One run of a verb: its streams, its counts, its line in the run log."""

import hashlib
import io
import json
import os
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from o1j import __version__, records
from o1j.errors import O1jError, UsageError
from o1j.models.faults import mask
from o1j.records.json import dumps

# What changes where and how fast a run goes, not what comes out: not part of its id.
_PLACES = {
    *("out", "rejects", "run_log", "quiet", "format", "record", "cache", "no_cache", "prompt", "base_url"),
    *("summary", "plot", "report"),
    *("jobs", "concurrency", "timeout", "retries", "rpm", "tpm", "stream", "unordered"),
    *("api_key_file", "price", "max_usd", "max_tokens_total", "max_requests", "vllm_args", "batch"),
    "judge_price",
    *("hostfile", "launcher", "launcher_args", "master_addr", "master_port", "report_to", "profile"),
}
_USAGE = {"model": "usage", "judge": "judge_usage"}
_CREDENTIALS = re.compile(r"(?<=://)[^/\s\"]+@")


@dataclass
class Run:
    """The options that every verb has, and what a verb needs to run: `verb` and `options` come from the command."""

    input: Annotated[
        str,
        typer.Argument(
            metavar="INPUT",
            help="JSON lines, .gz, .zst, .json array, .parquet or hf://datasets/OWNER/NAME[@REV][/SPLIT]; - is stdin.",
        ),
    ] = "-"
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="Write here instead of stdout; .gz and .zst are packed. The file appears whole.",
        ),
    ] = None
    mapping: Annotated[
        list[str],
        typer.Option("--map", metavar="NAME=FIELD", help="Read FIELD as NAME (problem=body). Repeats."),
    ] = field(default_factory=list)
    run_log: Annotated[
        str | None,
        typer.Option(
            "--run-log",
            metavar="FILE",
            envvar="O1J_RUN_LOG",
            show_envvar=True,
            help="Append one line about this run here. [default: OUT.runs.jsonl]",
            show_default=False,
        ),
    ] = None
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no counts on stderr.")] = False

    def __post_init__(self) -> None:
        self.verb = ""
        self.options: Mapping[str, Any] = {}
        self.prompts: dict[str, Any] = {}
        self.counts: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.models: dict[str, Any] = {}  # those asked so far: `model`, and `judge` beside it
        self._started = time.time()

    @cached_property
    def id(self) -> str:
        """Names the run in lineages: a hash of version, verb, options and prompts, so that the same command
        run again gives the same bytes."""
        told = {name: value for name, value in self.options.items() if value and name not in _PLACES}
        prompts = {name: prompt.hash for name, prompt in self.prompts.items()}
        text = json.dumps([__version__, self.verb, told, prompts], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @cached_property
    def stdout(self) -> BinaryIO:
        """The real stdout. From the first use on, descriptor 1 leads to stderr, whoever prints."""
        sys.stdout.flush()
        private = os.dup(1)
        os.dup2(2, 1)
        return os.fdopen(private, "wb", buffering=1 << 20)

    @cached_property
    def names(self) -> list[tuple[str, str]]:
        """`--map` taken apart: (canonical name, field in the file)."""
        pairs = [tuple(text.partition("=")[::2]) for text in self.mapping]
        for text, (name, source) in zip(self.mapping, pairs, strict=True):
            if not name or not source:
                raise UsageError(f"--map {text}: expected NAME=FIELD, such as problem=question")
        return pairs

    def read(self, path: str | None = None) -> Iterator[records.Record]:
        """The records of the input, or of `path` in its place, counted."""
        path = path or self.input
        if path == "-" and sys.stdin.isatty():
            self.say("reading JSON lines from the terminal; Ctrl-D ends them")
        for record in records.read(path, self.names):
            self.counts["read"] += 1
            yield record

    def pipe(self, step: records.Step, rejects: str | None = None) -> int:
        """Run `step` from input to output, dropped records to `rejects`; the exit code that this deserves."""
        return self.write(step(self.read()), rejects)

    def write(self, results: Iterable[records.Record | records.Dropped], rejects: str | None = None) -> int:
        """Write what a step yields to its streams; the exit code that this deserves."""
        if any(model.estimate for model in self.models.values()):
            return self._dry(results)
        if rejects and _place(rejects) and _place(rejects) == _place(self.out):
            raise UsageError(f"--rejects {rejects}: the output goes there, too; name another file")
        exit_code = 1
        try:
            with ExitStack() as stack:
                out = stack.enter_context(records.Output(self.out, self.stdout))
                rest = stack.enter_context(records.Output(rejects, self.stdout)) if rejects else None
                tick = stack.enter_context(_Progress(self))
                for result in results:
                    if isinstance(result, records.Dropped):
                        self._count(result)
                        if rest:
                            rest.write(result.record.but(reason=result.reason))
                    else:
                        self.counts["kept"] += getattr(result, "held", 1)  # lines of several records come as one
                        out.write(result)
                    tick()
                out.complete()
                if rest:
                    rest.complete()
            exit_code = 1 if self.counts["failed"] else 0
        except BaseException as error:
            exit_code = _exit_code(error)
            self.quiet = self.quiet or isinstance(error, BrokenPipeError)  # the reader has what it wanted
            raise
        finally:
            self.finish(exit_code)
        return exit_code

    def _dry(self, results: Iterable[records.Record | records.Dropped]) -> int:
        """Go through the motions; the estimate is the result, and goes where people read."""
        for _ in results:
            pass
        for role, model in self.models.items():
            print(f"o1j {self.verb}: {_of(role)}{model.estimate.line()}", file=sys.stderr)
        return 0

    def finish(self, exit_code: int, **more: Any) -> None:
        """Close the run: counts to stderr, one line to the run log."""
        self.say(self.summary())
        for role, model in self.models.items():
            for line in model.stats.failure_lines():
                self.say(_of(role) + line)
        path = self.run_log or (f"{self.out}.runs.jsonl" if self.out and self.out != "-" else None)
        if path:
            self._log(path, exit_code, more)

    def say(self, message: str) -> None:
        """One line for people, unless they asked for quiet."""
        if not self.quiet:
            print(f"o1j {self.verb}: {message}", file=sys.stderr, flush=True)

    def summary(self) -> str:
        """`100 read, 40 kept, 60 dropped (proof 20, no-answer 40)`, and what asking the model took."""
        text = f"{self.counts['read']} read, {self.counts['kept']} kept"
        reasons = Counter(dict(self.reasons))  # a copy: the progress thread asks while the run counts
        if reasons:
            told = ", ".join(f"{name} {n}" for name, n in reasons.most_common())
            text += f", {sum(reasons.values())} dropped ({told})"
        return "; ".join([text, *(_of(role) + model.stats.line() for role, model in self.models.items())])

    def show(
        self, rows: list[dict[str, Any]], *, title: str, format: str | None, columns: Sequence[str] | None = None
    ) -> int:
        """Show rows for people on a terminal, else as JSON lines; `format` table, jsonl or markdown overrides that.

        columns: those that a terminal is wide enough for; JSON lines and Markdown have all.
        """
        from o1j.commands.shapes import json_lines, markdown, table

        to_file = self.out not in (None, "-")
        chosen = format or ("jsonl" if to_file or not sys.stdout.isatty() else "table")
        if chosen == "table":
            return self.show_text(table(rows, title, columns, io.StringIO() if to_file else sys.stdout))
        if chosen not in ("jsonl", "markdown"):
            raise UsageError(f"--format {chosen}: expected table, jsonl or markdown")
        return self.show_text(json_lines(rows) if chosen == "jsonl" else markdown(rows))

    def show_text(self, text: str) -> int:
        """Show a text (a prompt) and be done: on stdout, or in the file of --out."""
        line = text.encode() + b"\n"
        if self.out in (None, "-"):
            self.stdout.write(line)
            self.stdout.flush()
            return 0
        with records.Output(self.out) as out:
            out.write(records.Lines(line))
            out.complete()
        return 0

    def _count(self, dropped: records.Dropped) -> None:
        self.reasons[dropped.reason] += 1
        self.counts["failed"] += dropped.technical

    def _log(self, path: str, exit_code: int, more: Mapping[str, Any]) -> None:
        line = {
            "run": self.id,
            "time": datetime.fromtimestamp(self._started, timezone.utc).isoformat(timespec="seconds"),
            "seconds": round(time.time() - self._started, 3),
            "version": __version__,
            "verb": self.verb,
            "options": {n: _masked(n, value) for n, value in self.options.items() if value not in (None, [], ())},
            "prompts": {name: {"hash": prompt.hash, "text": prompt.text} for name, prompt in self.prompts.items()},
            "counts": dict(self.counts),
            "reasons": dict(self.reasons),
            **{_USAGE[role]: model.stats.as_dict() for role, model in self.models.items()},
            "exit": exit_code,
            **more,
        }
        text = _CREDENTIALS.sub("", dumps({k: v for k, v in line.items() if v is not None}).decode())
        try:
            with open(path, "a", encoding="utf-8") as log:
                log.write(text + "\n")
        except OSError as error:
            print(f"o1j: run log {path}: {error.strerror}", file=sys.stderr)


class _Progress:
    """A bar on a terminal; elsewhere a line every half minute, so that a long job's log shows that it lives.

    A thread tells it, since the first record may take a model minutes, and nothing ticks until then.
    """

    def __init__(self, run: Run):
        self._run = run
        self._bar: Any = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep_telling, name="o1j-progress", daemon=True)

    def __enter__(self) -> Callable[[], Any]:
        if self._run.quiet:
            return lambda: None
        if sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(desc=f"o1j {self._run.verb}", unit=" records", file=sys.stderr, dynamic_ncols=True)
        self._thread.start()
        return self._bar.update if self._bar is not None else lambda: None

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
        if self._bar is not None:
            self._bar.close()

    def _keep_telling(self) -> None:
        while not self._over.wait(30.0 if self._bar is None else 1.0):
            models = list(self._run.models.items())
            if self._bar is None:
                batches = (_of(role) + told for role, model in models if (told := model.batch_progress()))
                self._run.say("; ".join([self._run.summary(), *batches]))
                continue
            asked = "".join(f", {_of(role)}{model.progress()}" for role, model in models)
            self._bar.set_postfix_str(f"kept {self._run.counts['kept']:,}{asked}")


def _place(path: str | None) -> str:
    """What two outputs must not share: a file, or stdout as `-`; nothing for a device or a pipe, which they may."""
    if path in (None, "-"):
        return "-"
    return os.path.realpath(path) if os.path.isfile(path) or not Path(path).exists() else ""


def _masked(option: str, value: Any) -> Any:
    """An option's value, addresses in it without what they keep secret."""
    if isinstance(value, list | tuple):
        return [_masked(option, one) for one in value]
    address = isinstance(value, str) and ("://" in value or option.endswith("base_url"))
    return mask(value) if address else value


def _of(role: str) -> str:
    """What stands before what is said of a model that is not the one whose verb this is."""
    return "" if role == "model" else f"{role}: "


def _exit_code(error: BaseException) -> int:
    if isinstance(error, O1jError):
        return error.exit_code
    if isinstance(error, SystemExit) and isinstance(error.code, int):
        return error.code
    if isinstance(error, BrokenPipeError):
        return 0
    return 130 if isinstance(error, KeyboardInterrupt) else 1
