"""Where the final answer stands in a reply."""

import pytest

from o1j.grading import extract, grade

FOUND = {
    "box": [
        ("So it is $\\boxed{\\frac{1}{2}}$.", "\\frac{1}{2}"),
        ("\\boxed{\\text{a } \\{1, 2\\}}", "\\text{a } \\{1, 2\\}"),
        ("\\fbox{7} and that's it", "7"),
        ("\\framebox[2cm]{7}", "7"),
        ("so \\boxed 7.", "7"),
        ("It is \\boxed{3}. Hold on, I forgot a case. So \\boxed{2}.", "2"),
        ("\\boxed{3}, no, \\boxed{2}", "2"),
        ("\\boxed{4} is right; the box \\boxed{} stays empty", "4"),
        ("<think>maybe \\boxed{1}</think>It is \\boxed{2}.", "2"),
        ("maybe \\boxed{1}</think>It is \\boxed{2}.", "2"),
        ("\\boxed{5} in the text. Final Answer: The final answer is $6$. I hope it is correct.", "6"),
    ],
    "tags": [
        ("<think>2+2</think><answer>4</answer>", "4"),
        ("<answer>It is \\boxed{5}.</answer>", "5"),
        ("<think>…</think><|begin_of_box|>2<|end_of_box|>", "2"),
        ("<answer>see below</answer> \\boxed{3}", "3"),
    ],
    "a brace is missing": [
        ("So it is $\\boxed{\\frac{1}{2}$.", "\\frac{1}{2}"),
        ("Therefore \\(\\boxed{7\\).", "7"),
    ],
    "boxes of one answer": [
        ("$\\boxed{1}$ and $\\boxed{2}$", "1, 2"),
        ("\\[\\boxed{(1, 2)}, \\boxed{(2, 1)}\\]", "(1, 2), (2, 1)"),
        ("\\boxed{-2} \\quad \\text{and} \\quad \\boxed{1}.", "-2, 1"),
        ("\\boxed{2}, \\boxed{3} and \\boxed{5}", "2, 3, 5"),
        ("$y_1 = \\boxed{2x}$ and $y_2 = \\boxed{3x}$", "2x, 3x"),
        ("\\boxed{1} thus, after all, \\boxed{2}", "2"),
        ("We get \\boxed{8}.\n\nSo the area is \\boxed{16}", "16"),
        ("\\boxed{20}\\%", "20\\%"),
    ],
    "said": [
        ("Thus, the final answer is 12.", "12"),
        ("**Final Answer:** 42", "42"),
        ("The answer is $x = 5$. Bye.", "x = 5"),
        ("The answer is 42.", "42"),
        ("Answer: (C)", "C"),
        ("The answer is for sure D, it can't be A or B", "D"),
        ("So the answer is $\\frac{1}{2}$ and $3$.", "\\frac{1}{2}, 3"),
        ("The answer is 3. Wait, no. The answer is 4.", "4"),
        ("#### 1,234", "1,234"),
        ("He has 3 + 4 = 7.\n#### 7", "7"),
        ("所以答案是 B。", "B"),
        ("故选C", "C"),
        ("答案为：$\\frac{1}{3}$", "\\frac{1}{3}"),
        ("最终答案：12", "12"),
        ("The answer is 42 because x=2.", "42"),
        ("The final answer is 5, obviously.", "5"),
        ("The answer is yes, because 7 is prime.", "yes"),
        ("The answer is probably 42.", "42"),
        ("The answer is _120°_.", "120°"),
        ("the answer is c", "C"),
        ("#### 12\nCorrection. Answer: 13 widgets", "13 widgets"),
        ("#### Step 2: adding\n3 + 4 = 7\n#### 7", "7"),
        ("正确选项为 D", "D"),
        ("经过分析，正确答案是 A。", "A"),
        ("最后答案：A\n补充说明若干", "A"),
        ("Ответ: 15", "15"),
        ("Đáp án: 365", "365"),
        ("答えは 12", "12"),
    ],
    "said, and what follows from it": [
        ("The answer is $\\frac{54+1}{703} = \\frac{55}{703}$, and $m+n = 758$.", "758"),
        ("So, I think the answer is 25/162, so m + n is 187.", "187"),
        ("Our final answer is $\\frac{225}{676}$ which is $901$.", "901"),
        ("This gives an answer of $109+300=409$.", "409"),
        ("The answer is most likely $60$", "60"),
        ("The answer is 5. No wait, it's 6.", "6"),
        ("This confirms that 80 is the answer.", "80"),
    ],
    "closing statement, where something else follows it": [
        ("Thus $n=71$. Checking, $9 = 81/9$ holds.", "n=71"),
        ("The sum is $5+19 = 24$.\n\nChallenge: Is it a coincidence that it is 24?", "24"),
        ("So there are $20$ ways.\n\nNote: factors of $2$ are best kept equal.", "20"),
        ("So $x=160$.\n\nAlternatively, drop an altitude from $C$.", "x=160"),
        ("Hence $n = 149$.\n~ pi_is_3.14\n- Solution by a1b2", "n = 149"),
        ("So the area is 60.\n\nYes, that seems solid.", "60"),
        ("Hence $s \\le 11.$\n\nEquality occurs when $x = 9,$ so the maximum value is $11.$", "11"),
        ("The minimum value is $-1,$ which occurs when $x=5.$", "-1"),
        (
            "\\begin{align*}20 &= 3x\\\\ x&=\\frac{20}{3}.\\end{align*}Checking, we see that it satisfies it.",
            "x =\\frac{20}{3}",
        ),
    ],
    "closing statement of several numbers": [
        ("As the chart shows, there are $26$ such numbers less than $500.$", "26"),
        ("He had $29 \\cdot 7 = 203$ coins before finding the bag of 53 coins.", "203"),
        ("The two rabbits will hop 135 meters in 5 minutes.", "135"),
        ("It leaves 1 when divided by 5, so we subtract 1, to get $776$.", "776"),
        ("Bill can buy $6$ jogs if he also purchases 2 jags and 3 jigs.", "6"),
        ("It equals 0 when $x=6$, which means that the domain is $x \\ne 6$.", "x \\ne 6"),
        ("He needs 200 more pages to reach 800 pages because 800 - 600 = 200", "200"),
        ("The possible values are 4 and -15, and of those, $-15$ is the smallest.", "-15"),
        ("The $16$th one is Tuesday, or $\\text{Friday}$.", "\\text{Friday}"),
        ("We solve $100 = 5A$, so 20 = A.", "20"),
        ("The radius of the tank is √5 meters.", "√5"),
        ("They will arrive at 4:30 p.m.", "4:30 p.m"),
        ("$$\n10080\n$$\nways, since $8$ of them are alike.", "10080"),
        ("First 3, then 7", "7"),
        ("因此当 $x=2$ 时, 面积取最小值 $4 \\sqrt{2}$.", "4 \\sqrt{2}"),
        ("It cost $2 and 3*30=$90 per day, so he makes 24*3=$72 a week.", "$72"),
        ("The winner earns 39.52 USD.\n\nThat is Navin.\n\nNavin", "Navin"),
    ],
    "closing statement": [
        ("We add.\n\n**So the total is 15.**", "15"),
        ("Adding up:\n\n**17**", "17"),
        ("7 * 6 = 42", "7 * 6 = 42"),
        ("First 3 + 4 = 7. Then 7 * 6 = 42.", "42"),
        ("We count them. Thus, there are 12 distinct sequences.", "12"),
        ("Total cost: 5 pens. She pays $15 in the end.", "$15"),
        ("We compute\n\\[ x = 3 \\]", "x = 3"),
        ("因此，一共有 **858颗** 糖果。", "858颗"),
        ("I think it's B", "B"),
        ("D. it can't be A or B", "D"),
        ("$\\frac{1}{3}$", "\\frac{1}{3}"),
        ("It costs $20.00.", "$20.00"),
        ("Therefore, x = 6", "6"),
        ("The solutions are x = 1 and x = 2.", "x = 1 and x = 2"),
        ("So $x=1$ or $x=2$.", "x=1, x=2"),
        ("The minimum value is -3, attained at x=2.", "-3"),
        ("Thus the sum is $a+b = 5 \\cdot 3 = 15$.", "15"),
        ("Thus, 8 of the positive divisors of 900 are perfect squares.", "8"),
        ("Thus, 6*7 = 42.\n\nI hope this helps!", "42"),
        ("**42**\n\nLet me know if you need anything else.", "42"),
        ("The area is $3$ (independent of $T$).", "3"),
        ("So the curve is $x^2 + y^2 = 4$.", "x^2 + y^2 = 4"),
        ("Weighing the options.\n\nC", "C"),
        ("I would go with (B) here", "B"),
        ("which gives 2.5 hours", "2.5"),
        ("There are 18/3 = 6 women.\nThere are 18-6 = 12 men.", "12"),
        ("Therefore there are $3$ values of $x$ for which it is undefined.", "3"),
        ("which makes $899 - 7 + 1 = 893$ values of $n.$", "893"),
        ("The difference is $10 - 6 = 4$, so the 100th term is $6+99\\cdot 4=402$.", "402"),
        ("In all he used 74 bolts + 39 nuts = 113 nuts and bolts.", "113"),
        ("Thus $28-1=27$ is the inverse. (Note that $m-1$ is its own inverse.)", "27"),
        ("So it is 12.\n\n[asy]\ndraw((0,0)--(1,7));\n[/asy]", "12"),
        ("We have \\[a=10^8-9.\\]Factoring,\\[a=10^4\\cdot 9994+9=99940009.\\]", "99940009"),
        ("Thus there are 222 integers $n$ for which $BC$ is an integer.", "222"),
        ("So there are $1024-393=631$ strings without the substring $ABBA$.", "631"),
        ("The minimum of $x^2$ when $3x+4y=10$ is 10 .", "10"),
        ("In total, 202 of the numbers $f(n)$ end in 1.", "202"),
        ("Hence $b=\\mathbf{53}$, and $53+6=59$ is prime.", "b=\\mathbf{53}"),
        ("$x=25-T$. With $T=11$, $x=14$.", "x=14"),
        ("The largest $n$ is $7 !=5040$.", "5040"),
        ("$f(3)=g(2)=h(1)=12$.", "12"),
        ("The value is\n\n$$\nx=12\n$$\n\nwith equality when $a=b$.", "x=12"),
        ("So \\begin{align*} f&=2x+x \\\\ &=3x\\end{align*}", "3x"),
    ],
}


@pytest.mark.parametrize(
    ("response", "answer"),
    [pytest.param(*pair, id=f"{kind}: {pair[0]!r}") for kind, pairs in FOUND.items() for pair in pairs],
)
def test_the_answer_is_found(response, answer):
    assert extract(response) == answer


@pytest.mark.parametrize(
    "response",
    [
        "",
        "   ",
        "<think> so the answer is 7. wait",
        "<think>\\boxed{7}",
        "<think>7</think>",
        "I can't say.",
        "The answer is not 10.",
        "so it is \\boxed{10",
        "\\boxed{3} holds for the first part, so \\boxed{2",
        "\\boxed{x_1 = \\frac{a}{b}} and a cut off \\boxed{\\frac{1}{",
        "<answer></answer>",
        "???",
        None,
    ],
)
def test_no_answer_is_made_up(response):
    assert extract(response) is None


HEDGED = [
    ("18", "18 dollars, maybe 19"),
    ("3", "the answer is 3 more than 12"),
    ("5", "The answer is at least 5."),
    ("5", "at least 5"),
    ("4", "The answer is less than 4."),
    ("5", "no more than 5"),
    ("5", "The answer is 5 or more."),
    ("5", "It is fewer than 5."),
    ("7", "The answer is not 7."),
    ("5", "So the answer cannot be 5."),
    ("5", "The answer is neither 5 nor 6"),
    ("3", "between 3 and 4"),
    ("3, 4", "The answer is between 3 and 4."),
    ("3", "答案是3或4"),
    ("5", "答案大于5"),
    ("5", "The answer could be 5, or maybe 6."),
    ("5", "The answer is twice 5"),
    ("5", "half of 5"),
    ("5", "Is the answer 5?"),
    ("5", "\\boxed{\\text{at least }5}"),
    ("5", "\\boxed{5 \\text{ or more}}"),
    ("5", "\\boxed{\\text{not }5}"),
]


@pytest.mark.parametrize(("gold", "response"), HEDGED, ids=[response for _, response in HEDGED])
def test_a_number_that_is_not_asserted_is_no_answer(gold, response):
    assert grade(gold, response).correct is False


@pytest.mark.parametrize(
    ("gold", "response"),
    [
        ("at least 5", "The answer is at least 5."),
        ("5", "The answer is about 5"),
        ("6", "The answer is not 5 but 6."),
        ("5", "The answer is 5, not 6"),
        ("5", "Therefore we need at least 5 colors."),
    ],
)
def test_a_hedged_answer_equals_the_same_words_and_a_guess_is_an_answer(gold, response):
    assert grade(gold, response).correct is True


@pytest.mark.parametrize(
    ("gold", "response"),
    [
        ("5", "**So the total is 5.**"),
        ("42", "7 * 6 = 42"),
        ("2/5", "所以，每份应该是 (\\frac{2}{5}) 吨。 答案：每份应该是 (\\frac{2}{5}) 吨。"),
        ("300", "来计算水池中水的流出时间：12000升/40升/分钟=300分钟。因此，水池中水将在300分钟内被放完。"),
        ("100", "The minimum error increases by 100%."),
        ("120", "Final Answer: The volume of $ABCDEFGH$ is 120. I hope it is correct."),
        ("858", "因此，弗兰克一共有**858颗**糖果。"),
    ],
)
def test_what_is_found_can_be_graded(gold, response):
    assert grade(gold, response).correct is True
