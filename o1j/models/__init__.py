"""The outside world: every model o1j can ask, behind one callable. Importing this package costs nothing heavy."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from o1j.errors import Unavailable
from o1j.models.chat import Chat, Messages, Reply, Sampling

if TYPE_CHECKING:
    from o1j.models.batches.job import Limits
    from o1j.models.model import Model

__all__ = ["Chat", "Messages", "Model", "Reply", "Sampling", "connect"]


def __getattr__(name: str):
    if name == "Model":
        from o1j.models.model import Model

        return Model
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@contextmanager
def connect(
    spec: str,
    *,
    base_urls: Sequence[str] = (),
    api_key: str | None = None,
    api_key_file: Path | str | None = None,
    concurrency: int | None = None,
    timeout: float = 1800.0,
    retries: int = 8,
    stream: bool = False,
    rpm: float | None = None,
    tpm: float | None = None,
    cache: Path | str | bool | None = None,
    cache_tag: str = "",
    record: Path | str | None = None,
    price: str | None = None,
    max_usd: float | None = None,
    max_tokens_total: int | None = None,
    max_requests: int | None = None,
    dry_run: bool = False,
    batch: "bool | Limits" = False,
    vllm_args: str = "",
    trust_remote_code: bool = False,
    quiet: bool = False,
    beside: "Model | None" = None,
) -> "Iterator[Model]":
    """Open the model that `spec` names, and close it (draining what is paid for) at the end of the `with` block.

    spec: `openai:NAME` or a bare NAME; `vllm:PATH|ID`; `local:PATH|ID|smollm2`; `replay:FILE`. A prefix that is no
        known kind belongs to the name (`org/name:tag`).
    base_urls: where an OpenAI-compatible server listens (`http://127.0.0.1:8000/v1`); default `OPENAI_BASE_URL`, else
        OpenAI's own.
    api_key, api_key_file: the key, or a file whose first line is it; default `OPENAI_API_KEY`; servers that want none
        get a dummy. It appears in no output.
    concurrency: requests in flight at most; by default it begins at 16 and grows to 256 while that helps. Overload
        halves it, given or not.
    timeout: longest silence on a connection in seconds; there is no total limit.
    retries: how often one request is asked again after a fault that may pass (five times as often after a 429).
    stream: have the reply sent in pieces, for servers and proxies that cut silent connections.
    rpm, tpm: requests and tokens a minute at most, over all addresses.
    cache: folder of the store; `None` takes `O1J_CACHE`, else `~/.cache/o1j`; `False` keeps none.
    cache_tag: keeps apart servers with different weights under one name.
    record: a file that gets every reply in the shape `replay:` reads.
    price: `IN,OUT`, USD per million tokens; else prices.toml, for the addresses it lists.
    max_usd, max_tokens_total, max_requests: caps on what this run spends, or, where `O1J_LEDGER` names a file, on what
        all runs that share it spend. The worst case of a call is reserved before it is sent, so the first two need
        `Sampling.max_tokens`. At the cap `BudgetReached` is raised once running calls have settled.
    dry_run: nothing is sent; `chat` answers from the store or with an `error`, and `Model.estimate` (`line()`,
        `as_dict()`) says what would have been asked and cost.
    batch: ask through the provider's Batch API: files of requests, answered within 24 hours, mostly at half the price.
        `concurrency` is then how many requests may be under way, and so what is read ahead: by default one file's
        limit (`O1J_BATCH_LIMITS=REQUESTS,MEGABYTES`, else OpenAI's 50,000 and 200; `o1j.models.batches.job.Limits` sets
        more). What is submitted is kept in the cache's `batches` folder: whatever dies, the same call finds it again.
    vllm_args: handed on to the server that `vllm:` starts, as one string (`--dtype float32 --max-model-len 2048`);
        `O1J_VLLM` names the command (default `vllm serve`).
    trust_remote_code: lets `local:` run Python that comes with a model.
    quiet: no notices on stderr.
    beside: an open model of the same run, whose caps on spending hold for both together.
    Raises `Unavailable` where the model can't be reached, `UsageError` for wrong settings.
    """
    from o1j.models.opening import open_model

    model = open_model(
        spec,
        base_urls=base_urls,
        api_key=api_key or (_first_line(api_key_file) if api_key_file else None),
        concurrency=concurrency,
        timeout=timeout,
        retries=retries,
        stream=stream,
        rpm=rpm,
        tpm=tpm,
        cache=cache,
        cache_tag=cache_tag,
        record=record,
        price=price,
        max_usd=max_usd,
        max_tokens_total=max_tokens_total,
        max_requests=max_requests,
        dry_run=dry_run,
        batch=batch,
        vllm_args=vllm_args,
        trust_remote_code=trust_remote_code,
        quiet=quiet,
        beside=beside,
    )
    try:
        yield model
    finally:
        model.close()


def _first_line(path: Path | str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").partition("\n")[0].strip()
    except OSError as error:
        raise Unavailable(f"the file of the API key {path} can't be read: {error.strerror}") from error
