"""What can go wrong for a user, each with the exit code that says so. Only `o1j.cli.main` catches these."""

from importlib import import_module
from types import ModuleType


class O1jError(Exception):
    """A failure that one line on stderr explains; `exit_code` is what the shell sees."""

    exit_code = 1


class UsageError(O1jError):
    """The command was called wrongly."""

    exit_code = 2


class InputError(O1jError):
    """The input is bad; the message names file, line and what is wrong."""

    exit_code = 65


class Unavailable(O1jError):
    """A model, package or data set can't be reached; the message says what to install, start or set."""

    exit_code = 69


class BudgetReached(O1jError):
    """A budget is used up; the same command again goes on where this one stopped."""

    exit_code = 75


def need(module: str, extra: str, what: str) -> ModuleType:
    """Import `module` late, or say which extra brings it: `need("pyarrow.parquet", "data", "reading Parquet")`."""
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        missing = isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] == package
        detail = "" if missing else f" ({error})"
        raise Unavailable(f"{what} needs {package}: pip install 'o1j[{extra}]'{detail}") from error
