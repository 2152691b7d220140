"""Many machines: DeepSpeed's hostfile, and what its launcher can start ranks with on each of them."""

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from o1j.errors import InputError, Unavailable, UsageError
from o1j.training.settings import Settings

# What DeepSpeed calls each way, the program that it looks for, and what the user does where that is missing.
LAUNCHERS = {
    "pdsh": ("pdsh", "install it (Debian: pdsh); it needs ssh without password to every host"),
    "openmpi": ("ompi_info", "install Open MPI on every host"),
    "slurm": ("sinfo", "start o1j inside a Slurm allocation"),
}
_LINE = re.compile(r"(\S+)\s+slots=(\d+)\s*(?:#.*)?")
_SEEN = "o1j-sees-it"
_GONE = (
    "ssh exited with exit code"  # how pdsh tells that a host's ranks have ended badly, while it waits for the others
)


def read(path: str) -> dict[str, int]:
    """`{host: slots}` of a hostfile of lines such as `node-1 slots=8`; InputError names a bad one.

    A file that names this machine alone gives `{"localhost": slots}`: nothing needs ssh then.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").split("\n")
    except (OSError, ValueError) as error:
        raise Unavailable(f"--hostfile {path}: {(getattr(error, 'strerror', '') or str(error)).lower()}") from error
    found: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if not match or match[2] == "0" or match[1].startswith("-"):
            raise InputError(f"{path}:{number}: {line.strip()[:80]!r} is no host; expected a line like: node-1 slots=8")
        if match[1] in found:
            raise InputError(f"{path}:{number}: {match[1]} stands there twice; add its slots up in one line")
        found[match[1]] = int(match[2])
    if not found:
        raise InputError(f"{path}:1: no host in it; expected lines like: node-1 slots=8")
    here = {"localhost", "127.0.0.1", socket.gethostname(), socket.getfqdn()}
    if len(found) == 1 and set(found) <= here:
        return {"localhost": next(iter(found.values()))}
    if {"localhost", "127.0.0.1"} & set(found):
        raise InputError(f"{path}: localhost beside other hosts; write the name that they know this machine by")
    return found


def check(settings: Settings) -> None:
    """Refuse what can't be launched before any data is read; raises UsageError or Unavailable."""
    if settings.launcher not in LAUNCHERS:
        raise UsageError(f"--launcher {settings.launcher}: expected {', '.join(LAUNCHERS)}")
    program, remedy = LAUNCHERS[settings.launcher]
    if not shutil.which(program):
        raise Unavailable(f"--launcher {settings.launcher}: {program} is not there; {remedy}")


def reach(settings: Settings) -> None:
    """Ask every host, where that is possible at no cost, for the run's folder; Unavailable names those without it.

    Samples, metrics, checkpoints and the sign to stop go through `--output`: all hosts must share it.
    """
    if settings.launcher != "pdsh":
        return
    paths = [settings.folder, *([str(Path(settings.model).resolve())] if Path(settings.model).is_dir() else [])]
    wanted = " && ".join(f"test -e {shlex.quote(path)}" for path in paths)
    ssh = f"{os.environ.get('PDSH_SSH_ARGS_APPEND', '')} -o BatchMode=yes".strip()
    done = subprocess.run(
        [
            "pdsh",
            "-S",
            "-w",
            ",".join(settings.hosts),
            *shlex.split(settings.launcher_args),
            f"{wanted} && echo {_SEEN}",
        ],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PDSH_RCMD_TYPE": "ssh", "PDSH_SSH_ARGS_APPEND": ssh},
        check=False,
    )
    answers = {line.partition(": ")[0] for line in done.stdout.splitlines() if line.rstrip().endswith(_SEEN)}
    for host in settings.hosts:
        if host not in answers:
            said = [line for line in done.stderr.splitlines() if f"{host}: " in line and _GONE not in line]
            reason = said[0].strip() if said else f"it doesn't see {' or '.join(paths)}"
            raise Unavailable(f"host {host}: {reason}; all hosts need --output and MODEL under one shared path")


def launcher(settings: Settings, told: Path) -> list[str]:
    """DeepSpeed's launcher for `settings.hosts`, up to its last argument; ranks read their settings from `told`."""
    hostfile = Path(settings.folder) / "hostfile"
    hostfile.write_text("".join(f"{host} slots={n}\n" for host, n in settings.hosts.items()), encoding="utf-8")
    return [
        *(
            sys.executable,
            "-m",
            "deepspeed.launcher.runner",
            "--hostfile",
            str(hostfile),
            "--launcher",
            settings.launcher,
        ),
        *("--no_ssh_check", "--force_multi", "--no_local_rank"),
        *(f"--master_addr={settings.master_addr}", f"--master_port={settings.master_port}"),
        *([f"--launcher_args={settings.launcher_args}"] if settings.launcher_args else []),
        *_module(settings.launcher),
        str(told),
    ]


def _module(launcher: str) -> list[str]:
    """DeepSpeed's Slurm way forgets `--module`, so there the option travels in the script's place."""
    worker = "o1j.training.worker"
    return ["--", "-m", worker] if launcher == "slurm" else ["--module", worker]


def complaint(log: Path) -> str:
    """What a launcher or a rank that could not even start said last; empty where nothing is found."""
    lines = log.read_text(encoding="utf-8", errors="replace")[-100_000:].splitlines()
    said = [line.strip() for line in lines if _GONE in line or "o1j: " in line]
    return said[-1][:500] if said else ""


def lost(log: Path) -> bool:
    """Whether pdsh has told that a host's ranks are gone."""
    return _GONE in complaint(log)


def rank(environment: dict[str, str], settings: Settings) -> int:
    """This process's rank; what mpirun and srun tell in their own words is put into torch's, in `environment`."""
    for name, theirs in (
        ("RANK", ("OMPI_COMM_WORLD_RANK", "SLURM_PROCID")),
        ("LOCAL_RANK", ("OMPI_COMM_WORLD_LOCAL_RANK", "SLURM_LOCALID")),
    ):
        told = next((environment[word] for word in (name, *theirs) if word in environment), "0")
        environment[name] = told
    if settings.device == "cuda" and "PYTORCH_ALLOC_CONF" not in environment:
        # rows differ in length: blocks of fixed size would leave gaps that nothing fits into
        environment.setdefault("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True")
    if settings.hosts:
        environment.setdefault("WORLD_SIZE", str(settings.world))
        environment.setdefault("MASTER_ADDR", settings.master_addr)
        environment.setdefault("MASTER_PORT", str(settings.master_port))
        if settings.device == "cpu":
            threads = max(1, (os.cpu_count() or 1) // max(settings.hosts.values()))
            environment.setdefault("OMP_NUM_THREADS", str(threads))
            environment.setdefault("DS_ACCELERATOR", "cpu")
    return int(environment["RANK"])


def slot(environment: dict[str, str], seen: int) -> int:
    """The number of this process's GPU among those that it sees, put where DeepSpeed looks for it: `LOCAL_RANK`.

    Slurm's --gpus-per-task shows each process one GPU only, number 0, whatever its rank on the host. RuntimeError
    where this process finds none for itself.
    """
    number = int(environment["LOCAL_RANK"]) if seen != 1 else 0
    if number >= seen:
        raise RuntimeError(f"host {socket.gethostname()} has {seen} GPUs, too few for its process {number + 1}")
    environment["LOCAL_RANK"] = str(number)
    return number
