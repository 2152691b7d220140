"""Whole runs of `o1j train` with DeepSpeed on two CPU processes and a toy model: what comes out, and what survives."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from support import O1J, processes_of

from o1j.errors import O1jError, UsageError
from o1j.training import checkpoints, configuration
from o1j.training.settings import Settings
from o1j.training.train import stage, widest

pytest.importorskip("deepspeed")
pytestmark = pytest.mark.timeout(600)

TOLD = ["--gpus", "cpu", "--lr", "3e-2", "--batch-size", "4", "--max-length", "128", "--no-packing", "--epochs", "5"]
TOLD += ["--weight-decay", "0.1"]
STEPS = 30
QUIET = {
    **os.environ,
    "OMP_NUM_THREADS": "1",
}  # threads of one process that wait for each other suffer on a busy machine


def call(model: Path, lessons: Path, output: Path, *more: str) -> list[str]:
    return [*O1J, "train", str(model), str(lessons), "--output", str(output), *TOLD, *more]


def finish(command: list[str], env: dict[str, str] = QUIET) -> tuple[list[dict], subprocess.CompletedProcess]:
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, env=env)
    return [json.loads(line) for line in done.stdout.splitlines()], done


def gone(output: Path, within: float = 60) -> bool:
    end = time.monotonic() + within
    while time.monotonic() < end:
        if not processes_of(output):
            return True
        time.sleep(0.2)
    return False


@pytest.fixture(scope="module")
def undisturbed(toy_model, lessons, tmp_path_factory) -> tuple[Path, list[dict]]:
    """A run with ZeRO 2 on two processes that nothing happens to."""
    output = tmp_path_factory.mktemp("runs") / "zero2"
    metrics, done = finish(call(toy_model, lessons, output, "--nprocs", "2", "--zero", "2"))
    assert done.returncode == 0, done.stderr
    return output, metrics


def test_stdout_is_one_line_a_step_and_the_last_names_the_output(undisturbed) -> None:
    output, metrics = undisturbed
    assert [line["step"] for line in metrics] == list(range(1, STEPS + 1))
    assert {"step", "epoch", "loss", "lr", "tokens", "tokens_per_second"} <= set(metrics[0])
    assert metrics[-1]["output"] == str(output)
    assert "output" not in metrics[-2]
    assert metrics[-1]["epoch"] == 5
    assert metrics[-1]["peak_memory_gib"] > 0.1


def test_the_loss_falls(undisturbed) -> None:
    losses = [line["loss"] for line in undisturbed[1]]
    assert losses[0] > 5
    assert losses[-1] < losses[0] / 2


def test_the_model_loads_and_ends_its_turns_where_it_was_taught_to(undisturbed) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    output, _ = undisturbed
    model, notes = AutoModelForCausalLM.from_pretrained(output, output_loading_info=True)
    assert not notes["missing_keys"]
    assert AutoTokenizer.from_pretrained(output).chat_template
    ends = model.generation_config.eos_token_id
    assert 256 in (ends if isinstance(ends, list) else [ends])


def test_the_folder_tells_where_it_comes_from(undisturbed) -> None:
    output, metrics = undisturbed
    facts = json.loads((output / "o1j-training.json").read_text())
    assert facts["data"]["lineage"] == [{"step": "distill", "run": "r1", "model": "openai:teacher", "records": 24}]
    assert facts["settings"]["lr"] == 3e-2
    assert facts["result"]["loss"] == metrics[-1]["loss"]
    assert "`openai:teacher`" in (output / "README.md").read_text()
    assert not (output / "checkpoints").exists()
    assert not list(output.glob(".o1j-*"))
    assert not {"runs", "wandb"} & {path.name for path in output.iterdir()}  # nothing is reported unasked


def test_zero_3_offloaded_is_the_same_after_a_kill_a_full_disk_and_another_number_of_processes(
    undisturbed, toy_model, lessons, tmp_path
) -> None:
    output = tmp_path / "zero3"
    told = call(toy_model, lessons, output, "--zero", "3", "--offload", "--save-minutes", "0", "--save-steps", "8")

    process = subprocess.Popen([*told, "--nprocs", "2"], stdout=subprocess.PIPE, text=True, env=QUIET)
    for _ in range(10):
        process.stdout.readline()
    process.kill()
    process.wait()
    assert gone(output)
    kept = sorted(path for path in (output / "checkpoints" / "step-00000008").rglob("*") if path.is_file())
    smallest = min(path.stat().st_size for path in kept)

    full = subprocess.run(
        [*told, "--nprocs", "2", "--resume"],
        capture_output=True,
        text=True,
        timeout=200,
        env=QUIET,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (smallest - 1, smallest - 1)),
    )
    assert full.returncode == 1
    assert "the checkpoint of step 16 can't be written" in full.stderr
    assert "step 8 is kept" in full.stderr
    assert [path.name for path in (output / "checkpoints").glob("step-*")] == ["step-00000008"]
    assert all(path.exists() for path in kept)

    # Not offloaded any more, and with gradients computed from less: no loss changes with that.
    told.remove("--offload")
    metrics, done = finish([*told, "--nprocs", "1", "--resume", "--gradient-checkpointing"])
    assert done.returncode == 0, done.stderr
    assert metrics[0]["step"] == 9
    assert_same_losses(metrics, undisturbed[1][8:])
    assert metrics[-1]["tokens"] == undisturbed[1][-1]["tokens"]
    size = sum(file.stat().st_size for file in output.glob("*.safetensors"))
    assert size == sum(file.stat().st_size for file in undisturbed[0].glob("*.safetensors"))


def test_small_bites_with_an_own_configuration_learn_the_same(undisturbed, toy_model, lessons, tmp_path) -> None:
    own = {"zero_optimization": {"stage": 0}, "gradient_clipping": 1.0, "bf16": {"enabled": "auto"}}
    (tmp_path / "ds.json").write_text(json.dumps({**own, "train_batch_size": "auto"}))
    told = ["--deepspeed", str(tmp_path / "ds.json"), "--micro-tokens", "64", "--nprocs", "2"]
    metrics, done = finish(call(toy_model, lessons, tmp_path / "one", *told))
    assert done.returncode == 0, done.stderr
    assert "ZeRO 0" in done.stderr
    assert_same_losses(metrics, undisturbed[1])


@pytest.mark.parametrize(
    ("told", "zero", "code", "message"),
    [
        ('{"optimizer": {"type": "Lamb"}}', None, 2, "`optimizer` is o1j's own (--lr"),
        ('{"fp16": {"enabled": true}}', None, 2, "leave `fp16` out"),
        ('{"train_micro_batch_size_per_gpu": 4}', None, 2, "--micro-tokens"),
        ('{"train_batch_size": 64}', None, 2, "train_batch_size is 64, and --batch-size is 8"),
        ('{"zero_optimization": {"stage": 3}}', 2, 2, "stage is 3, and --zero is 2"),
        ('{"zero_optimization": {"stage": "three"}}', None, 65, "expected 0, 1, 2, 3"),
        ('{"zero_optimization": 3}', None, 65, "not a JSON object"),
        ('{"gradient_clipping": "much"}', None, 65, "`gradient_clipping` is not a number"),
        ('{"bf16": {},\n}', None, 65, "line 2 column 1"),
        (None, None, 69, "no such file"),
    ],
)
def test_a_configuration_that_o1j_would_not_follow_is_refused(tmp_path, told, zero, code, message) -> None:
    path = tmp_path / "ds.json"
    if told is not None:
        path.write_text(told)
    with pytest.raises(O1jError) as caught:
        configuration.adopt(str(path), Settings("", "", ""), zero)
    assert caught.value.exit_code == code
    assert str(caught.value).startswith(f"--deepspeed {path}: ")
    assert message in str(caught.value)


def test_what_a_configuration_says_itself_is_no_option_beside_it(toy_model, lessons, tmp_path) -> None:
    (tmp_path / "ds.json").write_text("{}")
    more = ["--deepspeed", str(tmp_path / "ds.json"), "--offload"]
    _, done = finish(call(toy_model, lessons, tmp_path / "out", *more))
    assert done.returncode == 2
    assert "offload_optimizer" in done.stderr


def printed(toy_model: Path, *more: str) -> dict:
    command = [*O1J, "train", str(toy_model), "--print-deepspeed", "--gpus", "cpu", *more]
    return json.loads(subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout)


def test_the_configuration_can_be_printed_without_input(toy_model) -> None:
    told = printed(toy_model, "--nvme", "/fast", "--clip", "0.5")["zero_optimization"]
    assert told["stage"] == 3
    assert told["offload_optimizer"] == told["offload_param"]
    assert (told["offload_param"]["device"], told["offload_param"]["nvme_path"]) == ("nvme", "/fast")


def test_the_buffers_of_a_disk_hold_a_process_s_part_of_the_largest_weight(tmp_path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "qwen2", "num_hidden_layers": 1}))
    values = 151936 * 4096  # qwen2's own sizes
    for world in (1, 2):
        settings = Settings("", "", "", zero=3, offload="/fast", widest=widest(str(tmp_path)), world=world)
        told = settings.configuration()["zero_optimization"]
        assert told["offload_param"]["buffer_size"] == values // world
        assert "buffer_size" not in told["offload_optimizer"]


def test_auto_is_filled_in_from_the_options(toy_model, tmp_path) -> None:
    zero = {"stage": "auto", "reduce_bucket_size": "auto", "allgather_bucket_size": 5}
    own = {"zero_optimization": zero, "gradient_clipping": "auto", "bf16": {"enabled": "auto"}, "train_batch_size": 16}
    (tmp_path / "ds.json").write_text(json.dumps(own))
    told = printed(
        *(toy_model, "--deepspeed", str(tmp_path / "ds.json")),
        *("--zero", "2", "--clip", "0.5", "--batch-size", "16"),
    )
    assert told["zero_optimization"] == {"stage": 2, "allgather_bucket_size": 5}
    assert told["gradient_clipping"] == 0.5
    assert told["bf16"] == {"enabled": False}


@pytest.mark.parametrize(("zero", "offload", "message"), [(0, "cpu", "from stage 1 on"), (2, "/fast", "stage 3 only")])
def test_offloading_needs_a_stage_that_can(zero, offload, message) -> None:
    with pytest.raises(UsageError, match=message):
        stage(zero, offload, on_gpu=True)
    assert stage(None, offload, on_gpu=True) >= 2


def test_adapters_are_merged_into_a_model_that_needs_no_peft(toy_model, lessons, tmp_path) -> None:
    metrics, done = finish(call(toy_model, lessons, tmp_path / "lora", "--nprocs", "2", "--zero", "3", "--lora"))
    assert done.returncode == 0, done.stderr
    assert metrics[-1]["loss"] < metrics[0]["loss"]
    names = {file.name for file in (tmp_path / "lora").iterdir()}
    assert "model.safetensors" in names
    assert not {name for name in names if "adapter" in name}
    facts = json.loads((tmp_path / "lora" / "o1j-training.json").read_text())
    assert facts["settings"]["lora"] == 16


def test_what_is_killed_goes_on_where_it_was_with_the_same_losses(undisturbed, toy_model, lessons, tmp_path) -> None:
    output = tmp_path / "killed"
    plot = tmp_path / "loss.svg"
    told = call(toy_model, lessons, output, "--nprocs", "2", "--zero", "2", "--save-minutes", "0.0001")
    told += ["--plot", str(plot)]

    # A rank dies: the other goes with it, the message says so.
    process = subprocess.Popen(told, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=QUIET)
    for _ in range(4):
        process.stdout.readline()
    os.kill(next(pid for pid, words in processes_of(output).items() if b"launch" not in words), 9)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "rank" in stderr
    assert "died" in stderr
    assert gone(output)

    # What stands there is neither overwritten nor gone on with unasked.
    refused = subprocess.run(told, capture_output=True, text=True, timeout=100)
    assert refused.returncode == 2
    assert "--resume" in refused.stderr

    # o1j itself is killed: nobody is left behind. (Stages 1 and 2 keep optimizer state in one shape.)
    told += ["--resume"]
    more = ["--zero", "1", "--offload"]
    process = subprocess.Popen([*told, *more], stdout=subprocess.PIPE, text=True, env=QUIET)
    first = json.loads(process.stdout.readline())
    assert first["step"] > 1
    process.kill()
    process.wait()
    assert gone(output)

    # Ctrl-C: a checkpoint first. (SIGTERM: see the Slurm recipe's test.)
    process = subprocess.Popen(told, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=QUIET)
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "--resume goes on" in stderr
    assert gone(output)
    assert "optimizer step" in plot.read_text()
    plot.unlink()

    # On one process: optimizer state that two had split is put together.
    metrics, done = finish([*told, "--nprocs", "1"])
    assert done.returncode == 0, done.stderr
    assert "the checkpoint is by 2 processes" in done.stderr
    assert metrics[0]["step"] > first["step"]
    assert_same_losses(metrics, undisturbed[1][-len(metrics) :])
    assert "optimizer step" in plot.read_text()
    history = [json.loads(line) for line in (output / "train.metrics.jsonl").read_text().splitlines()]
    assert_same_losses(history, undisturbed[1])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"lr": 2e-5}, "--lr was 1e-05, and is 2e-05"),
        ({"steps": 9}, "the number of steps (--epochs) was 0, and is 9"),
        ({"zero": 3}, "ZeRO 2 and ZeRO 3 keep optimizer state in different shapes"),
        ({"offload": "/fast"}, "(--nvme) is kept in files of its own"),
        ({"lora": 8, "seed": 1}, "--lora-rank was 0, and is 8; --seed was 0, and is 1"),
        ({"zero": 1, "offload": "cpu", "liger": True, "gradient_checkpointing": True, "micro_tokens": 7}, None),
        ({"world": 4, "save_steps": 3}, None),
    ],
)
def test_what_a_checkpoint_can_and_can_not_be_gone_on_with(tmp_path, changed, message) -> None:
    before = Settings("org/model", str(tmp_path), "", zero=2)
    before.checkpoints.mkdir()
    told = {"step": 3, "zero": 2, "identity": checkpoints.identify(before, "abc")}
    before.latest.write_text(json.dumps(told))
    now = replace(before, **changed)
    now.identity = checkpoints.identify(now, "abc")
    if message is None:
        checkpoints.refuse_others(now)
        now.identity = checkpoints.identify(now, "other samples")
        message = "its samples were others"
    with pytest.raises(UsageError) as caught:
        checkpoints.refuse_others(now)
    assert message in str(caught.value)


@pytest.mark.parametrize("known", [{"fingerprint": "abc"}, {"identity": {"model": "org/model", "data": "abc"}}])
def test_a_checkpoint_by_another_version_is_told_from_one_of_another_run(tmp_path, known) -> None:
    settings = Settings("org/model", str(tmp_path), "")
    settings.identity = checkpoints.identify(settings, "abc")
    checkpoints.refuse_others(settings)
    settings.checkpoints.mkdir()
    settings.latest.write_text(json.dumps({"tag": "step-1", "step": 1, "tokens": 9, "world": 1, "zero": 0, **known}))
    with pytest.raises(UsageError, match="by a version of o1j that had other settings"):
        checkpoints.refuse_others(settings)


@pytest.mark.parametrize(
    ("row", "more", "code", "message"),
    [
        (None, [], 65, "nothing to learn"),
        ({"problem": "a", "response": "b", "correct": False}, [], 65, "--include-wrong"),
        ({"problem": "a"}, [], 65, "nothing to learn"),
        ({"problem": "a", "response": "b" * 500}, [], 65, "--over-length"),
        ({"problem": "a", "response": "b"}, ["--think", "loud"], 2, "tags, plain or field"),
        ({"problem": "a", "response": "b"}, ["--gpus", "none"], 2, "--gpus"),
        ({"problem": "a", "response": "b"}, ["--epochs", "0"], 2, "--epochs 0 is no training"),
    ],
)
def test_what_would_teach_nothing_or_the_wrong_thing_is_refused(toy_model, tmp_path, row, more, code, message) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text("" if row is None else json.dumps(row) + "\n", encoding="utf-8")
    _, done = finish(call(toy_model, source, tmp_path / "out", *more))
    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_model_that_is_not_there_is_69(lessons, tmp_path) -> None:
    _, done = finish(call(tmp_path / "nowhere", lessons, tmp_path / "out"), env={**QUIET, "HF_HUB_OFFLINE": "1"})
    assert done.returncode == 69
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr


def assert_same_losses(mine: list[dict], others: list[dict]) -> None:
    assert [line["step"] for line in mine] == [line["step"] for line in others]
    for line, other in zip(mine, others, strict=True):
        assert line["loss"] == pytest.approx(other["loss"], rel=1e-3), line["step"]


def test_the_optimizer_has_not_stepped_before_the_first_step(toy_model) -> None:
    settings = Settings(str(toy_model), "", "", zero=0, precision="bf16", lr=1.0, weight_decay=1.0)
    program = (
        "from o1j.training import engine, settings; import json, sys, torch\n"
        "started = engine.start(settings.Settings(**json.loads(sys.argv[1])))\n"
        "masters = started.optimizer.optimizer\n"
        "steps = [state['step'].item() for state in masters.state.values()]\n"
        "learned = [w for group in masters.param_groups for w in group['params']]\n"
        "same = all(w.equal(m.float()) for w, m in zip(learned, [p for n in (True, False)\n"
        "    for p in started.module.parameters() if (p.dim() >= 2) == n]))\n"
        "print(json.dumps([steps, same]))\n"
    )
    place = {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0"}
    told = [sys.executable, "-c", program, json.dumps(asdict(settings))]
    env = {**QUIET, **place, "DS_ACCELERATOR": "cpu"}
    done = subprocess.run(told, capture_output=True, text=True, timeout=100, env=env)
    assert done.returncode == 0, done.stderr
    steps, same = json.loads(done.stdout.splitlines()[-1])
    assert set(steps) == {0.0}
    assert same
