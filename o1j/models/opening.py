"""From the settings of `connect` to a connected model: what goes together, what it costs, where it is kept."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from o1j.errors import UsageError
from o1j.models.backend import Backend, open_backend, parse_spec
from o1j.models.batches.job import Job, Limits
from o1j.models.faults import redact
from o1j.models.model import Model
from o1j.models.money import Budget, Price, known_price, read_price
from o1j.models.replay import Recorder
from o1j.models.store import Store, default_folder


def open_model(
    spec: str,
    *,
    base_urls: Sequence[str],
    api_key: str | None,
    concurrency: int | None,
    timeout: float,
    retries: int,
    stream: bool,
    rpm: float | None,
    tpm: float | None,
    cache: Path | str | bool | None,
    cache_tag: str,
    record: Path | str | None,
    price: str | None,
    max_usd: float | None,
    max_tokens_total: int | None,
    max_requests: int | None,
    dry_run: bool,
    batch: bool | Limits,
    vllm_args: str,
    trust_remote_code: bool,
    quiet: bool,
    beside: Model | None,
) -> Model:
    """What `connect` does on entry; its docstring explains the settings."""
    for name, value, least in (("concurrency", concurrency, 1), ("timeout", timeout, 0.001), ("retries", retries, 0)):
        if value is not None and value < least:
            raise UsageError(f"--{name} {value} is too small")
    told: set[str] = set()

    def tell(text: str) -> None:
        if not quiet and text not in told:
            told.add(text)
            print(f"o1j: {redact(text)}", file=sys.stderr, flush=True)

    kind, name = parse_spec(spec)
    if batch:
        _check_batch(kind, base_urls, cache, bool(stream or rpm or tpm))
    backend = open_backend(
        kind,
        name,
        base_urls,
        api_key,
        concurrency=concurrency,
        timeout=timeout,
        stream=stream,
        vllm_args=vllm_args,
        trust=trust_remote_code,
        tell=tell,
    )
    cost = read_price(price) if price else _price_of(kind, name, backend, bool(batch))
    budget, ledger = beside.budget_beside(cost) if beside else None, os.environ.get("O1J_LEDGER")
    if beside is None and (ledger or any(cap is not None for cap in (max_usd, max_tokens_total, max_requests))):
        caps = {"usd": max_usd, "tokens": max_tokens_total, "requests": max_requests}
        budget = Budget(**caps, price=cost, ledger=Path(ledger) if ledger else None)
    folder = default_folder() if cache in (None, True) else cache
    if not batch and folder is not False:
        waiting = sum(job.count for job in Job.found(Path(folder) / "batches", f"{kind}:{name}") if job.submitted)
        if waiting:
            tell(f"{waiting:,} requests to {name} lie in batches that were not collected yet: --batch collects them")
    return Model(
        f"{kind}:{name}",
        backend,
        concurrency=concurrency,
        retries=retries,
        patience=timeout,
        rpm=rpm,
        tpm=tpm,
        store=Store(Path(folder)) if folder is not False and backend.stored else None,
        cache_tag=cache_tag,
        recorder=Recorder(Path(record)) if record and not dry_run else None,
        price=cost,
        budget=budget,
        dry_run=dry_run,
        batch=(batch if isinstance(batch, Limits) else Limits.surrounding()) if batch else None,
        tell=tell,
    )


def _check_batch(kind: str, base_urls: Sequence[str], cache: Path | str | bool | None, paced: bool) -> None:
    """Refuse what goes with the Batch API as little as it does without."""
    if kind != "openai":
        raise UsageError(f"--batch is for servers with a Batch API, not for {kind}:")
    if len(base_urls) > 1:
        raise UsageError("--batch: a batch lives at one address, so give --base-url once")
    if cache is False:
        raise UsageError("--batch keeps what it has submitted in the cache: leave --no-cache out")
    if paced:
        raise UsageError("--batch: the provider sets the pace, so leave --stream, --rpm and --tpm out")


def _price_of(kind: str, name: str, backend: Backend, batch: bool) -> Price | None:
    """What is known of a price; what runs on this machine, or was recorded, costs nothing."""
    return known_price(name, backend.lanes, batch=batch) if kind == "openai" else Price(0.0, 0.0)
