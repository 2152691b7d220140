"""`o1j train`."""

import json
import os
import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

import typer

from o1j.commands.options import options
from o1j.commands.run import Run

if TYPE_CHECKING:
    from o1j.training.settings import Settings


class Lesson(Run):
    """A run whose counts are steps: what it tells people is how far the training is."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.settings: Settings | None = None
        self.last: dict[str, Any] = {}

    def follow(self, metrics: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """The metrics, remembered for the line of progress."""
        for self.last in metrics:
            yield self.last

    def summary(self) -> str:
        """`step 12 of 60, loss 0.42, 210 tokens/s, about 95 s left`."""
        if not self.last or not self.settings:
            return f"{self.counts['read']} records read"
        left = self.settings.steps - self.last["step"]
        a_step = self.last["tokens"] / self.last["step"] / self.last["tokens_per_second"]
        return (
            f"step {self.last['step']} of {self.settings.steps}, loss {self.last['loss']:.4g}, "
            f"{self.last['tokens_per_second']:.0f} tokens/s"
            + (f", {self.last['mfu']:.0%} MFU" if "mfu" in self.last else "")
            + (f", about {left * a_step:.0f} s left" if left else "")
        )


@dataclass
class Cluster:
    """Many machines, and how ranks are started on them."""

    hostfile: Annotated[
        str | None,
        typer.Option(
            "--hostfile",
            metavar="FILE",
            help="Train on these machines: lines like `node-1 slots=8`. --output must be a folder that all share.",
        ),
    ] = None
    launcher: Annotated[
        str | None,
        typer.Option(
            "--launcher",
            metavar="pdsh|openmpi|slurm",
            help="DeepSpeed's way to start ranks on hosts. [default: pdsh]",
            show_default=False,
        ),
    ] = None
    launcher_args: Annotated[
        str, typer.Option("--launcher-args", metavar="TEXT", help="Handed on to pdsh, mpirun or srun.")
    ] = ""
    master_addr: Annotated[
        str | None,
        typer.Option(
            "--master-addr", metavar="HOST", help="Where ranks meet. [default: the first host]", show_default=False
        ),
    ] = None
    master_port: Annotated[
        int | None,
        typer.Option("--master-port", min=1, max=65535, help="The port there. [default: 29500]", show_default=False),
    ] = None

    @cached_property
    def found(self) -> dict[str, int]:
        """Processes on each machine of --hostfile."""
        from o1j.training import hosts

        return hosts.read(self.hostfile) if self.hostfile else {}

    def settings(self) -> dict[str, Any]:
        """What a run on many machines is told; no `hosts` where it is all on this one."""
        return {
            "hosts": {} if set(self.found) == {"localhost"} else self.found,
            "host": socket.gethostname(),
            "launcher": self.launcher or "pdsh",
            "launcher_args": self.launcher_args,
            "master_addr": self.master_addr or next(iter(self.found), ""),
            "master_port": self.master_port or 29500,
        }


@options
def command(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A folder, a hub id, or smollm2 (embedded default).")],
    run: Lesson,
    cluster: Cluster,
    output: Annotated[
        str | None, typer.Option("--output", metavar="DIR", help="The trained model's folder.", show_default=False)
    ] = None,
    gpus: Annotated[
        str, typer.Option("--gpus", metavar="N|auto|cpu", help="GPUs to train on, or CPU processes.")
    ] = "auto",
    nprocs: Annotated[
        int | None,
        typer.Option("--nprocs", min=1, help="Processes. [default: one a GPU, one on the CPU]", show_default=False),
    ] = None,
    zero: Annotated[
        int | None,
        typer.Option(
            "--zero",
            min=0,
            max=3,
            help="ZeRO stage: 1 splits the optimizer, 2 gradients too, 3 weights too. "
            "[default: the lowest that fits, from 1, on the CPU from 0]",
            show_default=False,
        ),
    ] = None,
    offload: Annotated[
        bool,
        typer.Option(
            "--offload", help="Keep optimizer state in main memory, with --zero 3 weights too. From ZeRO 2 on."
        ),
    ] = False,
    nvme: Annotated[
        str | None,
        typer.Option("--nvme", metavar="DIR", help="Offload to this folder of a fast disk instead. Implies ZeRO 3."),
    ] = None,
    deepspeed: Annotated[
        str | None,
        typer.Option("--deepspeed", metavar="FILE", help="DeepSpeed's JSON instead of o1j's own; `auto` is filled in."),
    ] = None,
    print_deepspeed: Annotated[
        bool, typer.Option("--print-deepspeed", help="Print the JSON that DeepSpeed would get, and exit.")
    ] = False,
    epochs: Annotated[float, typer.Option("--epochs", min=0.0, help="Times through the data; may be a part.")] = 3.0,
    lr: Annotated[float, typer.Option("--lr", min=0.0, help="Highest learning rate (AdamW).")] = 1e-5,
    schedule: Annotated[
        str, typer.Option("--schedule", metavar="cosine|linear|constant", help="How the rate falls after warm-up.")
    ] = "cosine",
    warmup: Annotated[float, typer.Option("--warmup", min=0.0, help="Warm-up: a share below 1, else steps.")] = 0.03,
    weight_decay: Annotated[float, typer.Option("--weight-decay", min=0.0, help="On matrices only.")] = 0.0,
    clip: Annotated[float, typer.Option("--clip", min=0.0, help="Longest gradient; 0 leaves it as it is.")] = 1.0,
    batch_size: Annotated[
        int, typer.Option("--batch-size", min=1, help="Packs (or sequences) per optimizer step over all processes.")
    ] = 8,
    max_length: Annotated[
        int, typer.Option("--max-length", min=2, help="Tokens of a pack, or a sequence, at most.")
    ] = 4096,
    over_length: Annotated[
        str, typer.Option("--over-length", metavar="error|drop|truncate", help="What becomes of longer samples.")
    ] = "error",
    packing: Annotated[
        bool, typer.Option("--packing/--no-packing", help="Fill packs with short samples, which never see each other.")
    ] = True,
    lora: Annotated[
        bool, typer.Option("--lora", help="Learn low-rank adapters on all linear layers; merged in the end.")
    ] = False,
    lora_rank: Annotated[int, typer.Option("--lora-rank", min=1, help="Rank of the adapters; alpha is twice it.")] = 16,
    think: Annotated[
        str, typer.Option("--think", metavar="tags|plain|field", help="The shape in which thinking is learned.")
    ] = "tags",
    include_wrong: Annotated[
        bool, typer.Option("--include-wrong", help="Learn from wrong replies (`correct` false) and cut-off ones too.")
    ] = False,
    checkpointing: Annotated[
        bool | None,
        typer.Option(
            "--gradient-checkpointing/--no-gradient-checkpointing",
            help="Compute twice, remember less. [default: on GPUs]",
            show_default=False,
        ),
    ] = None,
    liger: Annotated[
        bool | None,
        typer.Option(
            "--liger/--no-liger",
            help="Liger's fused kernels. [default: on GPUs where liger-kernel is installed and knows the model]",
            show_default=False,
        ),
    ] = None,
    micro_tokens: Annotated[
        int | None,
        typer.Option(
            "--micro-tokens",
            min=1,
            help="Tokens a process computes at once; memory grows with it. [default: 512, on GPUs --max-length]",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Order of the data, dropout.")] = 0,
    save_minutes: Annotated[
        float, typer.Option("--save-minutes", min=0.0, help="A checkpoint this often; 0: not by time.")
    ] = 15.0,
    save_steps: Annotated[
        int, typer.Option("--save-steps", min=0, help="A checkpoint after so many steps; 0: not by steps.")
    ] = 0,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on from DIR's checkpoint, if any. Processes, --micro-tokens, --offload, --gradient-checkpointing, "
            "--liger and ZeRO 1 or 2 may differ.",
        ),
    ] = False,
    report_to: Annotated[
        list[str] | None,
        typer.Option(
            "--report-to",
            metavar="tensorboard|wandb",
            help="Show the metrics there too. Repeats. [default: nowhere; nothing is sent unasked]",
            show_default=False,
        ),
    ] = None,
    plot: Annotated[
        str | None, typer.Option("--plot", metavar="FILE.svg|.png", help="Draw loss and learning rate at the end.")
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Train nothing: show what is learned, what would be refused, lengths, steps, memory, time. The GPUs "
            "of --gpus N or --hostfile need not be here; free memory and time are null then.",
        ),
    ] = False,
    profile: Annotated[
        str | None,
        typer.Option("--profile", metavar="FILE.json", help="With --check: what the data is like, as JSON."),
    ] = None,
) -> int:
    """Fine-tune a causal language model through DeepSpeed.

    Learns from `messages`, else `problem` and `response` (with `reasoning`), else `problem` and `solution`: the
    assistant's turns and their end tokens. Reads all input first. Prints one JSON line a step; DIR gets the model,
    reloaded and tried, its card, its log, and the metrics of all steps, those before an interruption too.

    \b
    o1j train smollm2 thoughts.jsonl --check | jq .
    o1j train smollm2 thoughts.jsonl --output student --gpus cpu > metrics.jsonl
    """
    from o1j.errors import InputError, UsageError, need
    from o1j.training import configuration
    from o1j.training import train as training
    from o1j.training.settings import Settings

    if _is_data(model):
        raise UsageError(f"{model} is no model: the first argument is a folder, a hub id or smollm2; data comes next")
    for name, value, known in (
        ("--schedule", schedule, ("cosine", "linear", "constant")),
        ("--over-length", over_length, ("error", "drop", "truncate")),
        ("--think", think, ("tags", "plain", "field")),
    ):
        if value not in known:
            raise UsageError(f"{name} {value}: expected {', '.join(known[:-1])} or {known[-1]}")
    if not epochs:
        raise UsageError("--epochs 0 is no training: name a part of the data, such as 0.5, or more")
    if not output and not check and not print_deepspeed:
        raise UsageError("--output DIR is missing: where is the trained model to go?")
    if profile and not check:
        raise UsageError("--profile is a part of --check: add that option")
    if plot:
        from o1j.reports.plot import check as check_plot

        check_plot(plot)
    need("torch", "train", "training")
    if lora:
        need("peft", "train", "--lora")
    _ = run.stdout  # from here on, what libraries print goes to stderr
    device, world = training.device(gpus, nprocs, sum(cluster.found.values()), check or print_deepspeed)
    on_gpu = device == "cuda"
    offloaded = nvme or ("cpu" if offload else "")
    settings = Settings(
        model=model if print_deepspeed else training.resolve(model, run.say),
        output=output or "",
        folder="",
        device=device,
        world=world,
        precision="bf16" if on_gpu else "float32",
        zero=training.stage(zero, offloaded, on_gpu),
        fit=zero is None and not deepspeed,
        offload=offloaded,
        widest=training.widest(model) if nvme else 0,
        lr=lr,
        schedule=schedule,
        warmup=warmup,
        weight_decay=weight_decay,
        clip=clip,
        batch_size=batch_size,
        micro_tokens=micro_tokens or (max_length if on_gpu else 512),
        max_length=max_length,
        packing=packing,
        lora=lora_rank if lora else 0,
        gradient_checkpointing=on_gpu if checkpointing is None else checkpointing,
        liger=training.liger(liger, device, model),
        seed=seed,
        save_every=60 * save_minutes,
        save_steps=save_steps,
        resume=resume,
        parent=os.getpid(),
        **cluster.settings(),
    )
    if deepspeed:
        configuration.adopt(deepspeed, settings, zero)
    if print_deepspeed:
        return run.show_text(json.dumps(settings.configuration(), indent=2))
    if check:
        painted, report = training.check(
            run.read(), settings, epochs=epochs, think=think, over_length=over_length, include_wrong=include_wrong
        )
        if profile:
            training.write_profile(profile, report)
        run.say(f"a sample; what is learned is marked:\n{painted}")
        run.write([report])
        return InputError.exit_code if report["refused"] else 0
    run.settings = settings
    metrics = training.train(
        run.read(),
        settings,
        epochs=epochs,
        think=think,
        over_length=over_length,
        include_wrong=include_wrong,
        run=run.id,
        tell=run.say,
        report_to=report_to or [],
        plot=plot,
    )
    return run.write(run.follow(metrics))


def _is_data(name: str) -> bool:
    """Whether `name`, which stands where the model should, is that of the input: the model was forgotten."""
    if os.path.isdir(name):
        return False
    return name == "-" or name.startswith("hf://") or name.endswith((".jsonl", ".json", ".parquet", ".gz", ".zst"))
