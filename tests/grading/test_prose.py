"""Answers said in words: what they claim and the mathematics that they say; every pair is tried in both orders."""

import pytest

from o1j.grading import equal

SAME = {
    "conditions": [
        ("n = p^m for some prime p and integer m \\geq 2", "n=p^k for some prime p and integer k > 1"),
        ("f(x)=cx for some constant c>0", "f(x)=cx where c is a positive real"),
        ("2^k where 3 < k", "2^n where n \\ge 4"),
        ("n=2^k \\text{ for } k\\in\\mathbb{Z}^+", "n=2^k \\text{ where } k \\text{ is a positive integer}"),
        ("f(x)=cx for all x\\in\\mathbb{Q}, where c is a real constant", "f(x)=kx for some k\\in\\mathbb{R}"),
        ("f(n)=n for all n\\in\\mathbb{N}", "f(n)=n for all positive integers n"),
        ("all odd positive integers", "2k-1 where k is a positive integer"),
    ],
    "yes and no": [
        ("Yes", "Yes, such integers exist."), ("No", "No such sets A and B exist."), ("No", "It is not possible"),
        ("Yes", "Such a polynomial exists"), ("Yes, there are infinitely many pairs.", "Yes, infinitely many do."),
        ("True", "Proven: such a circle exists."), ("正确", "√"), ("错误", "×"), ("No", "does not exist"),
    ],
    "nothing": [
        ("There does not exist a real $3 \\times 3$ matrix with trace 0.", "\\text{No such matrix exists}"),
        ("no solution", "There are no solutions"), ("无解", "方程无解"), ("无解", "没有实数解"),
        ("No such n", "There is no such n"), ("no such integers exist", "None"),
    ],
    "no end": [
        ("infinitely many $n$", "There are infinitely many integers $n$ such that the sum is even."),
        ("\\infty", "infinitely many"), ("infinite", "\\infty"),
    ],
    "sentences round a formula": [
        ("The only solution is $(a, b) = (5, -3)$.", "(5,\\ -3)"),
        ("All integers $k$ with $k\\ne 1$", "k \\neq 1"),
        ("all integers $n \\ge 3$", "n \\geq 3"),
        ("The functions that satisfy the equation are: $f(x)=0$ and $f(x)=x^2$", "f(x) = 0 \\text{ or } f(x) = x^2"),
        ("f(x)=-x^2, f(x)=0", "The solutions are the zero function and $f(x) = -x^2$."),
        ("(m,n)=(3,2),(2,3)", "one is 2 and the other 3, that is $(2,3)$ and $(3,2)$"),
        ("f(x)=0, f(x)=x", "f(x)=0\\text{ for all }x,\\ \\text{or}\\ f(x)=x\\text{ for all }x"),
        ("f(m) = km \\text{ for any positive integer constant } k", "f(k)=a\\,k\\text{ for some fixed integer }a"),
        ("n=2^k", "n=2^m \\text{ for some } m\\ge 0"),
        ("f(x)=tx/(t+1), g(x)=tx for any real $t$", "All such pairs are given by $f(x)=kx/(k+1)$ and $g(x)=kx$"),
    ],
    "kinds of numbers": [
        ("n=2k+1", "n \\text{ odd}"), ("all even $n$", "$n$ is even"), ("n=3k", "all multiples of 3"),
        ("n=2^k", "$n$ is a power of 2"), ("all primes", "$n$ is prime"), ("f(x)=c", "$f$ is constant"),
        ("P(x)=c", "all constant polynomials"),
        ("f(x)=c for any c>0", "f(x) is a positive constant function on $\\mathbb{R}$"),
        ("n is not a multiple of 4", "all positive integers n that are not divisible by four"),
        ("All integers $n=3^b$, where $b$ is a nonnegative integer", "all positive integers equal to a power of three"),
        ("all positive integers", "every positive integer n"),
    ],
    "names": [
        ("Alice", "Alice wins"), ("first player", "The first player has a winning strategy"),
        ("isosceles", "an isosceles triangle"), ("not a rational number", "irrational"), ("impossible", "not possible"),
    ],
    "extremes": [
        ("4122 (minimum), 6049 (maximum)", "Maximum 6049 and minimum 4122"),
        ("最大值为3，最小值为1", "最小值为1，最大值为3"),
    ],
    "days": [
        ("Monday", "Mon"), ("星期三", "周三"), ("星期三", "Wednesday"), ("星期日", "星期天"), ("July 4", "4 July"),
        ("July 4th, 2021", "4 July 2021"), ("3月5日", "March 5"), ("下午3时", "15时"),
    ],
    "ordinals": [("2nd", "second"), ("第5个", "第五个"), ("第5个", "5")],
    "Chinese": [
        ("壹佰", "100"), ("9折", "90%"), ("八五折", "85%"), ("120千米/时", "每小时120千米"),
        ("3只鸡，5只兔", "鸡3只，兔5只"),
    ],
}  # fmt: skip

DIFFERENT = {
    "conditions": [
        ("n=2^k, where k \\ge 1", "n=2^k, where k \\ge 0"),
        ("n = p^m for some prime p and integer m \\geq 2", "n=p^k for some prime p and integer k\\ge 1"),
        ("f(x)=x^k for some integer k \\geq 2", "f(x)=x^k for any integer k > 0"),
        ("n=2^k where k is a positive integer", "n=2^k where k is a non-negative integer"),
        ("2^k where 3 \\le k", "2^k where 3 < k"),
        ("n=2^p for some prime p", "n=2^k for some integer k"), ("n=2^k where k is odd", "n=2^k where k is even"),
        ("all n=p^2 with prime p", "all perfect squares"), ("x=k\\pi, k\\in\\mathbb{Z}", "x=k\\pi, k\\in\\mathbb{N}"),
        ("f(x)=cx for some rational c", "f(x)=cx for some real c"),
        ("n=4k where k is not divisible by 3", "n=4k where k is an integer"),
        ("n=p^k for some prime p and nonnegative k", "n=p^k for some prime p and negative k"),
        ("ax where a \\in\\{-1,0,1\\}", "ax where a \\in\\{-2,0,1\\}"),
        ("2n+k where k \\in \\mathbb{Z}", "2n+k where k \\notin \\mathbb{Z}"),
    ],
    "yes and no": [
        ("Yes", "No such n exists"), ("Yes", "It is impossible"), ("No", "Yes, for all n"), ("Yes", "Not necessarily"),
        ("Yes, n = 5", "Yes, n = 7"), ("No", "Such a set exists"), ("Yes", "42"),
        ("No", "There is an n such that no m exists"), ("存在, a=-3", "存在, a=3"),
    ],
    "nothing": [("no solution", "0"), ("none", "0"), ("方程无解", "x=0"), ("no real roots", "two real roots")],
    "no end": [("infinitely many", "finitely many"), ("infinitely many", "5"), ("not infinitely many", "infinite")],
    "sentences round a formula": [
        ("The only solution is (1,2)", "(2,1)"), ("all integers $n\\ge 3$", "n \\ge 4"),
        ("All solutions are x=1 and x=2", "x=1"), ("the zero function", "f(x)=0 and f(x)=x"),
        ("f(n)=n+1", "f(n)=n+1 for all n; or, for some a, f(n)=-n+1 for n < a"),
        ("f(x)=0", "the identity function"), ("n=2^k", "n=2^{m+1} \\text{ for some } m"),
        ("there are 5 such integers", "there are 7 such integers"),
        ("A wins if the exponent of 2 in $n-3$ is odd", "A wins if the exponent of 2 in $n-4$ is odd"),
        ("All integers $n$ for which $n+1$ is a prime", "All integers $n$ for which $n-1$ is a prime"),
        ("All odd integers and all powers of 2", "All even integers and all powers of 2"),
        ("There is no such strategy. The rabbit wins.", "There is such a strategy. The rabbit wins."),
    ],
    "kinds of numbers": [
        ("all even integers", "all odd integers"), ("multiples of 3", "multiples of 6"), ("powers of 2", "powers of 3"),
        ("all primes", "all odd primes"), ("n is even", "n is divisible by 4"), ("perfect squares", "powers of 2"),
        ("f(x)=c", "f(x)=2"), ("1", "odd numbers"), ("all positive integers", "all integers"),
        ("not divisible by 4", "not divisible by 3"), ("not divisible by 4", "divisible by 4"),
        ("All positive multiples of 3", "All negative multiples of 3"),
    ],
    "names": [
        ("Alice wins", "Bob wins"), ("the first player", "the second player"), ("right triangle", "right angle"),
        ("rational", "irrational"), ("not isosceles", "isosceles"), ("converges", "does not converge"),
        ("an ellipse", "a n"),
    ],
    "extremes": [
        ("maximum 3, minimum 1", "maximum 1, minimum 3"), ("3 (maximum), 1 (minimum)", "1 (maximum), 3 (minimum)"),
        ("maximum 3, minimum 1", "no solution"),
    ],
    "days": [("Monday", "Tuesday"), ("July 4", "July 14"), ("4 July", "4 June"),
             ("星期一", "星期二"), ("上午3时", "15:00")],
    "ordinals": [("third", "1/3"), ("第5个", "第6个"), ("5", "第五十个")],
    "Chinese": [("8折", "0.9"), ("3只鸡，5只兔", "鸡5只，兔3只"), ("x>3", "x不大于3")],
}  # fmt: skip


def cases(table):
    return [pytest.param(a, b, id=f"{kind}: {a} | {b}") for kind, pairs in table.items() for a, b in pairs]


@pytest.mark.parametrize(("a", "b"), cases(SAME))
def test_words_that_say_the_same(a, b):
    assert equal(a, b) is True
    assert equal(b, a) is True


@pytest.mark.parametrize(("a", "b"), cases(DIFFERENT))
def test_words_that_say_something_else(a, b):
    assert equal(a, b) is False
    assert equal(b, a) is False
