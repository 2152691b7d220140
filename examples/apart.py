"""A filter: drop problems that another file has, and repetitions.

    o1j filter problems.jsonl | python examples/apart.py heldout.jsonl > kept.jsonl

Two problems are the same where they differ only in spaces and capitals. Records that stay are passed on byte for byte.
"""

import json
import sys
from collections import Counter
from pathlib import Path


def main() -> None:
    seen = {
        same(line): "contaminated" for path in sys.argv[1:] for line in Path(path).read_bytes().split(b"\n") if line
    }
    counts: Counter[str] = Counter()
    for line in sys.stdin.buffer:
        reason = seen.get(same(line), "kept")
        counts[reason] += 1
        if reason == "kept":
            seen[same(line)] = "duplicate"
            sys.stdout.buffer.write(line)
    told = ", ".join(f"{count} {reason}" for reason, count in counts.items())
    print(f"apart.py: {sum(counts.values())} read, {told}", file=sys.stderr)


def same(line: bytes) -> str:
    """What two records have in common if their problems are the same."""
    return " ".join(json.loads(line)["problem"].casefold().split())


if __name__ == "__main__":
    main()
