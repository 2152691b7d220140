"""What starting o1j costs: CPU seconds of `o1j --help` and `o1j VERB --help`, as ratios to an empty Python process."""

import resource
import subprocess
import sys

RUNS = 7


def cpu(arguments: list[str]) -> float:
    """The least CPU time, user and system, of several runs in seconds: what the work takes without disturbance."""
    taken = []
    for _ in range(RUNS):
        before = _children()
        subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
        taken.append(_children() - before)
    return min(taken)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    base = cpu(["-c", "pass"])
    print(f"| command | CPU s | ratio to `python -c pass` |\n|---|---|---|\n| `python -c pass` | {base:.3f} | 1.0 |")
    for verb in ("", "filter", "rewrite", "distill", "translate", "train", "eval", "tti"):
        taken = cpu(["-m", "o1j", *verb.split(), "--help"])
        print(f"| `o1j {verb}{' ' * bool(verb)}--help` | {taken:.2f} | {taken / base:.1f} |")


if __name__ == "__main__":
    main()
