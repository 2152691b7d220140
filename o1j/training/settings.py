"""What a run is told to do, as one JSON file that every rank reads."""

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

_DISK_BUFFER = 100_000_000  # values that DeepSpeed's buffers for a disk hold unless told otherwise


@dataclass
class Settings:
    """All that decides a run besides its data. `folder` is the work folder; sizes are tokens, times seconds."""

    model: str
    output: str
    folder: str
    device: str = "cpu"  # cpu or cuda
    world: int = 1
    precision: str = "float32"
    zero: int = 1
    fit: bool = False  # `zero` may rise as far as memory needs
    lr: float = 1e-5
    schedule: str = "cosine"
    warmup: float = 0.03
    weight_decay: float = 0.0
    clip: float = 1.0
    batch_size: int = 8
    micro_tokens: int = 512
    max_length: int = 4096
    packing: bool = True
    gradient_checkpointing: bool = False
    liger: bool = False  # fused kernels for norms, rotations and gates
    offload: str = ""  # where optimizer state (with ZeRO 3 weights too) is kept: cpu, or the folder of a fast disk
    widest: int = 0  # values of the model's largest weight, known where `offload` is a disk
    deepspeed: dict[str, Any] | None = None  # the user's own configuration instead of o1j's
    lora: int = 0  # rank of the adapters; 0 trains all weights
    seed: int = 0
    save_every: float = 900.0  # seconds between checkpoints, and optimizer steps; 0: no such rule
    save_steps: int = 0
    steps: int = 0
    resume: bool = False
    universal: str = ""  # the checkpoint's folder in the form for another number of processes
    identity: dict[str, Any] = field(default_factory=dict)  # data and settings that a checkpoint can't do without
    parent: int = 0  # the process that started the ranks, on this host
    host: str = ""
    hosts: dict[str, int] = field(default_factory=dict)  # ranks on each of many machines; empty: all are here
    launcher: str = "pdsh"
    launcher_args: str = ""
    master_addr: str = ""
    master_port: int = 29500
    patience: float = 180.0  # how long a rank elsewhere goes on without a sign of life from `parent`

    @property
    def metrics(self) -> Path:
        """Where rank 0 writes the metrics of a step before its checkpoint, so that a killed run leaves no gap."""
        return Path(self.folder).parent / "train.metrics.jsonl"

    def save(self, path: Path) -> None:
        """Write as JSON."""
        path.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "Settings":
        """Read what `save` wrote."""
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        names = {item.name for item in fields(cls)}
        return cls(**{name: value for name, value in told.items() if name in names})

    @property
    def checkpoints(self) -> Path:
        """Where unfinished work is kept."""
        return Path(self.output) / "checkpoints"

    @property
    def latest(self) -> Path:
        """Names the last whole checkpoint, and the run that it belongs to; absent while there is none."""
        return self.checkpoints / "latest.json"

    def rate(self, step: int) -> float:
        """The learning rate of step 1, 2, …: linear warm-up, then by `schedule` down to nothing at the end."""
        from math import ceil, cos, pi

        warm = ceil(self.warmup * self.steps) if self.warmup < 1 else int(self.warmup)
        if step <= warm:
            return self.lr * step / warm
        left = (self.steps - step + 1) / max(1, self.steps - warm)
        if self.schedule == "constant":
            return self.lr
        return self.lr * (left if self.schedule == "linear" else 0.5 - 0.5 * cos(pi * left))

    def configuration(self) -> dict[str, Any]:
        """DeepSpeed's JSON for these settings, or the user's own.

        Batch sizes are nominal in both: o1j sets the accumulation boundary itself, since steps differ in
        micro-batches.
        """
        own = self.deepspeed or {
            "gradient_clipping": self.clip,
            "zero_optimization": {
                "stage": self.zero,
                "overlap_comm": self.device == "cuda",
                "contiguous_gradients": True,
                **self._offloading(),
            },
            "bf16": {"enabled": self.precision == "bf16"},
        }
        return {
            **{name: value for name, value in own.items() if name != "train_batch_size"},
            "train_micro_batch_size_per_gpu": 1,
            "gradient_accumulation_steps": 1,
            "zero_allow_untested_optimizer": True,
            "zero_force_ds_cpu_optimizer": False,
            "steps_per_print": 1 << 31,
            **({"checkpoint": {**own.get("checkpoint", {}), "load_universal": True}} if self.universal else {}),
        }

    def _offloading(self) -> dict[str, Any]:
        if not self.offload:
            return {}
        place = {"device": "cpu"} if self.offload == "cpu" else {"device": "nvme", "nvme_path": self.offload}
        place["pin_memory"] = self.device == "cuda"
        if self.zero < 3:
            return {"offload_optimizer": place}
        part = -(-self.widest // self.world)  # each process's, which one of DeepSpeed's buffers must hold
        wide = {"buffer_size": part} if self.offload != "cpu" and part > _DISK_BUFFER else {}
        return {"offload_optimizer": place, "offload_param": {**place, **wide}}
