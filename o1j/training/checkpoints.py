"""Unfinished work on disk: whole before the one before it goes, and gone on with by any number of processes."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from o1j.errors import O1jError, UsageError
from o1j.training.card import PRIVATE
from o1j.training.settings import Settings

# What may change at a checkpoint: where and on how much a run goes, and what moves its losses by rounding only.
_FREE = {*PRIVATE, "world", "micro_tokens", "gradient_checkpointing", "liger"}
_OPTIONS = {"steps": "the number of steps (--epochs)", "lora": "--lora-rank", "device": "--gpus (the device)"}


def write(engine: Any, settings: Settings, step: int, tokens: int) -> None:
    """Save everything that going on needs; the checkpoint before goes only when this one is on the disk, whole.

    `latest.json` names it, replaced by rename once all ranks have written: a kill leaves the old one or the new one,
    and so does a full disk, which raises OSError.
    """
    from torch import distributed

    tag = f"step-{step:08d}"
    first = distributed.get_rank() == 0
    if first:
        sweep(settings)
    distributed.barrier()
    try:
        engine.save_checkpoint(
            str(settings.checkpoints), tag=tag, client_state={"step": step, "tokens": tokens}, save_latest=False
        )
    except (OSError, RuntimeError) as error:
        raise OSError(_full(settings, step, error)) from error
    distributed.barrier()
    if first:
        folder = settings.checkpoints / tag
        for path in [*folder.rglob("*"), folder]:
            _flush(path)
        _name(settings, {"tag": tag, "step": step, "tokens": tokens, "world": settings.world, "zero": settings.zero})
        sweep(settings)
    distributed.barrier()


def load(engine: Any, settings: Settings) -> tuple[int, int]:
    """Take up the last checkpoint if there is one: (steps done, tokens so far)."""
    told = latest(settings)
    if not told:
        return 0, 0
    decays = [group["weight_decay"] for group in engine.optimizer.param_groups]
    path, state = engine.load_checkpoint(str(settings.checkpoints), tag=settings.universal or told["tag"])
    if path is None:
        raise FileNotFoundError(f"the checkpoint {settings.checkpoints / told['tag']} can't be loaded")
    if settings.universal:
        _part(engine.optimizer, decays)
    return state["step"], state["tokens"]


def latest(settings: Settings) -> dict[str, Any]:
    """`{tag, step, tokens, world, zero, identity}` of the last whole checkpoint; empty where there is none."""
    return json.loads(settings.latest.read_text(encoding="utf-8")) if settings.latest.exists() else {}


def sweep(settings: Settings) -> None:
    """Remove what is not the last whole checkpoint: the ones before it, and what a full disk or a kill left half."""
    kept = latest(settings).get("tag")
    for folder in settings.checkpoints.glob("step-*"):
        if folder.name != kept:
            shutil.rmtree(folder, ignore_errors=True)


def convert(settings: Settings, log: Path) -> str:
    """Rewrite the last checkpoint so that another number of processes can load it: the new folder's name.

    Optimizer state is split over the processes that wrote it; DeepSpeed's universal form has it whole, a file a
    parameter. Raises O1jError where that fails; the checkpoint stays as it was.
    """
    told = latest(settings)
    source = settings.checkpoints / told["tag"]
    if not any(source.glob("*optim_states.pt")):  # ZeRO 0: nothing is split
        return ""
    target = source.with_name(f"{source.name}-universal")
    shutil.rmtree(target, ignore_errors=True)
    workers = str(min(4, os.cpu_count() or 1))
    with log.open("ab") as stream:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "deepspeed.checkpoint.ds_to_universal", "--inject_missing_state"),
                *("--input_folder", str(source), "--output_folder", str(target)),
                *("--num_extract_workers", workers, "--num_merge_workers", workers),
            ],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        shutil.rmtree(target, ignore_errors=True)
        raise O1jError(
            f"the checkpoint {source} was written by {told['world']} processes and can't be rewritten for "
            f"{settings.world}; see {log}, or go on with {told['world']}"
        )
    return target.name


def identify(settings: Settings, data: str) -> dict[str, Any]:
    """What a run and the one that goes on with its checkpoint must have in common: `data`, the hash of its samples,
    and every setting that changes the losses, or the shape in which DeepSpeed keeps the optimizer's state.

    ZeRO 1 and 2 keep it in one shape, in main memory or not.
    """
    told = {name: value for name, value in asdict(settings).items() if name not in _FREE}
    model = Path(settings.model)
    return told | {
        "model": str(model.resolve()) if model.is_dir() else settings.model,
        "zero": {2: 1}.get(settings.zero, settings.zero),
        "offload": "disk" if settings.offload not in ("", "cpu") else "",
        "data": data,
    }


def refuse_others(settings: Settings) -> None:
    """UsageError where the last checkpoint belongs to another run than `settings.identity`; it names what differs."""
    last = latest(settings)
    if not last:
        return
    before = last.get("identity")
    if before is None or before.keys() != settings.identity.keys():
        raise UsageError(
            f"the checkpoint in {settings.checkpoints} is by a version of o1j that had other settings; go on with "
            "that one, or remove it to start anew"
        )
    differs = [name for name, value in settings.identity.items() if before[name] != value]
    if differs:
        told = "; ".join(_difference(name, before[name], settings, last["zero"]) for name in differs)
        raise UsageError(
            f"the checkpoint in {settings.checkpoints} belongs to another run: {told}. Give the same as before, or "
            "remove it to start anew"
        )


def _difference(name: str, before: Any, settings: Settings, zero: int) -> str:
    """Why this run, which differs from the one before in `name`, can't go on with its checkpoint, of stage `zero`."""
    if name == "data":
        return "its samples were others"
    if name == "zero":
        return f"ZeRO {zero} and ZeRO {settings.zero} keep optimizer state in different shapes (1 and 2 in one)"
    if name == "offload":
        return "optimizer state on a disk (--nvme) is kept in files of its own, which no other place takes up"
    if name == "deepspeed":
        return "--deepspeed was another"
    return f"{_OPTIONS.get(name, '--' + name.replace('_', '-'))} was {before}, and is {settings.identity[name]}"


def _full(settings: Settings, step: int, error: Exception) -> str:
    free = shutil.disk_usage(settings.checkpoints).free / 2**30
    told = latest(settings)
    kept = f"; that of step {told['step']} is kept, make room and go on with --resume" if told else ""
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return f"the checkpoint of step {step} can't be written, {free:.1f} GiB are free ({reason[:200]}){kept}"


def _part(optimizer: Any, decays: list[float]) -> None:
    """Undo what ZeRO-3 shares when it loads a universal checkpoint: one step counter, the first group's decay."""
    for group, decay in zip(optimizer.param_groups, decays, strict=True):
        group["weight_decay"] = decay
    for state in getattr(optimizer, "optimizer", optimizer).state.values():
        if hasattr(state.get("step"), "clone"):
            state["step"] = state["step"].clone()


def _name(settings: Settings, told: dict[str, Any]) -> None:
    part = settings.checkpoints / "latest.json.partial"
    part.write_text(json.dumps({**told, "identity": settings.identity}), encoding="utf-8")
    _flush(part)
    part.replace(settings.latest)
    _flush(settings.checkpoints)


def _flush(path: Path) -> None:
    """Have the kernel put a file or folder on the disk: a rename must not overtake what it names."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
