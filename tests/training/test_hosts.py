"""Runs on many machines: DeepSpeed's real launcher over stand-ins for pdsh and srun that start everything here."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import O1J, processes_of

from o1j.errors import InputError, Unavailable, UsageError
from o1j.training import hosts, launch
from o1j.training.settings import Settings
from o1j.training.train import device

# `pdsh -S -f 9 -w a,b COMMAND`: COMMAND on each host, %n its number, lines behind its name; nobody answers at far-*.
PDSH = """
import subprocess, sys, threading
words = sys.argv[1:]
while words[0].startswith("-"):
    option = words.pop(0)
    value = words.pop(0) if option in ("-f", "-w") else ""
    names = value.split(",") if option == "-w" else []
line, codes = " ".join(words), []
assert "pkill" not in line  # it would end other jobs on the hosts
def start(number, name):
    if name.startswith("far-"):
        print(f"{name}: ssh: connect to host {name} port 22: Connection refused", file=sys.stderr, flush=True)
        codes.append(255)
    else:
        run = subprocess.Popen(["sh", "-c", line.replace("%n", str(number))], stdout=-1, stderr=-2, text=True)
        for text in run.stdout:
            print(f"{name}: {text}", end="", flush=True)
        codes.append(run.wait())
    if codes[-1]:
        print(f"pdsh@here: {name}: ssh exited with exit code {codes[-1]}", file=sys.stderr, flush=True)
threads = [threading.Thread(target=start, args=pair) for pair in enumerate(names)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
sys.exit(max(codes))
"""
# `srun -n N [--kill-on-bad-exit=1] --export=ALL,… COMMAND`: COMMAND N times, told apart by Slurm's variables alone.
SRUN = """
import os, subprocess, sys
assert sys.argv[1] == "-n" and sys.argv[3] == "--kill-on-bad-exit=1" and sys.argv[4].startswith("--export=ALL")
runs = [
    subprocess.Popen(sys.argv[5:], env={**os.environ, "SLURM_PROCID": str(n), "SLURM_LOCALID": str(n)})
    for n in range(int(sys.argv[2]))
]
sys.exit(max(run.wait() for run in runs))
"""
SCONTROL = """
import sys
print("node-a\\nnode-b" if sys.argv[1:] == ["show", "hostnames", "node-[a-b]"] else " ".join(sys.argv[1:]))
"""
RUN = "import sys; from o1j.cli import main; sys.exit(main())"
ROOT = Path(__file__).resolve().parent.parent.parent
TOLD = ["--gpus", "cpu", "--lr", "3e-2", "--batch-size", "4", "--max-length", "128", "--no-packing", "--epochs", "5"]


@pytest.fixture
def site(tmp_path) -> dict[str, str]:
    """An environment in which pdsh and Slurm are installed; torchrun's words in it are another run's."""
    for name, code in (("pdsh", PDSH), ("srun", SRUN), ("sinfo", ""), ("scontrol", SCONTROL), ("o1j", RUN)):
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!{sys.executable}\n{code}")
        path.chmod(0o755)
    found = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": found, "OMP_NUM_THREADS": "1", "RANK": "7", "WORLD_SIZE": "9"}


def call(model: Path, lessons: Path, folder: Path, names: list[str], port: int, *more: str) -> list[str]:
    (folder / "hostfile").write_text("# two machines\n" + "".join(f"{name} slots=1\n" for name in names))
    told = ["--output", str(folder / "out"), "--hostfile", str(folder / "hostfile"), "--master-addr", "127.0.0.1"]
    return [*O1J, "train", str(model), str(lessons), *told, "--master-port", str(port), *TOLD, *more]


def workers(folder: Path) -> list[int]:
    """Ranks of a run into `folder`, launchers not counted."""
    running = processes_of(folder).items()
    return [pid for pid, words in running if b"worker\0" in words and b"deepspeed.launcher" not in words]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a slots=2\nb\n", "hostfile:2: 'b' is no host; expected a line like: node-1 slots=8"),
        ("a slots=0\n", "hostfile:1: "),
        ("-oProxyCommand=x slots=1\n", "hostfile:1: "),
        ("a slots=2\n\na slots=3\n", "hostfile:3: a stands there twice"),
        ("# nothing\n", "no host in it"),
        ("localhost slots=1\nb slots=1\n", "the name that they know this machine by"),
    ],
)
def test_a_bad_hostfile_is_65_with_its_line_and_what_to_write(tmp_path, text, message) -> None:
    (tmp_path / "hostfile").write_text(text)
    with pytest.raises(InputError) as caught:
        hosts.read(str(tmp_path / "hostfile"))
    assert message in str(caught.value)


def test_a_hostfile_says_how_many_ranks_each_host_gets(tmp_path) -> None:
    path = tmp_path / "hostfile"
    path.write_text("a slots=2 # the fast one\n\nb  slots=4\n")
    assert hosts.read(str(path)) == {"a": 2, "b": 4}
    path.write_text("localhost slots=3\n")
    assert hosts.read(str(path)) == {"localhost": 3}
    with pytest.raises(Unavailable, match="no such file"):
        hosts.read(str(tmp_path / "nowhere"))


def test_a_host_that_cannot_be_reached_is_69_and_named(toy_model, lessons, site, tmp_path) -> None:
    told = call(toy_model, lessons, tmp_path, ["node-a", "far-b"], 29611)
    done = subprocess.run(told, capture_output=True, text=True, timeout=100, env=site)
    assert done.returncode == 69
    assert "host far-b: far-b: ssh: connect to host far-b port 22: Connection refused" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_cannot_be_launched_is_said_before(monkeypatch) -> None:
    with pytest.raises(UsageError, match="--hostfile says how many processes"):
        device("cpu", 2, slots=4)
    assert device("auto", None, slots=4) == ("cuda", 4)
    with pytest.raises(UsageError, match="each GPU gets one process"):
        device("2", 3)
    with pytest.raises(Unavailable, match="99 GPUs: this machine has"):
        device("99", None)
    with pytest.raises(UsageError, match="pdsh, openmpi, slurm"):
        hosts.check(Settings("", "", "", launcher="rsh"))
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Unavailable, match="pdsh is not there; install it"):
        hosts.check(Settings("", "", "", launcher="pdsh"))


@pytest.mark.timeout(300)
def test_pdsh_a_rank_that_dies_on_one_host_ends_those_on_the_others(toy_model, lessons, site, tmp_path) -> None:
    pytest.importorskip("deepspeed")
    told = call(toy_model, lessons, tmp_path, ["node-a", "node-b"], 29612)
    run = subprocess.Popen(told, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=site)
    assert [json.loads(run.stdout.readline())["step"] for _ in range(3)] == [1, 2, 3]
    os.kill(workers(tmp_path)[-1], signal.SIGKILL)
    _, stderr = run.communicate(timeout=100)
    assert run.returncode == 1
    assert "rank" in stderr or "ssh exited with exit code" in stderr
    assert "of 2 hosts" in stderr
    assert not workers(tmp_path)
    assert not list((tmp_path / "out").glob(".o1j-*"))


@pytest.mark.timeout(300)
def test_the_slurm_recipe_trains_and_goes_back_into_the_queue_when_its_time_is_up(
    toy_model, lessons, site, tmp_path
) -> None:
    pytest.importorskip("deepspeed")
    place = {"MODEL": str(toy_model), "DATA": str(lessons), "OUT": str(tmp_path / "out"), "SLURM_JOB_ID": "9613"}
    nodes = {"SLURM_JOB_NODELIST": "node-[a-b]", "SLURM_NTASKS_PER_NODE": "1"}
    told = {"OPTIONS": " ".join([*TOLD, "--master-addr", "127.0.0.1", "--save-steps", "1"])}
    job = {
        "args": ["bash", str(ROOT / "examples" / "train.slurm")],
        "env": {**site, **place, **nodes, **told},
        "cwd": tmp_path,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.STDOUT,
        "text": True,
    }
    first = subprocess.Popen(**job)
    while first.poll() is None and not (tmp_path / "out" / "checkpoints" / "latest.json").exists():
        time.sleep(0.1)
    first.send_signal(signal.SIGTERM)
    said, _ = first.communicate(timeout=100)
    assert "requeue 9613" in said
    assert "checkpoint after step" in said
    assert not list(tmp_path.glob("hosts.*"))

    again = subprocess.run(**job, timeout=200, check=False)
    assert again.returncode == 0, again.stdout
    assert "going on after step" in again.stdout
    lines = [json.loads(line) for line in (tmp_path / "out.metrics.jsonl").read_text().splitlines()]
    assert lines[0]["step"] > 1
    assert lines[-1]["step"] == 30
    assert lines[-1]["output"] == str(tmp_path / "out")


def test_open_mpi_is_asked_for_as_many_ranks_as_there_are_slots(site, tmp_path) -> None:
    pytest.importorskip("deepspeed")
    for name, code in (("ompi_info", ""), ("mpirun", "import json, sys; print(json.dumps(sys.argv[1:]))")):
        (tmp_path / "bin" / name).write_text(f"#!{sys.executable}\n{code}")
        (tmp_path / "bin" / name).chmod(0o755)
    told = {"launcher": "openmpi", "hosts": {"a": 2, "b": 2}, "world": 4, "master_addr": "a"}
    settings = Settings("", "", str(tmp_path), launcher_args="--mca btl_tcp_if_include ib0", **told)
    command = hosts.launcher(settings, tmp_path / "settings.json")
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, env=site, check=True)
    (words,) = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('["-n"')]
    assert words[:2] == ["-n", "4"]
    assert words[words.index("-hostfile") + 1] == str(tmp_path / "hostfile")
    assert words[-3:] == ["-m", "o1j.training.worker", str(tmp_path / "settings.json")]
    assert "eth0" not in words

    environment = {"OMPI_COMM_WORLD_RANK": "3", "OMPI_COMM_WORLD_LOCAL_RANK": "1"}
    assert hosts.rank(environment, settings) == 3
    assert (environment["LOCAL_RANK"], environment["WORLD_SIZE"], environment["MASTER_ADDR"]) == ("1", "4", "a")


def test_a_rank_elsewhere_ends_when_the_signs_of_life_do(tmp_path) -> None:
    code = (
        "import sys, time; from o1j.training import worker; from o1j.training.settings import Settings\n"
        "worker._die_with(Settings('', '', sys.argv[1], hosts={'far': 1}, host='far', patience=1.0))\n"
        "time.sleep(60)"
    )
    started = time.monotonic()
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], timeout=50).returncode == 1
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(("seen", "number"), [(8, 3), (1, 0)])
def test_a_rank_takes_the_gpu_of_its_number_or_the_only_one_that_it_sees(seen, number) -> None:
    environment = {"LOCAL_RANK": "3"}
    assert hosts.slot(environment, seen) == number
    assert environment["LOCAL_RANK"] == str(number)  # which DeepSpeed takes its device from


def test_a_rank_without_a_gpu_of_its_own_says_so() -> None:
    with pytest.raises(RuntimeError, match="has 2 GPUs, too few for its process 4"):
        hosts.slot({"LOCAL_RANK": "3"}, 2)
    with pytest.raises(RuntimeError, match="has 0 GPUs"):
        hosts.slot({"LOCAL_RANK": "0"}, 0)


@pytest.mark.parametrize(
    ("kind", "given", "shown"),
    [
        ("cuda", "4,6,7", ["4", "6"]),  # the launcher puts its own list in the place of the user's
        ("cuda", "GPU-1a, GPU-2b", ["GPU-1a", "GPU-2b"]),
        ("cuda", "", [0, 1]),
        ("cpu", "4,6,7", [0, 1]),
    ],
)
def test_ranks_get_the_gpus_that_o1j_was_given(monkeypatch, tmp_path, kind, given, shown) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    command = launch.launcher(Settings("", "", str(tmp_path), device=kind, world=2), tmp_path / "settings.json")
    (world,) = [word.removeprefix("--world_info=") for word in command if word.startswith("--world_info=")]
    assert json.loads(base64.urlsafe_b64decode(world)) == {"localhost": shown}


def test_gpu_memory_grows_with_the_rows_unless_the_user_says_how() -> None:
    settings = Settings("", "", "", device="cuda")
    own = {"PYTORCH_ALLOC_CONF": "backend:cudaMallocAsync"}
    for environment, told in (({}, "expandable_segments:True"), (own, None)):
        hosts.rank(environment, settings)
        assert environment.get("PYTORCH_CUDA_ALLOC_CONF") == told
