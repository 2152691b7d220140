"""What can be asked: a server, a process, a file; and how its name opens it."""

from pathlib import Path
from typing import Protocol

from o1j.errors import UsageError
from o1j.models.chat import Messages, Sampling
from o1j.models.continuing import Spelling

KINDS = ("openai", "vllm", "local", "replay")


class Backend(Protocol):
    """What answers requests: a server, a process, a file.

    paid: a reply costs money or time, so it is awaited when the run ends; stored: its replies go into the store;
    tag: what else tells its weights apart; lanes: names of its addresses; spelling: how it is asked to go on with a
    begun reply, None while that is not known.
    """

    paid: bool
    stored: bool
    tag: str
    lanes: list[str]
    spelling: Spelling | None
    first_concurrency: int
    most_concurrency: int

    async def ask(
        self, messages: Messages, sampling: Sampling, sample: int, lane: int
    ) -> tuple[bytes, float | None]: ...

    async def close(self) -> None: ...


def parse_spec(spec: str) -> tuple[str, str]:
    """`openai:o1-mini` → ("openai", "o1-mini"); what names no known kind is a model's name on a server."""
    kind, colon, name = spec.partition(":")
    if not colon or kind not in KINDS:
        kind, name = "openai", spec
    if not name.strip():
        raise UsageError(f"--model {spec!r} names no model: write KIND:NAME, for instance openai:o1-mini")
    return kind, name


def open_backend(
    kind: str, name: str, base_urls, api_key, *, concurrency, timeout, stream, vllm_args, trust, tell
) -> Backend:
    """The backend of a model's kind; only its own libraries are imported."""
    if kind == "replay":
        from o1j.models.replay import Replay

        return Replay(Path(name))
    if kind == "vllm":
        from o1j.models.server import Vllm

        return Vllm(name, vllm_args, timeout=timeout, stream=stream, tell=tell)
    if kind == "local":
        from o1j.models.local import Local

        return Local(name, concurrency=concurrency, trust_remote_code=trust, tell=tell)
    from o1j.models.api import Api

    return Api(name, base_urls, api_key, timeout=timeout, stream=stream, tell=tell)
