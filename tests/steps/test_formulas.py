"""Formulas become marks and come back unchanged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from o1j.steps.formulas import marks, numbers, pieces, protect, restore, signs


@pytest.mark.parametrize(
    "formula",
    [
        "$x^2$", "$$\\int_0^1 x\\,dx$$", "\\(a+b\\)", "\\[a\n+b\\]", "\\boxed{\\frac{1}{2}}", "$\\text{5 apples}$",
        "\\begin{align*}a&=b\\\\c&=d\\end{align*}", "`code here`", "```\nblock of code\n```", "<think>", "</think>",
        "![a figure](https://example.org/x.png)", "https://example.org/a_b", "<<3*4=12>>", "$ \\frac{1}{2} $",
        "$a\\$b$", "$a \\text{ if $b>0$ } c$", "⟦ 7 ⟧", "www.example.org/x_1", "someone@example.org",
        "\\begin{cases} 1 & \\text{if } x>0 \\\\ 2 \\end{cases}", "$f(x)=1，x\\in\\mathbf{R}$", "$$\nx\n\ny\n$$",
        "\\boxed{\\frac{\\frac{\\frac{\\frac{\\frac{a}{b}}{c}}{d}}{e}}{f}}",
    ],
)  # fmt: skip
def test_what_is_no_prose_is_protected(formula: str) -> None:
    guarded, formulas = protect(f"before {formula} after")
    assert formulas == [formula]
    assert guarded == "before ⟦0⟧ after"


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("See https://a.org/b?c=d, then.", "See ⟦0⟧, then."),
        ("见https://a.org/b。然后", "见⟦0⟧。然后"),
        ("\\textbf{Case 1:} all", "⟦0⟧{Case 1:} all"),
        ("\\begin{itemize}\\item[(a)] one\\end{itemize}", "⟦0⟧⟦1⟧ one⟦2⟧"),
        ("so\n~~~\ncode\n~~~\nend", "so\n⟦0⟧\nend"),
        ("过$D ,E $ 两点, 记 $ x$ 与$m \\leq 3 $。", "过⟦0⟧ 两点, 记 ⟦1⟧ 与⟦2⟧。"),
        ("If $x = $ the side, $5 and $x^2$ or $5, $y$", "If ⟦0⟧ the side, $5 and ⟦1⟧ or $5, ⟦2⟧"),
        ("unbalanced $x^2 + 3, then \\frac{1}{2}", "unbalanced $x^2 + 3, then ⟦0⟧"),
    ],
)
def test_prose_about_formulas_is_not_protected_with_them(text: str, seen: str) -> None:
    assert protect(text)[0] == seen


@pytest.mark.parametrize("text", ["$\\text{", "$\\text{a}", "\\frac{", "a.b", "\\[", "$ x", "www."])
def test_hostile_texts_are_protected_in_time(text: str) -> None:
    guarded, formulas = protect(text * 2000)  # a pattern that tries all ways would not end
    assert restore(guarded, formulas) == text * 2000


@pytest.mark.parametrize("text", ["It costs $5 and then $6.", "Tom pays $ 5 and later $ 6 more.", "from $5-$10 each"])
def test_money_is_prose(text: str) -> None:
    assert protect(text) == (text, [])


def test_a_final_line_of_gsm8k_is_protected() -> None:
    assert protect("so\n#### 18\n")[1] == ["#### 18"]


@given(st.text(alphabet="ab $\\{}⟦⟧01\n`<>", max_size=60))
def test_protecting_and_restoring_is_the_identity(text: str) -> None:
    guarded, formulas = protect(text)
    assert restore(guarded, formulas) == text
    assert set(marks(guarded)) == set(range(len(formulas)))


@given(st.text(alphabet="ab .\n。", max_size=200), st.integers(1, 50))
def test_pieces_are_the_text_again(text: str, limit: int) -> None:
    assert "".join(pieces(text, limit)) == text


def test_pieces_keep_to_the_limit_and_to_paragraphs() -> None:
    text = "one two. " * 20 + "\n\n" + "three four. " * 20
    assert all(len(piece) <= 100 for piece in pieces(text, 100))
    assert list(pieces("a\n\nb\n\nc", 4)) == ["a\n\n", "b\n\nc"]


def test_numbers_ignore_separators_marks_and_ordinals() -> None:
    assert numbers("1,000 and 2.5 on the 3rd ⟦7⟧") == {"1000": 1, "2.5": 1}


def test_digits_of_every_width_are_one_number() -> None:
    assert numbers("２０２４年共有１２个") == {"2024": 1, "12": 1}


def test_signs_are_those_of_formulas_without_tex() -> None:
    assert signs("x^2 ≥ 3, so x＝2 => done -> next") == {"^": 1, "≥": 1, "=": 1}
