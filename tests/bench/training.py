"""How fast `o1j train` learns, and in how much memory, against TRL's `SFTTrainer`: model, data, order, precision equal.

    chrt -r 10 python tests/bench/training.py --trl /path/to/a/venv/with/trl/bin/python   # or O1J_TRL; about 20 minutes
    python tests/bench/training.py --trl … --rows 16 --only trl-default o1j               # a part of it
    python tests/bench/training.py --memory     # what --check says a run holds, against what it held: SmolLM2-135M
    python tests/bench/training.py --head       # the loss in chunks against whole logits, vocabulary of 151,936
    python tests/bench/training.py --check      # how long --check takes, rows of long thoughts

One JSON line a client: real (non-pad) tokens per second and per CPU second without the first step, peak resident memory
in GiB of the training process and of all processes of the command, the mean loss of each step and of the epoch, and the
trained model's loss on rows that nobody learned. Every client trains all of SmolLM2-135M on the same rows (GSM8K and
LIMO solutions of mixed length), all weights, float32, AdamW at a constant rate, the loss on the reply alone, in one
process of one thread. Without packing all learn the same rows in each step, so their losses are compared step by step;
packers lay rows out and order packs in their own ways, so of them the epoch and the unseen rows are compared.

The last line has the ratios, by processor time (which other work on the machine disturbs least; real-time priority,
`chrt -r 10`, keeps it off the core) and by wall clock. TRL is no dependency of o1j: it lives in its own environment.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

DATA = Path(os.environ.get("O1J_DATA", Path(__file__).resolve().parents[3] / "shared/data"))
LONGEST = 1024  # tokens: the default of SFTTrainer
LETTERS = 1100  # of problem and solution at most: four times the shortest
BATCH = 8  # the default of SFTTrainer
RATE = 2e-5  # the default of SFTTrainer
SEED = 0
UNSEEN = 16  # rows that only the trained models are tried on
# What SFTTrainer is told beside what all clients share: nothing; what is fastest here without packing; packing. Its
# loss works in chunks by default, and its padding-free mode without packing asks for flash attention.
TRL = {
    "trl-default": {},
    "trl-single": {
        "gradient_checkpointing": False,
        "per_device_train_batch_size": 1,
        "gradient_accumulation_steps": BATCH,
    },
    "trl-packed": {"gradient_checkpointing": False, "packing": True},
}
O1J = {"o1j": ["--no-packing"], "o1j-packed": ["--packing"]}
PACKED = ("trl-packed", "o1j-packed")
MEMORY = {
    "full": [],
    "checkpointing": ["--gradient-checkpointing"],
    "lora": ["--lora"],
    "zero2": ["--nprocs", "2", "--zero", "2"],
    "zero3": ["--nprocs", "2", "--zero", "3"],
}
PACKS = 1  # a step of the packed runs


def rows(number: int) -> tuple[list[dict], list[dict]]:
    """Problems with a worked solution, half of them short: those to learn, and those to try the trained models on."""
    learned, unseen = [], []
    for name, problem, solution in (
        ("gsm8k_test.jsonl", "question", "answer"),
        ("longcot_limo_official_solutions.jsonl", "question", "solution"),
    ):
        lines = (DATA / name).read_text(encoding="utf-8").split("\n")
        records = [json.loads(line) for line in lines if line.strip()]
        records = [{"problem": row[problem], "solution": row[solution]} for row in records]
        fit = [row for row in records if len(row["problem"]) + len(row["solution"]) < LETTERS]
        drawn = random.Random(SEED).sample(fit, (number + UNSEEN) // 2)
        learned += drawn[: number // 2]
        unseen += drawn[number // 2 :]
    return learned, unseen


def prepare(folder: Path, number: int, model: str) -> None:
    """Write the rows for o1j, and for TRL the very tokens and masks, in the very order, that o1j will train on.

    Also the rows that nobody learns, and how many tokens each step of o1j learns.
    """
    from transformers import AutoTokenizer

    from o1j.records import Record
    from o1j.training import plan
    from o1j.training.chat import Encoder
    from o1j.training.data import gather

    chosen, unseen = rows(number)
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in chosen), encoding="utf-8")
    encoder = Encoder(AutoTokenizer.from_pretrained(model))
    samples = gather(map(Record, chosen), encoder, max_length=LONGEST).samples
    packs = plan.pack([len(sample.ids) for sample in samples], LONGEST)
    steps, learned = {}, {}
    for client, units, a_step in (("o1j", [[i] for i in range(number)], BATCH), ("o1j-packed", packs, PACKS)):
        count = plan.count(len(units), a_step, 1)
        steps[client] = [step.samples for step in plan.schedule(units, a_step, count, SEED)]
        learned[client] = [sum(samples[i].targets for i in step) for step in steps[client]]
    (folder / "learned.json").write_text(json.dumps(learned))
    _write(folder / "tokens.jsonl", [samples[i] for step in steps["o1j"] for i in step])
    _write(folder / "unseen.jsonl", gather(map(Record, unseen), encoder, max_length=LONGEST).samples)


def _write(path: Path, samples: list) -> None:
    """Tokens and labels, -100 where nothing is learned."""
    with path.open("w", encoding="utf-8") as out:
        for sample in samples:
            pairs = zip(sample.ids, sample.learned, strict=True)
            labels = [token if learned else -100 for token, learned in pairs]
            out.write(json.dumps({"input_ids": sample.ids, "labels": labels}) + "\n")


def o1j(folder: Path, model: str, client: str) -> dict:
    """The command as people give it; its clocks are read whenever a step is done."""
    import psutil

    output = folder / client
    command = [
        *(sys.executable, "-m", "o1j", "train", model, str(folder / "rows.jsonl"), "--output", str(output)),
        *("--gpus", "cpu", "--epochs", "1", "--lr", str(RATE), "--schedule", "constant", "--warmup", "0"),
        *("--batch-size", str(PACKS if client in PACKED else BATCH), "--max-length", str(LONGEST), "--seed", str(SEED)),
        *("--save-minutes", "0", "--quiet", *O1J[client]),
    ]
    with (folder / "metrics.jsonl").open("w+") as out, (folder / "errors.txt").open("w+") as errors:
        process = psutil.Popen(command, stdout=out, stderr=errors)
        clock: list[tuple[float, float]] = []
        beside = 0.0
        while process.poll() is None:
            history = output / "train.metrics.jsonl"
            written = history.read_bytes().count(b"\n") if history.exists() else 0
            if written > len(clock):
                *others, rank = sorted([process, *process.children(recursive=True)], key=most_held)
                used = rank.cpu_times()
                clock.append((time.perf_counter(), used.user + used.system))
                beside = sum(map(most_held, others))
            time.sleep(0.02)
        if process.returncode:
            sys.exit((folder / "errors.txt").read_text())
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    peak = lines[-1]["peak_memory_gib"]
    learned = json.loads((folder / "learned.json").read_text())[client]
    return told(
        [line["tokens"] for line in lines], clock, (peak, peak + beside), [line["loss"] for line in lines], learned
    )


def most_held(process) -> float:
    """GiB that a process has had resident at most."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 2**20


def told(
    tokens: list[int],
    clock: list[tuple[float, float]],
    held: tuple[float, float],
    losses: list[float],
    learned: list[int],
) -> dict:
    """Figures from the end of the first step to the end of the last; `tokens` count from the start."""
    (wall, cpu), (wall_end, cpu_end) = clock[0], clock[-1]
    done = tokens[-1] - tokens[0]
    weighed = sum(loss * n for loss, n in zip(losses, learned, strict=True))
    return {
        "timed_tokens": done,
        "tokens_per_second": round(done / (wall_end - wall), 1),
        "tokens_per_cpu_second": round(done / (cpu_end - cpu), 1),
        "peak_gib": round(held[0], 2),
        "all_processes_gib": round(held[1], 2),
        "losses": [round(loss, 6) for loss in losses],
        "epoch_loss": round(weighed / sum(learned), 6),
    }


def trl(folder: Path, model: str, client: str) -> dict:
    """In TRL's environment: `SFTTrainer` on the prepared tokens; steps are timed from begin to end by a callback."""
    import resource

    import torch
    from datasets import load_dataset
    from transformers import AutoTokenizer, TrainerCallback
    from trl import SFTConfig, SFTTrainer

    class Clock(TrainerCallback):
        """(wall, CPU) time at the end of each optimizer step."""

        def __init__(self) -> None:
            self.read: list[tuple[float, float]] = []

        def on_step_end(self, *_, **__) -> None:
            self.read.append((time.perf_counter(), time.process_time()))

    options = {
        "per_device_train_batch_size": PACKS if client in PACKED else BATCH,
        "max_length": LONGEST,
        "learning_rate": RATE,
        "lr_scheduler_type": "constant",
        "adam_beta2": 0.95,
        "num_train_epochs": 1,
        "bf16": False,
        "use_cpu": True,
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "train_sampling_strategy": "sequential",
        "seed": SEED,
        "disable_tqdm": True,
        **TRL[client],
    }
    data = load_dataset("json", data_files=str(folder / "tokens.jsonl"), split="train", cache_dir=str(folder / "cache"))
    clock = Clock()
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(output_dir=str(folder / client), model_init_kwargs={"dtype": torch.float32}, **options),
        train_dataset=data,
        processing_class=AutoTokenizer.from_pretrained(model),
        callbacks=[clock],
    )
    a_step = options["per_device_train_batch_size"] * options.get("gradient_accumulation_steps", 1)
    sizes = [len(ids) for ids in trainer.train_dataset["input_ids"]]
    targets = [sum(label != -100 for label in labels) for labels in trainer.train_dataset["labels"]]
    tokens = [sum(sizes[: at + a_step]) for at in range(0, len(sizes), a_step)]
    learned = [sum(targets[at : at + a_step]) for at in range(0, len(sizes), a_step)]
    trainer.train()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    trainer.save_model(str(folder / client))
    return told(tokens, clock.read, (peak, peak), losses, learned)


def unseen_loss(folder: Path, model: str) -> float:
    """Mean loss of a model's folder on the rows that nobody learned, one by one, as transformers computes it."""
    import torch
    from torch.nn import functional
    from transformers import AutoModelForCausalLM

    trained = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    total, learned = 0.0, 0
    for line in (folder / "unseen.jsonl").read_text().splitlines():
        row = json.loads(line)
        ids, labels = torch.tensor([row["input_ids"]]), torch.tensor(row["labels"])
        with torch.no_grad():
            logits = trained(input_ids=ids).logits[0, :-1]
        total += functional.cross_entropy(logits, labels[1:], reduction="sum").item()
        learned += int((labels[1:] != -100).sum())
    return round(total / learned, 6)


def in_its_own_process(python: str, folder: Path, model: str, client: str) -> dict:
    """What this script says of a client under another Python."""
    command = [python, __file__, "--client", client, "--folder", str(folder), "--model", model]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{client} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def measure(folder: Path, model: str, client: str, python: str) -> dict:
    """A client's figures, those of the model that it trained among them; the model goes again."""
    found = o1j(folder, model, client) if client in O1J else in_its_own_process(python, folder, model, client)
    found["unseen_loss"] = in_its_own_process(sys.executable, folder, str(folder / client), "unseen")
    shutil.rmtree(folder / client)
    return found


def compare(found: dict[str, dict]) -> dict:
    """Ratios of o1j to TRL as it comes and at its best, and how far apart the losses are, relative to TRL's."""
    theirs = [client for client in found if client in TRL]
    ours = [client for client in found if client in O1J]
    best = max(theirs, key=lambda client: found[client]["tokens_per_cpu_second"], default=None)
    result: dict = {"best": best}
    for name, other in (("best", best), ("default", "trl-default"), ("packed", "trl-packed")):
        for client in ours if other in found else []:
            result.setdefault(client, {})[f"of_{name}"] = {
                figure: round(found[client][figure] / found[other][figure], 2)
                for figure in ("tokens_per_cpu_second", "tokens_per_second", "peak_gib", "all_processes_gib")
            }
    for client in ours:
        for other in (other for other in theirs if (client in PACKED) == (other in PACKED)):
            names = ["epoch_loss", "unseen_loss"] + ([] if client in PACKED else ["losses"])
            result[client][f"loss_from_{other}"] = {
                name: _apart(found[client][name], found[other][name]) for name in names
            }
    return result


def _apart(mine: float | list[float], other: float | list[float]) -> float:
    """The largest relative difference."""
    pairs = zip(mine, other, strict=True) if isinstance(mine, list) else [(mine, other)]
    return max(float(f"{abs(a - b) / b:.1e}") for a, b in pairs)


def memory(folder: Path, model: str, rows_file: str, names: list[str]) -> None:
    """Two steps of SmolLM2: GiB of a process as --check says, and as it was."""
    for name in names:
        command = [sys.executable, "-m", "o1j", "train", model, rows_file, "--gpus", "cpu", "--quiet"]
        command += ["--epochs", "1", "--batch-size", "1", "--max-length", str(LONGEST), "--save-minutes", "0"]
        command += MEMORY[name]
        said = json.loads(subprocess.run([*command, "--check"], capture_output=True, text=True, check=True).stdout)
        output = str(folder / "out")
        done = subprocess.run([*command, "--output", output], capture_output=True, text=True, check=True)
        held = json.loads(done.stdout.splitlines()[-1])["peak_memory_gib"]
        shutil.rmtree(output)
        parts = said["memory_parts_gib"]
        print(json.dumps({"run": name, "said": parts["total"], "held": held, "parts": parts}), flush=True)


def head(way: str) -> dict:
    """Forward and backward of 2,048 learned tokens through a small model with Qwen2's vocabulary, in this process."""
    import resource

    import torch
    from torch.nn import functional
    from transformers import LlamaConfig, LlamaForCausalLM

    from o1j.training.head import Head

    torch.manual_seed(0)
    shape = {"hidden_size": 512, "intermediate_size": 1024, "num_hidden_layers": 2, "num_attention_heads": 8}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=151_936, tie_word_embeddings=True, **shape))
    ids = torch.randint(0, 151_936, (1, 2049))
    targets = ids[0, 1:]
    layer = Head(model) if way == "chunks" else None
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds, loss = [], torch.zeros(())
    for _ in range(2):
        started = time.process_time()
        if layer:
            layer.targets = targets
        output = model(input_ids=ids[:, :-1], use_cache=False).logits
        loss = output if layer else functional.cross_entropy(output[0].float(), targets, reduction="sum")
        loss.backward()
        seconds.append(round(time.process_time() - started, 1))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {"way": way, "grown_gib": round(grown / 2**20, 2), "cpu_seconds": seconds, "loss": round(loss.item(), 2)}


def preflight(model: str, folder: Path) -> None:
    """The whole command `--check`, interpreter and imports included: seconds, those of the CPU, most memory held."""
    import psutil

    long, short = (
        [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").split("\n") if line]
        for name in ("longcot_limo_r1distill32b.jsonl", "gsm8k_test.jsonl")
    )
    long = [(row["question"], row["solution"]) for row in long]
    short = [(row["question"], row["answer"]) for row in short]
    for name, found in (
        ("291 long thoughts", long),
        ("10,000 short solutions", _multiplied(short, 10_000)),
        ("10,000 long thoughts", _multiplied(long, 10_000)),
    ):
        path = folder / "check.jsonl"
        with path.open("w", encoding="utf-8") as out:
            for problem, solution in found:
                out.write(json.dumps({"problem": problem, "solution": solution}) + "\n")
        command = [sys.executable, "-m", "o1j", "train", model, str(path), "--check", "--quiet", "--gpus", "cpu"]
        command += ["--max-length", "16384", "--over-length", "drop"]
        used = os.times()
        before = used.children_user + used.children_system
        started = time.perf_counter()
        most = 0.0
        with (folder / "report.json").open("w+") as out:
            process = psutil.Popen(command, stdout=out, stderr=subprocess.DEVNULL)
            while process.poll() is None:
                with suppress(OSError, IndexError):  # it may just have ended
                    most = max(most, most_held(process))
                time.sleep(0.05)
        took = time.perf_counter() - started
        used = os.times()
        print(
            json.dumps(
                {
                    "rows": name,
                    "tokens": json.loads((folder / "report.json").read_text())["tokens"],
                    "seconds": round(took, 1),
                    "cpu_seconds": round(used.children_user + used.children_system - before, 1),
                    "peak_gib": round(most, 2),
                }
            ),
            flush=True,
        )


def _multiplied(texts: list[tuple[str, str]], number: int) -> list[tuple[str, str]]:
    """`number` different rows: each text again and again with its sentences in another order."""
    draw = random.Random(SEED)
    found = []
    for i in range(number):
        problem, solution = texts[i % len(texts)]
        sentences = solution.split(". ")
        draw.shuffle(sentences)
        found.append((f"{i}. {problem}", ". ".join(sentences)))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trl", default=os.environ.get("O1J_TRL"), metavar="PYTHON", help="Python that has trl")
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--only", nargs="+", choices=[*TRL, *O1J, *MEMORY])
    for other in ("--memory", "--head", "--check"):
        parser.add_argument(other, action="store_true")
    for internal in ("--way", "--client", "--folder", "--model"):
        parser.add_argument(internal, help=argparse.SUPPRESS)
    given = parser.parse_args()
    os.environ |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    if given.client:
        folder = Path(given.folder)
        found = unseen_loss(folder, given.model) if given.client == "unseen" else trl(folder, given.model, given.client)
        print(json.dumps(found))
        return
    if given.way:
        print(json.dumps(head(given.way)))
        return
    if given.head:
        for way in ("whole", "chunks"):
            subprocess.run([sys.executable, __file__, "--way", way], check=True)
        return
    if not DATA.is_dir():
        print(f"no public data at {DATA}: set O1J_DATA", file=sys.stderr)
        return
    from o1j.models import smollm2

    model = str(smollm2.exported(lambda text: print(text, file=sys.stderr)))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if given.check:
            preflight(model, folder)
        elif given.memory:
            prepare(folder, 8, model)
            memory(folder, model, str(folder / "rows.jsonl"), given.only or [*MEMORY])
        else:
            against(folder, model, given.rows, given.trl, given.only or [*TRL, *O1J])


def against(folder: Path, model: str, number: int, python: str | None, clients: list[str]) -> None:
    """One client after the other, and how they compare."""
    if not python:
        print("o1j alone: --trl or O1J_TRL names the Python of an environment that has trl", file=sys.stderr)
        clients = [client for client in clients if client in O1J]
    prepare(folder, number, model)
    print(json.dumps({"untrained": in_its_own_process(sys.executable, folder, model, "unseen")}), flush=True)
    found = {}
    for client in clients:
        found[client] = measure(folder, model, client, python or "")
        print(json.dumps({"client": client, **found[client]}), flush=True)
    print(json.dumps(compare(found)))


if __name__ == "__main__":
    main()
