"""Prompts: slots that LaTeX can't break, and that are all filled."""

import pytest

from o1j import prompts
from o1j.errors import Unavailable, UsageError


def test_filling_leaves_tex_and_dollars_alone(tmp_path) -> None:
    (tmp_path / "p.md").write_text("---\nsource: me\n---\n{{problem}} costs $5: \\boxed{}")
    prompt = prompts.load(str(tmp_path / "p.md"), slots=("problem",))
    assert prompt.fill(problem="$x_{1}$ {{answer}}") == "$x_{1}$ {{answer}} costs $5: \\boxed{}"


def test_half_a_character_does_not_stop_a_prompt() -> None:
    assert prompts.Prompt("p", "{{problem}}!").fill(problem="\ud800 \ud83d\ude00") == "\ufffd \U0001f600!"


def test_provenance_is_neither_sent_nor_hashed(tmp_path) -> None:
    (tmp_path / "a.md").write_text("---\nsource: me\n---\n{{problem}}")
    (tmp_path / "b.md").write_text("{{problem}}")
    a, b = (prompts.load(str(tmp_path / name), slots=("problem",)) for name in ("a.md", "b.md"))
    assert (a.text, a.hash) == (b.text, b.hash)


def test_a_missing_or_unknown_slot_is_an_error(tmp_path) -> None:
    (tmp_path / "p.md").write_text("{{problme}}")
    with pytest.raises(UsageError, match="problem"):
        prompts.load(str(tmp_path / "p.md"), slots=("problem",))
    (tmp_path / "p.md").write_text("{{problem}} {{hint}}")
    with pytest.raises(UsageError, match="hint"):
        prompts.load(str(tmp_path / "p.md"), slots=("problem",))


def test_a_missing_file_is_unreachable() -> None:
    with pytest.raises(Unavailable, match=r"nowhere\.md"):
        prompts.load("nowhere.md")


@pytest.mark.parametrize("verb", ["rewrite", "distill", "translate", "eval"])
def test_print_prompt_prints_what_would_be_sent(o1j, verb: str) -> None:
    done = o1j(verb, "--print-prompt")
    assert done.stdout.decode().strip() == prompts.load(verb, optional=("problem", "solution", "language", "text")).text
