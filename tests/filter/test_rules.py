"""The rules of `filter`, each by itself: one record, the reason or none."""

import pytest

from o1j.errors import UsageError
from o1j.records import Dropped, Record
from o1j.steps.filter import DEFAULT, RULES, choose, filter
from o1j.steps.filter.answers import answer_in, is_placeholder, with_answer
from o1j.steps.filter.choices import options, value_of
from o1j.steps.filter.numbers import is_real_number


def record(**fields: object) -> Record:
    return Record(fields)


def reason(rule: str, problem: str, answer: object = "1") -> str | None:
    return RULES[rule](record(problem=problem, answer=answer))


@pytest.mark.parametrize(
    "problem",
    [
        "Find $x$. ![](https://example.org/1.jpg)",
        "Find the area. [asy] draw((0,0)--(1,1)); [/asy]",
        "<image>\nWhat is the angle?",
        "As shown in the figure, $AB=3$. Find $BC$.",
        "As shown in Figure 1, $AB=3$. Find $BC$.",
        "In the diagram, $AB=3$. What is $BC$?",
        "The figure below shows a ring made of six small sections.",
        "Hexagon $ABCDEF$ is divided into five rhombuses as shown. Find the area.",
        "Count $2$ points and label this point $2$. (See figure.) What is the label?",
        "What is the area of the shaded region?",
        "In the figure, lines $l$ and $m$ are parallel. What is $x$?",
        "The graph of $y=f(x)$ is shown below. What is $f(2)$?",
        "Let $ABC$ be as depicted in the figure. Find $x$.",
        "A cube is cut as illustrated. Find its volume.",
        "如图, 在锐角三角形 $ABC$ 中, $AB=3$, 求 $BC$.",
        "已知三角形(如图), 求 $x$.",
        "图1是一个正方形, 求其面积.",
        "下图中阴影部分的面积是多少?",
    ],
)
def test_needs_a_picture(problem: str) -> None:
    assert reason("needs-image", problem) == "needs-image"


@pytest.mark.parametrize(
    "problem",
    [
        "Find the area of the figure bounded by $y=x^2$ and $y=1$.",
        "A line through the origin cuts this figure into two congruent polygons. Find its slope.",
        "A figure skater is facing north when she begins to spin. Which way does she face?",
        "What is the $y$-intercept of the graph of $y=2x+1$?",
        r"The first rows are shown below. $$\begin{array}{c}1\\1\ 1\end{array}$$ What is the sum of row 9?",
        "It can be shown that the sum converges. Find it.",
        "Find the image of the point $(1,2)$ under the map $f$.",
        "Every card in a deck has a picture of one shape. How many cards are there?",
        "The graph of $9x+223y=2007$ is drawn on graph paper. How many squares does it cross in quadrant one?",
        "The figure shows four entries of a square. $\\begin{array}{|l|l|} \\hline x & 19 \\end{array}$ Find $x$.",
        "How many horses are depicted in that painting of a snowy road?",
        "| 4 | 7 |\n| :---: | :---: |\n| 7 | 12 |\n\nThe first two entries of each row are shown. Find the next.",
        "In $1+3-5-7 \\ldots$ the signs alternate, as shown. What is the sum of the first 300 terms?",
        "Rows 1 to 3 of an array are shown below.\n1\n1 1\n1 3 1\nWhat is the sum of row 9?",
        "函数 $f(x)$ 的图象过点 $(1,2)$, 求 $f(3)$.",
        "求此图形的面积, 其中边长为 $3$.",
    ],
)
def test_needs_no_picture(problem: str) -> None:
    assert reason("needs-image", problem) is None


@pytest.mark.parametrize(
    ("problem", "answer"),
    [
        ("Prove that $\\sqrt{2}$ is irrational.", None),
        ("Show that $n^2+n$ is even.", ""),
        ("Let $a>b$. If $c>0$, prove $ac>bc$.", "证明题，略"),
        ("Is it true that $d(m,n)=1$? Either prove your answer or find a counterexample.", "证明题，略"),
        ("Let $ABC$ be a triangle with $AB=AC$. Then the angles at $B$ and $C$ are equal.", r"\angle B \cong \angle C"),
        ("求证: 对任意实数 $x$, 有 $x^2\\ge 0$.", "证明题"),
        ("设 $a>0$. 证明: $a+1/a\\ge 2$.", None),
        ("Prove that the equation has exactly three solutions.", "3"),
    ],
)
def test_asks_for_a_proof(problem: str, answer: object) -> None:
    assert reason("proof", problem, answer) == "proof"


@pytest.mark.parametrize(
    ("problem", "answer"),
    [
        ("Determine, with proof, how many of them end in 1.", "202"),
        ("Show that $f$ is bounded and find its maximum.", "3"),
        ("Given that it can be shown that $x$ exists, find $x$.", "3"),
        ("求最小的 $n$, 并证明你的结论.", "5"),
        ("There are 5 proofreaders. How many pairs of them are there?", "10"),
        ("Find all functions $f$ with $f(x+y)=f(x)+f(y)$.", "all linear functions are solutions"),
        ("Each shows a head. How many heads does it show?", None),
    ],
)
def test_asks_for_an_answer(problem: str, answer: object) -> None:
    assert reason("proof", problem, answer) is None


@pytest.mark.parametrize(
    "gold", ["证明题，略", "见解析", "略", "N/A", "none", "", " ", "See solution.", "\\text{proof}", "$-$"]
)
def test_stands_where_an_answer_should_be(gold: str) -> None:
    assert is_placeholder(gold)
    assert reason("no-answer", "Why?", gold) == "no-answer"


@pytest.mark.parametrize("gold", ["0", "A", "-1", "无穷大", "no", "\\emptyset"])
def test_is_an_answer(gold: str) -> None:
    assert reason("no-answer", "Why?", gold) is None


REAL = r"""12;$\frac{3\pi}{4}$;x = 5;18 dollars;20\%;2^{10}-1;$18;52_8;1,234;10,\!080;1\frac{4}{5};\frac12;
\frac{\sqrt3}2;
30^\circ;5 \text{ cm}^2;5\text{ m};\$1.50;-3.5;.5;\binom{10}{3};100!;\frac{100!}{2^{50}};\ln 2;\log_2 3;e^{-1};3:2;
\pi -\arccos \frac{1}{8};0.\overline{3};12 \times 2^{2022} - 24;S_{\max}=3;$f(2)=5$;\angle ABC = 30^\circ;P(A)=\frac12;
5厘米;20 元;15 square units;
40 miles per hour;C_{10}^{3};\boxed{5};5.;about 3.14;3.14159\ldots;\sqrt[3]{2};\sin 10^\circ;
\left(\frac{1}{2}\right)^{10};50\%;7\text{ minutes};\text{13};+1;$200 \sqrt{3}$ m;60 km/h;012;\lfloor \pi \rfloor;
\approx 3.14;$\approx 3.14$;≈2;-\frac{1+\sqrt{5}}{2};2\sqrt{ 3 } - \pi;\frac{4 \pi}{3} \sqrt{2};3^{10}+1;
x \approx 11;k = 5;S_{n}=7;3 \text{ boxes};2\,\sqrt{3};\frac{1}{\,18}"""
UNREAL = r"""2, 3;(0,1];2n;x+y=1;
1+2i;\infty;B;there are none;2 or 3;1 \pm \sqrt{19};(3,4);f(x)=1;f(x)=2x;y=-3x+39;\text{even};
2500,7500;x>3;n \geq 2;k\pi;20，30;\{1,2\};(1)(3)(4);①③;②;
1-\mathrm{i};必要不充分条件;a+b;i;\emptyset;x=1, y=2;[7, 47];Yes;
no solution;2^k;-3 m;\frac{11+9a}{20};x=2 or x=3;5 if n is even;DE;(2,251,252);\sqrt{;)(;1/;();
08-1981;1309783-00-3;(1,-6);{3,5};12 , 16;2^{n-1};\frac{x}{2};a_{n}=2^{n}-1;k=2 n-1;x^{2} = 4;\sqrt{3} y"""


@pytest.mark.parametrize("gold", REAL.replace("\n", "").split(";"))
def test_is_a_real_number(gold: str) -> None:
    assert is_real_number(gold)


@pytest.mark.parametrize("gold", UNREAL.replace("\n", "").split(";"))
def test_is_no_real_number(gold: str) -> None:
    assert not is_real_number(gold)


def test_every_one_of_several_golds_has_to_be_a_number() -> None:
    assert reason("not-numerical", "?", ["1/2", "0.5"]) is None
    assert reason("not-numerical", "?", ["1/2", "x"]) == "not-numerical"


OFFERED = r"What is $1+1$? $\textbf{(A)}\ 1\qquad\textbf{(B)}\ 2\qquad\textbf{(C)}\ x+1\qquad\textbf{(D)}\ 4$"


@pytest.mark.parametrize(
    "problem",
    [
        "则共有 \\qquad 种选法, 其中最大值是 \\qquad .",
        "The domain is ______ and the range is ______.",
        "最小值为 $\\underline{\\qquad}$, 最大值为 $\\underline{\\qquad}$.",
        "当 $x=$\\_\\_\\_\\_ 时, 最大值为 \\_\\_\\_\\_.",
    ],
)
def test_two_blanks_want_two_values(problem: str) -> None:
    assert reason("not-numerical", problem, "24112") == "not-numerical"


@pytest.mark.parametrize(
    "problem", ["的最大值为 \\qquad .", "It is ____.", OFFERED, "Let $x_{1}=x_{2}$, $y_1=y_2$, $z_1=z_2$, $a_1=a_2$."]
)
def test_one_blank_wants_one_value(problem: str) -> None:
    assert reason("not-numerical", problem, "24112") is None


def test_thousands_are_values_where_the_record_says_that_there_are_several() -> None:
    several = record(problem="?", answer=["2,500"], is_multiple_answer=True)
    assert RULES["not-numerical"](several) == "not-numerical"


def test_a_letter_counts_as_the_value_of_its_option() -> None:
    assert reason("not-numerical", OFFERED, "B") is None
    assert reason("not-numerical", OFFERED, "C") == "not-numerical"
    assert reason("not-numerical", "What is $1+1$?", "B") == "not-numerical"


@pytest.mark.parametrize(
    ("problem", "letter", "value"),
    [
        (OFFERED, "(D)", "4"),
        ("则 $x=$ ( ) A. $1$ B. $2$ C. $3$ D. $4$", "C", "$3$"),
        ("则 x=(\\quad) A. 1 B. \\frac{1}{2} C. 3", "B. \\frac{1}{2}", "\\frac{1}{2}"),
        ("轨迹为 A \\frac{1}{2} B. 2 C. 3 D. 4", "A", "\\frac{1}{2}"),
        ("Choose.\n(A) 12\n(B) 15\n(C) 18", "B", "15"),
        ("Find $AB$. [asy] dot(A); dot(B); dot(C); dot(D); [/asy]", "B", None),
        ("Let $P(A)=1$, $P(B)=2$ and $P(C)=3$.", "B", None),
        ("Points $A. B. C$ and $D$", "F", None),
    ],
)
def test_reads_the_value_behind_a_letter(problem: str, letter: str, value: str | None) -> None:
    assert value_of(letter, problem) == value


def test_options_end_where_the_paragraph_ends() -> None:
    assert options("Q (A) 1 (B) 2 (C) 3\n\nGood luck") == {"A": "1", "B": "2", "C": "3"}


def test_multiple_choice_is_named_when_asked_for() -> None:
    assert reason("multiple-choice", OFFERED, "B") == "multiple-choice"
    assert reason("multiple-choice", "In triangle $ABC$, find $AB$.", "2") is None


@pytest.mark.parametrize(
    "problem",
    [
        "Let $f(x)=x$. (1) Find $f(1)$. (2) Find $f(2)$.",
        "(a) Prove that $a>b$.\n(b) Prove that $b>c$.",
        "已知 $a=1$. (1) 求 $b$; (2) 求 $c$ 的取值范围.",
        "(Ⅰ)求 $a$ 的值;(Ⅱ)证明 $a>0$.",
        "a) Does one exist? b) Do two exist?",
        "Let $x>1$. Prove that (a) $x^2>x$; (b) $x^3>x$.",
        "设 $a>1$, 证明: (1) $a^2>a$; (2) $a^3>a$.",
        "A set is given. (a) List its elements. (b) Describe its subsets.",
        "已知 (1) $f(1)=1$; (2) $f(2)=2$. (1) 求 $f(3)$; (2) 求 $f(4)$.",
        "解方程: (1) $x^2=4$; (2) $x^3=8$.",
        "计算: ① $1+1$; ② $2+2$.",
        "A) Find $x$. B) Find $y$.",
        "The roots of a polynomial are given. Find: 1) their sum; 2) their product.",
        "[b]p1.[/b] Find $x$ if $x=1$.\n\n[b]p2.[/b] Find $y$ if $y=2$.",
        "（本小题满分12分）已知 $a=1$. （Ⅰ）求 $b$；（Ⅱ）求 $c$.",
        "Part A: What is $x$? Part B: What is $y$?",
    ],
)
def test_asks_several_questions(problem: str) -> None:
    assert reason("several-parts", problem) == "several-parts"


@pytest.mark.parametrize(
    "problem",
    [
        "A function satisfies (i) $f(0)=1$ and (ii) $f(x+1)=2f(x)$. Find $f(5)$.",
        "若 (1) $f(1)=1$; (2) $f(2)=2$, 求 $f(3)$.",
        "Jo writes (1) the list of numbers that we give her, (2) the state of each lamp. How many letters are that?",
        "Rules: 1) Choose a column from which a target is broken. 2) Break it. In how many orders?",
        "If $f(1)=2$ and $f(2)=5$, find $f(3)$.",
        "Find all $n$ that are: (1) prime, (2) below ten.",
        "Which one holds? A) one finds two B) one finds three C) none",
        OFFERED,
    ],
)
def test_asks_one_question(problem: str) -> None:
    assert reason("several-parts", problem) is None


@pytest.mark.parametrize(
    "problem",
    [
        "",
        "Find",
        "Find $\\frac{x}{2$ when $x=3$ holds.",
        "Find \x0crac{1}{2} of the number 12.",
        "Solve $\\left{x+y=1\\right.$ for $x$.",
        "What is 3 &lt; 5 in this &nbsp; text?",
        "How many numbers are there in the",
        "CafÃ© costs 3 euros; how much do two cost?",
        "\\begin{align} x &= 1 and find x now",
        "What does \ufffd mean in this equation?",
        "Find $x$ if $x+1=2$.\n\nTranslate the above text into English, and output the translation result directly.",
        "æ±‚ $x$ çš„å€¼ï¼Œ å…¶ä¸­ $x>0$ã€‚",
        "Let $P$ and Q^{\\prime}$ be two regions. Which is larger?",
        "An $n \times n$ board is given. How many cells has it?",
        "Find all $x \neq 0$ with $x^2=x$.",
        "åœ¨æ¤\xadåœ†ä¸\xad, $A$ ä¸ºé•¿è½´çš„ä¸€ä¸ªç«¯ç‚¹, find $B$.",
        "Find the value of $x$鈥攖hat is, solve $x=1$.",
        "ÐÐ°Ð¹Ð´Ð¸Ñ‚Ðµ $x$, ÐµÑÐ»Ð¸ $x=1$.",
        "What is 5<sup>2</sup> plus 3?<br/>Give it as a number.",
        "Find $x$ if $x+1=2$.\n[i]Proposed by nobody[/i]",
        "Let $O be the centre of the circle. Find the length of $AB$.",
        "一次竞赛共 6$ 道题, 每题答对得 $7$ 分, 求总分.",
        "A worker has a wage of \\$20{,}000$ and saves $5\\%$ of it. How much is that?",
        "A pen costs $\\$ 19$ and a book $x dollars, where $x^2=4$ and $y=3$. What do they cost?",
        "Sides of length $10$, 12$ and $14$ are given. Find the perimeter.",
        "Let x=\\frac{1}{2} and $y=3$. Find $x+y$.",
        r"求下表的和. \begin{tabular}{|l|l|} \hline 1 & 2 \ \hline 3 & 4 \ \hline \end{tabular}",
        r"设 $f(x)=\begin{cases} x, x<0 \ x^2, x>0 \end{cases}$, 求 $f(1)$.",
    ],
)
def test_text_is_damaged(problem: str) -> None:
    assert reason("broken-text", problem) == "broken-text"


@pytest.mark.parametrize(
    "problem",
    [
        "A pen costs $5 and a book $12.50 more. What do they cost together?",
        "He pays $500/month. How much is that in a year?",
        "The superfactorial $n\\$$ is huge. What is the units digit of $4\\$$?",
        "A pen costs $5 and $\\frac{1}{2}$ of a book $3. What do they cost?",
        "Let $x=1$.\r\nFind $x+1$ and say whether it is even.\r\n",
        "Le côté « AB » mesure $3$ et l'été « passé » dure. Find the naïve café's area.",
        "A book of 300 pages is translated at 6 pages a day. How long does that take? (Hint: divide.)",
        "Translate the graph of $y=x^2$ by $2$ to the right. What is its equation?",
        "Find all reals $x$ with $|x|<3$ and $x>1$; is $1<2$ needed?",
        "Find $\\{x \\mid x>1\\}$ and its infimum.",
        "\\begin{cases}x=1\\\\y=2\\end{cases} Find $x+y$.",
        "求 $x$ 的值, 其中 $x>0$ 且 $x^2=4$.",
        "则 a, b, c 的大小关系为 (\\quad) A. a>b>c B. b>a>c C. c>a>b D. b>c>a",
        "Carmen has $100, Samantha has $25 more and Daisy $50 more. How much have they?",
        "Each pepper costs 15$. How much are 4 of them?",
        "After a sale of $20\\%$ and a tax of $7.5\\%$ he had $$43$ dollars. What was the price?",
        "A box of $x$ pens costs $3.50 and $y$ boxes cost $\\$ 7$. Find $y$.",
        "Which two languages were used for their translation results?",
        "京海市在哪？",
        r"Find $x$ if \[\frac{x}{2}=\sqrt{3}\] and $y=\$3$.",
        r"\begin{align*}x^{2}&=1\\y&=2\end{align*} Find $x+y$ if \(\frac{x}{y}>0\).",
        r"$\begin{array}{|c|c|} \hline n \ \text{fish} & 0 \\ \hline 1 & 2 \\ \hline \end{array}$ How many?",
    ],
)
def test_text_is_whole(problem: str) -> None:
    assert reason("broken-text", problem) is None


@pytest.mark.parametrize(
    ("solution", "answer"),
    [
        ("So $x=\\boxed{\\frac{1}{2}}$.", "\\frac{1}{2}"),
        ("First \\boxed{3}. No, it must be \\boxed{4}.", "4"),
        ("The roots are \\boxed{2} and \\boxed{3}.", "2, 3"),
        ("It is \\boxed{2}, hence \\boxed{2}.", "2"),
        ("Thus \\boxed 7.", "7"),
        ("9 + 9 = 18\n#### 18", "18"),
        ("We add.\nThe final answer is 12.", "12"),
        ("故答案为: 12", "12"),
        ("An unfinished \\boxed{3", None),
        ("Nothing is stated here.", None),
    ],
)
def test_finds_the_answer_in_a_solution(solution: str, answer: str | None) -> None:
    assert answer_in(solution) == answer


def test_sets_answer_where_only_the_solution_carries_it() -> None:
    [kept] = filter([record(problem="$1+1=?$", solution="It is $\\boxed{2}$.")], choose())
    assert kept == {"problem": "$1+1=?$", "solution": "It is $\\boxed{2}$.", "answer": "2"}


@pytest.mark.parametrize(
    ("line", "written"),
    [
        (
            b'{"problem":"?","solution":"\\\\boxed{2}","n":1e3}\n',
            b'{"problem":"?","solution":"\\\\boxed{2}","n":1e3,"answer":"2"}\n',
        ),
        (
            b'{"problem": "?", "solution": "\\\\boxed{2}" }',
            b'{"problem": "?", "solution": "\\\\boxed{2}", "answer": "2"}\n',
        ),
    ],
)
def test_the_rest_of_the_line_stays_as_it_was_spelt(line: bytes, written: bytes) -> None:
    found = with_answer(Record({"problem": "?", "solution": "\\boxed{2}"}, raw=line))
    assert found.raw == written


def test_an_empty_answer_is_filled_in_its_place() -> None:
    found = with_answer(
        Record({"answer": None, "solution": "\\boxed{2}"}, raw=b'{"answer":null,"solution":"\\\\boxed{2}"}\n')
    )
    assert (found.raw, found) == (None, {"answer": "2", "solution": "\\boxed{2}"})


def test_a_rationale_in_answer_becomes_the_solution() -> None:
    found = with_answer(record(problem="?", answer="9+9=<<9+9=18>>18\n#### 18"))
    assert found == {"problem": "?", "answer": "18", "solution": "9+9=<<9+9=18>>18\n#### 18"}


def test_of_several_solutions_the_one_with_an_answer_speaks() -> None:
    assert with_answer(record(problem="?", solution=["See above.", "\\boxed{5}"]))["answer"] == "5"


def test_a_record_with_an_answer_is_not_touched() -> None:
    given = record(problem="?", answer="3", solution="\\boxed{4}")
    assert with_answer(given) is given


def test_order_is_kept_and_the_first_rule_that_fires_names_the_drop() -> None:
    records = [
        record(problem="Prove that the figure below is a square.", answer=None),
        record(problem="$1+1=?$", answer="2"),
        record(problem="Prove that $1<2$."),
    ]
    results = list(filter(records, choose()))
    assert [result.reason if isinstance(result, Dropped) else None for result in results] == [
        "needs-image",
        None,
        "proof",
    ]


def test_rules_run_in_the_order_of_the_table_whatever_order_is_asked_for() -> None:
    assert choose("no-answer,proof") == [RULES["proof"], RULES["no-answer"]]
    assert choose(None, ["proof"]) == [RULES[name] for name in DEFAULT if name != "proof"]


def test_an_unknown_rule_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="proofs: no such rule"):
        choose("proofs")


def test_records_without_a_problem_meet_no_rule_but_answers() -> None:
    assert [RULES[name](record(answer="3")) for name in DEFAULT] == [None] * 4
