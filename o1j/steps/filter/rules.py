"""The rules that need nothing but the record, in the order in which they run. A rule's name is its reason."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from o1j.errors import UsageError
from o1j.steps.filter.answers import golds
from o1j.steps.filter.broken import is_broken
from o1j.steps.filter.choices import is_multiple_choice, value_of
from o1j.steps.filter.images import needs_image
from o1j.steps.filter.numbers import is_real_number
from o1j.steps.filter.parts import has_several_blanks, has_several_parts
from o1j.steps.filter.proofs import is_proof


class Noted(NamedTuple):
    """A rule's finding that goes into the record: fields to set, and the reason to drop it or None."""

    fields: Mapping[str, Any]
    reason: str | None


Rule = Callable[[Mapping[str, Any]], "str | Noted | None"]


def needs_image_rule(record: Mapping[str, Any]) -> str | None:
    """Embeds a picture or points at one: Markdown images, [asy], "as shown in the figure", 如图."""
    return "needs-image" if needs_image(_problem(record)) else None


def proof_rule(record: Mapping[str, Any]) -> str | None:
    """Asks for a proof and for nothing that has a labelled answer: "prove that", "show that", 求证, 证明."""
    return "proof" if is_proof(record) else None


def no_answer_rule(record: Mapping[str, Any]) -> str | None:
    """Has no gold in `answer` or in `solution`, or something like "证明题，略" in its place."""
    return None if golds(record) else "no-answer"


def not_numerical_rule(record: Mapping[str, Any]) -> str | None:
    """Has a gold that is not one real number; a choice letter counts as the value of its option."""
    if record.get("is_multiple_answer") is True and "," in str(record.get("answer")):
        return "not-numerical"  # OlympiadBench's "2,500" may then be two values
    for gold in golds(record):
        if not is_real_number(gold):
            value = value_of(gold, _problem(record))
            if value is None or not is_real_number(value):
                return "not-numerical"
    # Of two values to fill in the gold is one, or both run into one.
    return "not-numerical" if has_several_blanks(_problem(record)) else None


def multiple_choice_rule(record: Mapping[str, Any]) -> str | None:
    """Offers options to choose from."""
    return "multiple-choice" if is_multiple_choice(_problem(record), golds(record)) else None


def several_parts_rule(record: Mapping[str, Any]) -> str | None:
    """Asks several numbered questions at once."""
    return "several-parts" if has_several_parts(_problem(record)) else None


def broken_text_rule(record: Mapping[str, Any]) -> str | None:
    """Has a damaged problem text: too short, wrong encoding, markup left over, LaTeX or sentence cut off."""
    return "broken-text" if is_broken(_problem(record)) else None


DEFAULT = ("needs-image", "proof", "no-answer", "not-numerical")
RULES: dict[str, Rule] = {
    "needs-image": needs_image_rule,
    "proof": proof_rule,
    "no-answer": no_answer_rule,
    "not-numerical": not_numerical_rule,
    "multiple-choice": multiple_choice_rule,
    "several-parts": several_parts_rule,
    "broken-text": broken_text_rule,
}


# Reasons of the rules that an option brings in, and that option; they run after those above, in this order.
ASKED_FOR = {
    "duplicate": "--dedup",
    "contaminated": "--decontaminate",
    "not-reflective": "--reflective",
    "where": "--where",
}


def choice_value(record: Mapping[str, Any]) -> Noted | None:
    """Sets `answer` to the value of the option where it is a choice letter; drops nothing."""
    answer = record.get("answer")
    value = value_of(answer, _problem(record)) if isinstance(answer, str) else None
    return Noted({"answer": value}, None) if value else None


def choose(names: str | None = None, skip: tuple[str, ...] | list[str] = ()) -> list[Rule]:
    """The rules of a comma-separated list (None: the default ones) less those in `skip`, in the table's order.

    Raises UsageError for a name that is no rule.
    """
    wanted = DEFAULT if names is None else tuple(name.strip() for name in names.split(",") if name.strip())
    for option, given in (("--rules", wanted), ("--skip", skip)):
        for name in given:
            if name in ASKED_FOR:
                raise UsageError(f"{option} {name}: that rule is asked for with {ASKED_FOR[name]}")
            if name not in RULES:
                raise UsageError(f"{option} {name}: no such rule; o1j filter --list-rules shows them")
    return [rule for name, rule in RULES.items() if name in wanted and name not in skip]


def with_rule(rules: Iterable[Rule], name: str) -> list[Rule]:
    """`rules` and one more, in the table's order."""
    wanted = [*rules, RULES[name]]
    return [rule for rule in RULES.values() if rule in wanted]


def _problem(record: Mapping[str, Any]) -> str:
    problem = record.get("problem")
    return problem if isinstance(problem, str) else ""
