"""A model for steps to ask: the loopback server, over real HTTP, answering by a function of the prompt's text."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from loopback import make_app, running

from o1j import models


@pytest.fixture
def teach(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """`teach(lambda text: "reply")` → a connected model that replies so; a dict gives finish_reason and the like."""
    with ExitStack() as stack:

        def start(reply: Callable[[str], Any], **faults: Any) -> Any:
            app = make_app(lambda request: reply(request["messages"][-1]["content"]), **faults)
            url = stack.enter_context(running(app))
            settings = {"base_urls": [url], "api_key": "none", "cache": tmp_path / "cache", "retries": 1, "quiet": True}
            return stack.enter_context(models.connect("openai:teacher", **settings))

        yield start
