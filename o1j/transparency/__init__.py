"""The Technical Transparency Index as data: 25 questions, and the scores that were published with them."""

import sys
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DIMENSIONS = {"data": "data", "method": "methodology", "eval": "evaluation", "open": "open_source"}


class Question(NamedTuple):
    """One yes/no question; a yes earns `points` of 100. `id` begins with a key of `DIMENSIONS`."""

    id: str
    asks: str
    points: int

    @property
    def dimension(self) -> str:
        """The name that the dimension has in `scores`."""
        return DIMENSIONS[self.id.partition(".")[0]]


@cache
def questions() -> tuple[Question, ...]:
    """The 25 questions in the paper's order."""
    return tuple(Question(**row) for row in _load("questions")["question"])


@cache
def published() -> tuple[dict[str, Any], ...]:
    """The published rows: `work`, `scores` by dimension, `total`."""
    return tuple(_load("published")["work"])


def _load(name: str) -> dict[str, Any]:
    return tomllib.loads((files(__package__) / f"{name}.toml").read_text(encoding="utf-8"))
