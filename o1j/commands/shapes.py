"""The shapes in which rows are shown: JSON lines, Markdown, and tables for terminals."""

import json
from collections.abc import Sequence
from typing import Any, TextIO

from o1j.records.json import dumps

Rows = Sequence[dict[str, Any]]


def json_lines(rows: Rows) -> str:
    """One object a line."""
    return "\n".join(dumps(row).decode() for row in rows)


def markdown(rows: Rows) -> str:
    """A Markdown table with all columns."""
    columns = _columns(rows)
    cells = ([_cell(row.get(name)).replace("|", "\\|").replace("\n", " ") for name in columns] for row in rows)
    return "\n".join(f"| {' | '.join(row)} |" for row in (columns, ["---"] * len(columns), *cells))


def table(rows: Rows, title: str, columns: Sequence[str] | None, file: TextIO) -> str:
    """A table of `columns` (None: all), as wide and as coloured as `file` takes it."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    columns = columns or _columns(rows)
    drawn = Table(*columns, title=title)
    for row in rows:
        drawn.add_row(*(Text(_cell(row.get(name))) for name in columns))
    console = Console(file=file)
    with console.capture() as captured:
        console.print(drawn)
    return captured.get().removesuffix("\n")


def _columns(rows: Rows) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return "\n".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
