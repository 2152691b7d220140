"""The demo's last word: a table of two `o1j eval` outputs on the same problems, before and after.

    python examples/demo_table.py demo/before.jsonl demo/after.jsonl

Accuracy is the mean over problems of the share of right samples, with a 95 % bootstrap interval over problems; the gain
is paired by problem. Any stated final answer counts, boxed or not; "boxed" is the share of replies with a `\\boxed{}`,
so that format and skill can be told apart. "cut" is the share that reached the limit of tokens; those count as wrong.
"""

import sys
from collections.abc import Iterable
from statistics import fmean

from families import UNSEEN

from o1j import metrics, records, thinking
from o1j.records import Record

COLUMNS = ("", "problems", "before %", "95 %", "after %", "95 %", "gain", "95 %", "p", "boxed %", "cut %", "tokens")
Pairs = list[tuple[Record, Record]]


def main() -> None:
    before, after = (list(records.read(path)) for path in sys.argv[1:3])
    later = {record["id"]: record for record in after}
    pairs = [(record, later[record["id"]]) for record in before if record["id"] in later]
    pairs = [pair for pair in pairs if None not in (pair[0]["accuracy"], pair[1]["accuracy"])]
    if not pairs:
        sys.exit("demo_table.py: no problem was graded in both files")
    unseen = {family.name for family in UNSEEN}
    families = list(dict.fromkeys(record["source"] for record, _ in pairs))
    taught = [family for family in families if family not in unseen]
    groups = [
        ("all", pairs),
        ("taught families", [pair for pair in pairs if pair[0]["source"] in taught]),
        *((f"unseen: {name}", [p for p in pairs if p[0]["source"] == name]) for name in families if name in unseen),
        *((f"  {name}", [pair for pair in pairs if pair[0]["source"] == name]) for name in taught),
    ]
    table([COLUMNS, *(row(name, chosen) for name, chosen in groups if chosen)])
    print(verdict(pairs))


def row(name: str, pairs: Pairs) -> tuple[str, ...]:
    """One line: both accuracies, the paired gain, and what the replies were like before → after."""
    earlier, later = ([record["accuracy"] for record in side] for side in zip(*pairs, strict=True))
    gain = metrics.paired_bootstrap(earlier, later)
    before, after = zip(*pairs, strict=True)
    return (
        name,
        str(len(pairs)),
        percent(fmean(earlier)),
        interval(metrics.bootstrap(earlier)),
        percent(fmean(later)),
        interval(metrics.bootstrap(later)),
        f"{100 * gain['difference']:+.1f}",
        interval(gain["ci95"]),
        "< 0.001" if gain["p"] < 0.001 else f"{gain['p']:.3f}",
        *(f"{percent(share(before, what), 0)} → {percent(share(after, what), 0)}" for what in (boxed, cut)),
        f"{fmean(lengths(before)):.0f} → {fmean(lengths(after)):.0f}",
    )


def verdict(pairs: Pairs) -> str:
    """One sentence on whether the gain is beyond noise."""
    gain = metrics.paired_bootstrap([one["accuracy"] for one, _ in pairs], [one["accuracy"] for _, one in pairs])
    low, high = gain["ci95"]
    ends = f"95 % interval {100 * low:+.1f} to {100 * high:+.1f} points, paired bootstrap over problems"
    if low > 0:
        return f"After is better than before, beyond noise ({ends})."
    return f"No gain beyond noise ({ends})." if high >= 0 else f"After is worse than before ({ends})."


def share(side: Iterable[Record], holds) -> float:
    return fmean(holds(sample) for record in side for sample in record["samples"])


def boxed(sample: dict) -> bool:
    return "\\boxed" in thinking.split(sample["response"]).visible


def cut(sample: dict) -> bool:
    return sample["finish_reason"] == "length"


def lengths(side: Iterable[Record]) -> list[int]:
    return [sample["tokens"] for record in side for sample in record["samples"]]


def percent(value: float, digits: int = 1) -> str:
    return f"{100 * value:.{digits}f}"


def interval(ends: list[float]) -> str:
    return f"{percent(ends[0])} … {percent(ends[1])}"


def table(rows: list[tuple[str, ...]]) -> None:
    """Aligned columns, the first to the left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for cells in rows:
        first, *others = (
            cell.ljust(width) if not at else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        print("  ".join([first, *others]).rstrip())


if __name__ == "__main__":
    main()
