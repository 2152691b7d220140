"""Filter: keep the problems worth distilling, and give every drop a name."""

from collections.abc import Iterable, Iterator

from o1j.records import Dropped, Record
from o1j.steps.filter.answers import with_answer
from o1j.steps.filter.rules import DEFAULT, RULES, Noted, Rule, choose

__all__ = ["DEFAULT", "RULES", "Noted", "Rule", "choose", "filter", "judge"]


def filter(records: Iterable[Record], rules: Iterable[Rule]) -> Iterator[Record | Dropped]:
    """Yield each record, or `Dropped` with the reason of the first of `rules` that it meets, in input order.

    `answer` is set where only `solution` carries it, before any rule looks. A rule that remembers what was kept
    (duplicates) has a method `kept`, called for each record that passed them all.

    >>> [dropped] = filter([Record({"problem": "Prove that $1<2$."})], choose())
    >>> dropped.reason
    'proof'
    """
    rules = tuple(rules)
    remembering = [rule for rule in rules if hasattr(rule, "kept")]
    for record in records:
        result = judge(record, rules)
        if remembering and not isinstance(result, Dropped):
            for rule in remembering:
                rule.kept(result)
        yield result


def judge(record: Record, rules: tuple[Rule, ...]) -> Record | Dropped:
    """One record through all rules: itself (or a copy with what was found), or `Dropped`."""
    record = with_answer(record)
    for rule in rules:
        found = rule(record)
        if found is None:
            continue
        if isinstance(found, Noted):
            record = record.but(**found.fields)
            found = found.reason
        if found is not None:
            return Dropped(record, found)
    return record
