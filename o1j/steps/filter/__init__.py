"""Filter: keep the problems worth distilling, and give every drop a name."""

from collections.abc import Iterable, Iterator

from o1j.records import Dropped, Record
from o1j.steps.filter.answers import with_answer
from o1j.steps.filter.rules import ASKED_FOR, DEFAULT, RULES, Noted, Rule, choice_value, choose, with_rule

__all__ = [
    "ASKED_FOR",
    "DEFAULT",
    "RULES",
    "Noted",
    "Rule",
    "catalogue",
    "choice_value",
    "choose",
    "filter",
    "judge",
    "with_rule",
]


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


def catalogue() -> list[dict[str, str | bool]]:
    """Every rule in the order in which they run: {rule, default, asked_for_by, drops}."""
    from o1j.steps.filter.contamination import Contamination
    from o1j.steps.filter.duplicates import ExactDuplicates
    from o1j.steps.filter.reflection import Reflective
    from o1j.steps.filter.where import Where

    rows = [(name, "--rules" if name not in DEFAULT else "", rule) for name, rule in RULES.items()]
    asked = zip(ASKED_FOR.items(), (ExactDuplicates, Contamination, Reflective, Where), strict=True)
    rows += [(name, option, rule) for (name, option), rule in asked]
    return [
        {
            "rule": name,
            "default": name in DEFAULT,
            "asked_for_by": option,
            "drops": " ".join((rule.__doc__ or "").split()),
        }
        for name, option, rule in rows
    ]
