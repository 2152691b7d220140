"""The loopback server of examples/, and a store of its own for every test."""

import importlib.util
import sys
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest

from o1j.models import Sampling, connect

_LOOPBACK = Path(__file__).resolve().parents[2] / "examples/loopback.py"


@pytest.fixture(scope="session")
def loopback():
    spec = importlib.util.spec_from_file_location("loopback", _LOOPBACK)
    module = importlib.util.module_from_spec(spec)
    sys.modules["loopback"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def server(loopback):
    """`server(answer, **faults)` → an object with `url`, `counters`, and `requests` (what was answered or refused)."""
    with ExitStack() as stack:

        def start(answer=loopback.echo, **faults):
            app = loopback.make_app(answer, **faults)
            url = stack.enter_context(loopback.running(app))
            return SimpleNamespace(url=url, counters=app[loopback.COUNTERS])

        yield start


@pytest.fixture
def ask(tmp_path):
    """`ask(url, questions, **settings)` → (replies in order, model)."""

    def ask(url, questions, *, sampling=Sampling(), model="echo", **settings):  # noqa: B008
        settings.setdefault("cache", tmp_path / "cache")
        with connect(model, base_urls=[url] if url else [], **settings) as connected:

            async def work(question):
                return await connected.chat([{"role": "user", "content": str(question)}], sampling, 0)

            return [reply for _, reply in connected.map(questions, work)], connected

    return ask


@pytest.fixture(autouse=True)
def no_surroundings(monkeypatch, tmp_path):
    """No key, address or store of the person who runs the tests."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("O1J_CACHE", str(tmp_path / "default-cache"))
