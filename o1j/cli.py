"""The `o1j` command: finds the verb, loads it alone, and turns errors into one line and an exit code."""

import atexit
import os
import signal
import sys
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from typing import Annotated, NoReturn

import typer

from o1j import __version__
from o1j.errors import O1jError, Unavailable

VERBS = {
    "filter": "Keep the problems worth distilling.",
    "rewrite": "Rewrite solutions: longer, step by step, checked against the answer.",
    "distill": "Ask a teacher for long thoughts and keep the right ones.",
    "translate": "Put records into another language, mathematics untouched.",
    "train": "Fine-tune a causal language model through DeepSpeed.",
    "eval": "Sample answers, grade them, and measure accuracy against tokens.",
    "tti": "Score works on the 25 questions of the Technical Transparency Index.",
}
INTERRUPTED = 130
_NO_TELEMETRY = {"HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1"}  # read by the libraries that would send it
TERMINATED = 143


def main() -> NoReturn:
    """Run the command line and exit with the code that says how it went."""
    signal.signal(signal.SIGTERM, _terminate)
    os.environ.update(_NO_TELEMETRY)
    _open_missing_streams()
    sys.stdout.reconfigure(encoding="utf-8")  # JSON lines are, whatever the locale says
    exit_code = _run(sys.argv[1:])
    if exit_code in (INTERRUPTED, TERMINATED):
        _leave(exit_code)
    sys.exit(exit_code)


def _leave(exit_code: int) -> NoReturn:
    """End now: a thread that is loading a model can't be stopped, and Python's own end would wait for it."""
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(exit_code)


def _open_missing_streams() -> None:
    """A shell may close a standard stream (`>&-`): put nothing in its place, before a file opens there instead."""
    for descriptor, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            os.dup2(os.open(os.devnull, os.O_RDWR), descriptor)
            setattr(sys, name, open(descriptor, mode))


def _run(arguments: list[str]) -> int:
    try:
        exit_code = _app(arguments)(arguments, prog_name="o1j", standalone_mode=False) or 0
        sys.stdout.flush()
        return exit_code
    except typer.TyperException as error:
        error.show()
        return error.exit_code
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED)  # while a verb was being loaded
    except SystemExit as ended:
        return 0 if isinstance(ended.__context__, BrokenPipeError) else ended.code  # how typer ends `--help | head`
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what stdout still holds would fail again at the end
        if isinstance(error, BrokenPipeError):
            return 0
        place = "" if error.filename is None else f"{error.filename}: "
        return _fail(f"{place}{(error.strerror or str(error)).lower()}", Unavailable.exit_code)


def _bounded(command: Callable[..., int]) -> Callable[..., int]:
    """The one place where failures end: a line on stderr and an exit code instead of a traceback."""

    @wraps(command)
    def run(*args: object, **options: object) -> int:
        try:
            return command(*args, **options)
        except O1jError as error:
            return _fail(str(error), error.exit_code)
        except BrokenPipeError:
            return 0  # the reader downstream has all it wants
        except KeyboardInterrupt:
            return _fail("interrupted; the same command again goes on from here", INTERRUPTED)

    return run


def _app(arguments: list[str]) -> typer.Typer:
    app = typer.Typer(
        help="Unix filters for o1-style long-thought distillation: JSON lines in, JSON lines out.\n\n\b\n"
        "o1j filter | o1j rewrite | o1j distill | o1j translate | o1j train ; o1j eval ; o1j tti",
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=False,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    )
    app.callback()(_options)
    for verb, summary in VERBS.items():
        wanted = verb in arguments[:1]
        body = import_module(f"o1j.commands.{verb}").command if wanted else _not_asked_for
        app.command(verb, short_help=summary)(_bounded(body))
    return app


def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Print the version and exit.",
            callback=lambda on: on and _version(),
            is_eager=True,
        ),
    ] = False,
) -> None:
    pass


def _version() -> NoReturn:
    print(f"o1j {__version__}")
    raise typer.Exit()


def _not_asked_for() -> None:
    """Holds a verb's place in the list; its module is loaded only when it is called."""


def _terminate(*_: object) -> NoReturn:
    raise SystemExit(TERMINATED)


def _fail(message: str, exit_code: int) -> int:
    print(f"o1j: {message}", file=sys.stderr)
    return exit_code
