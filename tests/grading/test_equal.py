"""Which answers are the same, by kind; every pair is tried in both orders."""

import pytest

from o1j.grading import equal, judge

SAME = {
    "whole numbers": [("12", "12.0"), ("073", "73"), ("+5", "5"), ("-0", "0"), ("two", "2"),
                    ("12^{\\text{th}}", "12")],
    "thousands": [("1,234", "1234"), ("12,345,678", "12345678"), ("10\\,000", "10000"), ("10{,}080", "10080"),
                  ("11,\\! 111,\\! 111,\\! 100", "11111111100"), ("1 000", "1000"), ("58,500", "58500")],
    "fractions": [("\\frac43", "4/3"), ("\\dfrac{1}{2}", "0.5"), ("-\\frac12", "\\frac{-1}{2}"),
                    ("1\\frac{4}{5}", "9/5"),
                  ("137 \\frac{1}{2}", "137.5"), ("1 1/2", "1.5"), ("\\frac 59", "5/9"), ("½", "0.5"),
                    (".35625", "0.35625")],
    "repeating decimals": [("0.\\overline{3}", "1/3"), ("0.1\\overline{6}", "1/6"), ("0.\\dot{1}4285\\dot{7}", "1/7"),
                           ("0.333...", "\\frac13")],
    "powers": [("2^{10}", "1024"), ("2^2023", "2^{2023}"), ("10!", "3628800"),
                    ("6.02\\times10^{23}", "602" + "0" * 21),
               ("1.5e3", "1500"), ("1e-3", "0.001"), ("9^{9^9}", "3^{2\\cdot 9^9}"), ("2**3", "8"), ("C_5^2", "10"),
               ("\\binom{5}{2}", "10")],
    "radicals": [("\\frac{1}{\\sqrt3}", "\\frac{\\sqrt{3}}{3}"), ("\\sqrt{12}", "2\\sqrt3"), ("√53", "\\sqrt{53}"),
                 ("\\sqrt{3+2\\sqrt2}", "1+\\sqrt2"), ("\\frac{1}{1+\\sqrt2}", "\\sqrt2-1"),
                    ("sqrt(3)/2", "\\frac{\\sqrt3}2"),
                 ("\\sqrt[4]{\\frac{64}{27}}", "\\frac{2\\sqrt2}{\\sqrt[4]{27}}"), ("\\sqrt[3]{-8}", "-2")],
    "functions": [("\\log_2 8", "3"), ("\\cos\\frac{\\pi}{6}", "\\frac{\\sqrt3}{2}"), ("\\sin 60^\\circ", "\\sqrt3/2"),
                  ("\\pi-\\arccos\\frac18", "\\arccos(-\\frac18)"),
                    ("\\tan 20^\\circ\\tan 40^\\circ\\tan 80^\\circ", "\\sqrt3"),
                  ("\\arctan 1", "\\pi/4"), ("e^{i\\pi}", "-1"), ("\\cot x", "\\frac{\\cos x}{\\sin x}")],
    "polynomials": [("(a+b)^2", "a^2+2ab+b^2"), ("2x+1+x^2", "(x+1)^2"), ("\\frac{x^2-1}{x-1}", "x+1"),
                    ("2\\sin b\\cos a", "\\sin(a+b)-\\sin(a-b)"), ("\\tan^2 y+1", "\\sec^2 y"), ("2x^2", "2*x**2"),
                    ("\\frac{n(n+1)}{2}", "\\binom{n+1}{2}"), ("\\sum_{k=1}^n k", "n(n+1)/2"),
                    ("2^{n+1}-1", "2\\cdot 2^n-1"),
                    ("\\frac{1}{3\\sqrt[3]{x}^2}", "\\frac{1}{3x^{2/3}}"), ("|x|", "\\sqrt{x^2}")],
    "complex": [("(1+i)^2", "2i"), ("3+4i", "4i+3"), ("\\sqrt{-4}", "2i")],
    "units": [("\\$5", "5 dollars"), ("5\\text{ cm}", "5"), ("1 m", "100 cm"), ("12 apples", "12"),
                    ("864 \\mbox{ inches}^2", "864"),
              ("1 \\text{ hour}", "60 minutes"), ("5元", "5"), ("90^\\circ", "90"), ("45^\\circ", "\\frac{\\pi}{4}"),
              ("5.4 \\text{ cents}", "5.4"), ("60度", "60^\\circ"), ("0.06 \\text{ yuan}", "0.06元"),
                    ("4:30 \\text{ p.m.}", "4:30 pm")],
    "percent": [("28\\%", "28 percent"), ("20\\%", "0.2"), ("20\\%", "20"), ("50%", "\\frac12")],
    "bases": [("4210_{5}", "4210_5"), ("1011_2", "11"), ("52_8", "52"), ("204_5", "54")],
    "plus-minus": [("\\pm 2", "2,-2"), ("1\\pm\\sqrt{19}", "1-\\sqrt{19}, 1+\\sqrt{19}"),
                   ("\\{1\\pm\\sqrt{5},-2\\}", "-2, 1+\\sqrt5, 1-\\sqrt5"), ("x=\\pm\\sqrt2", "-\\sqrt2,\\sqrt2")],
    "tuples": [("(1,\\frac{9}{2})", "(1,4.5)"), ("(x,y)=(1,2)", "x=1,y=2"),
                    ("\\begin{pmatrix}1\\\\2\\end{pmatrix}", "(1,2)"),
               ("(0;0)", "(0,0)"), ("\\left( 3, \\frac{\\pi}{2} \\right)", "(3,\\pi/2)")],
    "sets and lists": [("3, 5, 7", "7,3,5"), ("\\{1,2\\}", "2, 1"), ("1,-2", "x=1 \\text{ or } x=-2"),
                    ("3 and 4", "4, 3"),
                       ("(2,3),(3,2)", "(3,2),(2,3)"), ("\\{1,2,3\\}", "\\{3,2,1,1\\}"),
                    ("19, 46, \\text{ and } 82", "19,46,82"),
                       ("p=5,q=2;p=7,q=2", "(5,2),(7,2)"), ("W(x)=1orW(x)=-1", "1, -1"),
                       ("①③④", "(1)(3)(4)"), ("x_1=3,x_2=-1", "-1,3"), ("(\\pm 3, 0)", "(3,0),(-3,0)"),
                    ("no solution", "\\emptyset"), ("a=4,-8,-10", "-10,-8,4")],
    "intervals": [("x<3", "(-\\infty,3)"), ("-2\\le x\\le 7", "x\\in[-2,7]"),
                    ("x\\ne 1", "(-\\infty,1)\\cup(1,\\infty)"),
                  ("|x-2|<3", "(-1,5)"), ("-x>-1", "x<1"), ("\\mathbb{R}\\setminus\\{1\\}", "x\\ne1"),
                    ("(3,4]", "3<x\\leq 4"),
                  ("[-1,-\\tfrac12)\\cup(-\\tfrac12,0)", "[-1,-0.5)\\cup(-\\frac{1}{2},0)"),
                    ("{x \\mid-3<x<4}", "(-3,4)"),
                  ("\\{-1\\}\\cup[0,7)", "[0,7)\\cup\\{-1\\}"), ("2x+1\\ge 5", "[2,+\\infty)"),
                    ("(0,2)\\cup[2,3)", "(0,3)"),
                  ("x<-1 \\text{ or } x>3", "(-\\infty,-1)\\cup(3,\\infty)"), ("\\{x | x > 3\\}", "x>3")],
    "matrices": [("\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}",
                  "\\left[\\begin{array}{cc}1 & 2\\\\3 & 4\\end{array}\\right]"),
                 ("\\frac12\\begin{pmatrix}2\\\\4\\end{pmatrix}", "\\begin{bmatrix}1\\\\2\\end{bmatrix}"),
                 ("\\begin{pmatrix}1&0\\\\0&1\\end{pmatrix}\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}",
                  "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}")],
    "equations": [("x=5", "5"), ("y=2x+1", "2x-y+1=0"), ("y=2x+3", "2x+3"), ("x^2/4+y^2/3=1", "3x^2+4y^2=12"),
                    ("f(x)=x^2", "f(t)=t^2"), ("f(x)=2x+3", "y=2x+3"), ("S=12", "A=12"),
                  ("AB=4,CD=5", "4, 5"), ("k=45, n=2", "n=2, k=45"), ("z=1+1=2", "2"),
                    ("V_{1}:V_{2}=11:21", "\\frac{11}{21}"),
                  ("m+n=489", "489"), ("|AB|=1", "1"), ("\\frac{\\sqrt3}{3}\\approx0.577", "\\frac{1}{\\sqrt3}")],
    "systems": [("\\left\\{\\begin{array}{l}x=1\\\\y=2\\end{array}\\right.", "x=1,y=2"),
                ("\\begin{cases}x=1\\\\y=2\\end{cases}", "(1,2)"),
                ("\\begin{cases}x&x>0\\\\-x&x\\le0\\end{cases}", "\\begin{cases}x,&x>0\\\\-x,&x\\leq 0\\end{cases}")],
    "sets of numbers": [("(-\\infty,+\\infty)", "\\mathbb{R}"), ("\\mathbf{R}", "\\mathbb{R}"),
                        ("\\{x|x>1\\}", "\\{y \\mid y>1\\}"), ("\\varnothing", "\\{\\}")],
    "nested roots": [("\\sqrt{2}+\\sqrt{3}", "\\sqrt{5+2\\sqrt6}"), ("\\frac{\\sqrt6-\\sqrt2}{4}", "\\sin 15^\\circ"),
                     ("\\arctan 2+\\arctan 3", "\\frac{3\\pi}{4}")],
    "residues": [("k\\equiv 1\\pmod 3", "k\\equiv 1(\\bmod 3)"), ("x ≡ 8 (mod 15)", "8 mod 15"),
                 ("x\\equiv 23\\pmod{15}", "x\\equiv 8\\pmod{15}"), ("8\\pmod{15}", "8")],
    "numbers in words": [("forty-two", "42"), ("two thirds", "2/3"), ("one hundred and five", "105"),
                         ("negative three", "-3"), ("twelve dollars", "\\$12"), ("three hours", "3 hours"),
                         ("十二", "12"), ("两千零三十", "2030"), ("三分之二", "2/3"), ("一又二分之一", "1.5"),
                         ("百分之五十", "50%"), ("负零点五", "-1/2"), ("十二点五厘米", "12.5厘米")],
    "numbers side by side": [("11 5/6", "71/6"), ("1 000 4/9", "9004/9"), ("2^6 3^5", "2^6\\cdot 3^5"),
                             ("\\log_39", "2"), ("\\log_10 100", "2")],
    "decimal commas": [("15,5", "15.5"), ("0,5", "1/2"), ("1.234.567", "1234567")],
    "scientific": [("2.314814814815\\times 10^{-3}", "\\frac{1}{432}")],
    "yes and no": [("True", "yes"), ("是", "Yes"), ("错误", "False")],
    "all numbers": [("all real numbers", "\\mathbb{R}"), ("全体实数", "(-\\infty,\\infty)")],
    "logarithms": [("\\log 100", "2"), ("\\log e", "1"), ("e^{\\ln 5}", "5"), ("2^{\\log_2 5}", "5"),
                   ("e^{i\\pi/3}", "\\frac12+\\frac{\\sqrt3}{2}i")],
    "counts": [("38 red marbles", "38"), ("113 nuts and bolts", "113")],
    "named values": [("f(x,y)_{\\min}=12", "12"), ("\\mathrm{Cl}(11,2)=1000", "1000"), ("7!=5040", "5040")],
    "odd spellings": [("0.(3)", "1/3"), ("1A3_{16}", "419"), ("1011_{two}", "11"), ("123_{(8)}", "83"),
                      ("{10 \\choose 3}", "120"), ("_{10}C_3", "120"), ("<1,2,3>", "(1,2,3)"), ("3 to 4", "3:4"),
                      ("1.234,56", "1234.56"), ("\\overrightarrow{AB}", "\\vec{AB}"), ("No. 7", "7"),
                      ("[[1,2],[3,4]]", "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}"), ("DNE", "does not exist"),
                      ("Alice and Bob", "Bob and Alice")],
    "conditions": [("x > -1 \\text{ and } x \\le 4", "(-1,4]"), ("\\mathbb{R}\\setminus[2,3]", "x<2,x>3"),
                   ("\\mathbb{R}^+", "x>0"), ("[0,3]\\setminus(1,2)", "[0,1]\\cup[2,3]"),
                   ("\\begin{cases}x&x\\ge0\\\\-x&x<0\\end{cases}",
                    "\\begin{cases}x&\\text{if }x\\ge0\\\\-x&\\text{if }x<0\\end{cases}"),
                   ("x=\\frac{\\pi}{4}+k\\pi,k\\in\\mathbb{Z}", "\\frac{\\pi}{4}+\\pi n")],
    "rates": [("60 \\frac{\\text{km}}{\\text{h}}", "60 km/h"), ("1 m/s", "3.6 km/h"),
              ("9.8 m/s^2", "9.8\\text{ m/s}^2")],
    "times of day": [("20:34", "8:34 p.m."), ("20:34:00", "20:34")],
    "bold digits": [("\\mathbf{- 1 4}", "-14")],
    "compound measures": [("3 hours 20 minutes", "200 minutes"), ("5 feet 6 inches", "66 inches"),
                          ("9 a.m.", "9:00 AM")],
    "outward brackets": [("]0,1[", "(0,1)"), ("[0,1[", "[0,1)")],
    "lists that go on": [("1,2,\\ldots,n", "1, 2, \\dots, n")],
    "ratios": [("1:2", "\\frac12"), ("2:4:6", "1:2:3")],
    "parameters": [("k\\pi, k\\in\\mathbb{Z}", "n\\pi\\ (n\\in\\mathbb{Z})"), ("x=2k\\pi,k\\in\\mathbb{Z}", "2k\\pi"),
                   ("\\frac{\\pi}{4}+n\\pi", "\\frac{\\pi}{4}+k\\pi")],
    "parts": [("(1) 3; (2) 5", "3, 5"), ("a) 3 b) 5", "3, 5")],
    "words": [("\\text{Evelyn}", "evelyn"), ("the ellipse", "Ellipse"), ("odd", "\\text{odd}"),
                    ("必要不充分条件", "必要不充分条件。")],
    "scales": [("3 dozen", "36"), ("2\\text{ dozen eggs}", "24 eggs"), ("\\$3 million", "3000000"), ("1.2万", "12000"),
               ("3亿", "300000000"), ("5千米", "5 km")],
    "physics": [("9.8 m/s^2", "9.8\\ \\mathrm{m\\,s^{-2}}"), ("3\\text{ m/s}", "3\\ \\mathrm{ms^{-1}}"),
                ("4.5 kJ", "4500 J"),
                ("60 \\mathrm{km\\,h^{-1}}", "60 km/h"), ("22.5^\\circ", "22^\\circ 30'"),
                ("45^\\circ", "\\dfrac{\\pi}{4}\\text{ radians}")],
    "equal angles": [("60^\\circ", "60^\\circ, 60^\\circ, 60^\\circ")],
    "families": [("f(x)=cx+d", "f(x) = a x + b"), ("f(x)=ax^2+bx", "f(x)=c_1x^2+c_2x"), ("(t,2t)", "(k,2k)"),
                 ("f(x)=cx", "f(x)=kx\\text{ for some constant }k"), ("x^2+C", "x^2+c")],
    "progressions": [("x\\equiv 3\\pmod 7", "7k+3"), ("x\\equiv 3\\pmod 7", "x=7k-4, k\\in\\mathbb{Z}")],
    "counts by letter": [("P(5,2)", "20"), ("P_5^2", "20"), ("A_5^2", "20")],
    "compared in Chinese": [("x大于3", "x>3"), ("x不小于3", "x\\ge 3"), ("x不等于3", "x\\ne 3"), ("2比3", "2:3"),
                            ("3小时20分", "200分钟")],
    "put in order": [("5^{56}, 31^{28}, 17^{35}", "5^{56} < 31^{28} < 17^{35}")],
    "values on the left": [("2=x", "2"), ("\\lim_{n\\to\\infty} a_n = 2p-1", "2p-1"),
                           ("\\operatorname{csch} x", "1/\\sinh x")],
    "choices": [("C", "\\text{(C)}"), ("C", "(C) 12"), ("(C) 12", "12"),
                    ("C. {x \\mid-3<x<4}", "{x \\mid-3<x<4}"), ("ACD", "A, C, D")],
}  # fmt: skip

DIFFERENT = {
    "whole numbers": [("1", "-1"), ("12", "13"), ("99.99999", "100"), ("0.9999999", "1"),
                    ("16386.16", "16386.17"), ("1,234", "1.234"),
                    ("12", "1 2"), ("11 7/6", "77/6"), ("11 6/6", "11"), ("5, 7", "5.7")],
    "big numbers": [("2^{2013}", "2^{2012}"), ("1/2004!", "1/2006!"), ("10^{400}", "10^{400}+1"),
                    ("9^{9^9}", "9^{9^9}+1"),
                    ("9^{9^{9^9}}", "9^{9^{9^8}}"), ("3^{2010}-2^{2010}", "3^{2010}-2^{2010}+1"),
                    ("\\frac{1}{10^{500}}", "0"),
                    ("100!", "99!"), ("2^{1000}+\\sqrt2", "2^{1000}+\\sqrt3"),
                    ("\\sin(1)+10^{60}", "\\sin(2)+10^{60}"),
                    ("1+10^{-90}", "1"), ("\\sqrt{1+10^{-80}}", "1"), ("1.0000000000000000000001", "1")],
    "roundings": [("1/3", "0.333"), ("12.56", "4\\pi"), ("\\sqrt2", "1.4142"), ("e", "2.718"),
                    ("2^{100}", "1.267650600228229\\times10^{30}")],
    "radicals": [("4", "4\\sqrt2"), ("2", "\\frac{1+\\sqrt5}{2}"), ("\\sqrt{2}", "\\sqrt{3}"),
                    ("\\sqrt{3+2\\sqrt2}", "1+\\sqrt3")],
    "signs": [("1-1/e", "1+1/e"), ("a-b", "b-a"), ("x", "-x"), ("-\\infty", "\\infty"), ("\\sqrt{x^2}", "x"),
                    ("\\ln|x|", "\\ln x")],
    "symbols": [("x+1", "y+1"), ("n", "m"), ("f(x)=2x", "g(x)=2x"), ("(a+5)(b+2)", "(+5)(b+2)"), ("x+2n+1", "x+1")],
    "units": [("5 cm", "5 m"), ("60 \\text{ km/h}", "60 mph"), ("5\\text{ cm}^2", "5\\text{ cm}"), ("\\$5", "5 cents"),
                    ("4:30 a.m.", "4:30 p.m."), ("12:00", "1:00")],
    "percent": [("0.5%", "0.5"), ("20%", "2"), ("20%", "20 cm")],
    "bases": [("1112112_3", "1112122_3"), ("52_8", "52_9"), ("52_8", "53")],
    "plus-minus": [("\\pm 2", "2"), ("1\\pm\\sqrt2", "1+\\sqrt2")],
    "tuples": [("(2,3)", "(3,2)"), ("(1,2)", "(1,2,3)"), ("(3,1)", "1,3"), ("\\{1,3\\}", "(1,3)")],
    "lists": [("3,5,7", "3,5"), ("3,3,5", "3,5,5"), ("32, 349", "32349"), ("2", "2,3"), ("a=1,b=2", "a=2,b=1")],
    "intervals": [("[0,1)", "(0,1]"), ("(0,1)", "[0,1]"), ("x>5", "x<5"), ("x<3", "(-\\infty,3]"),
                    ("(0,1)\\cup(1,2)", "(0,2)")],
    "matrices": [("\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}", "\\begin{pmatrix}1&2\\\\3&5\\end{pmatrix}")],
    "equations": [("x^2+y^2=1", "x^2+y^2=2"), ("7=11a+c", "11a+c"), ("x+y=10", "x-y=10"), ("2x=10", "10"),
                    ("\\sin x=0.5", "\\cos x=0.5"),
                    ("x=3", "y=3")],
    "times of day": [("4:30 p.m.", "\\frac{8}{15}"), ("4:30 p.m.", "4.5")],
    "counted things": [("4 apples and 3 pears", "3 apples and 4 pears")],
    "differences": [("[0,3]\\setminus[1,2]", "[0,1]\\cup[2,3]"), ("2^{\\log_2 5}", "6"), ("e^{i\\pi/3}", "1")],
    "residues": [("9 mod 15", "x ≡ 8 (mod 15)"), ("x ≡ 8 (mod 15)", "x ≡ 8 (mod 16)")],
    "words": [("forty-two", "forty"), ("三角形", "3"), ("Yes", "No"), ("是", "否"),
                    ("Evelyn", "Angela"), ("east", "west"), ("odd", "oddd"),
                    ("100 apples in 3 boxes", "1003 apples in boxes")],
    "statements": [("①③④", "①④"), ("(1)(3)", "(3)"), ("(1)(3)(4)", "12")],
    "choices": [("A", "B"), ("ACD", "ABD"), ("(A) Cecile", "C")],
    "scales": [("3", "3 dozen"), ("1.2万", "1.2"), ("3万", "3亿")],
    "physics": [("5 N", "5 J"), ("9.8 m/s^2", "9.8\\ \\mathrm{ms^{-1}}"), ("45^\\circ", "45\\text{ radians}"),
                ("22^\\circ 30'", "22.3^\\circ")],
    "families": [("f(x)=ax+b", "f(x)=bx+a"), ("f(x)=ax+b", "f(x)=ax"), ("f(x)=cx", "f(x)=2x"),
                 ("f(x)=2x", "f(x)=2c"), ("f(x)=x+1", "f(x)=y+1"), ("f(n)=n, g(n)=1", "f(n)=m, g(n)=1"),
                 ("f(20)>1000", "f(21)>1000"), ("A:B=2:3", "A:B=3:2"),
                 ("\\lfloor\\frac{2n-1}{5}\\rfloor", "\\lfloor\\frac{2n-2}{5}\\rfloor"),
                 ("\\{\\begin{array}{l}x=1\\\\\ny=2\\end{array}", "\\{\\begin{array}{l}x=3\\\\\ny=2\\end{array}"),
                 ("(t,2t)", "(k,3k)"),
                 ("(c,0)", "(a,0)"), ("S=a^2", "S=b^2"), ("c^2+C", "C^2+c")],
    "progressions": [("x\\equiv 3\\pmod 7", "7k+4"), ("x\\equiv 3\\pmod 7", "14k+3"), ("x\\equiv 3\\pmod 7", "k+3")],
    "counts by letter": [("P(5,2)", "10"), ("P(5,2)", "(2,5)")],
    "equal angles": [("60^\\circ", "60^\\circ, 60^\\circ, 61^\\circ")],
    "put in order": [("5^{56}, 31^{28}, 17^{35}", "31^{28} < 5^{56} < 17^{35}")],
    "no value": [("1/0", "2/0"), ("\\log 0", "1")],
}  # fmt: skip


def cases(table):
    return [pytest.param(a, b, id=f"{kind}: {a} | {b}") for kind, pairs in table.items() for a, b in pairs]


@pytest.mark.parametrize(("a", "b"), cases(SAME))
def test_same(a, b):
    assert equal(a, b) is True
    assert equal(b, a) is True


@pytest.mark.parametrize(("a", "b"), cases(DIFFERENT))
def test_different(a, b):
    assert equal(a, b) is False
    assert equal(b, a) is False


@pytest.mark.parametrize(
    ("a", "b", "verdict"),
    [
        ("\\frac{1}{2}", "\\dfrac{1}{2}", "exact"),
        ("10,\\!080", "10080", "exact"),
        ("0.5", "\\frac12", "numeric"),
        ("2^{2013}", "2^{2012}", "numeric"),
        ("(1,2)", "(1, 2.0)", "symbolic"),
        ("x+1", "1+x", "symbolic"),
        ("Evelyn", "evelyn", "text"),
        ("(C)", "C", "choice"),
    ],
)
def test_a_verdict_says_how_it_was_found_out(a, b, verdict):
    assert judge(a, b)[1] == verdict


@pytest.mark.parametrize(
    ("a", "b", "options", "expected"),
    [
        ("20%", "20", {"percent": "value"}, False),
        ("20%", "0.2", {"percent": "value"}, True),
        ("20%", "0.2", {"percent": "unit"}, False),
        ("0.5%", "0.5", {"percent": "unit"}, True),
        ("5 cm", "5", {"units": "required"}, False),
        ("5 cm", "5 m", {"units": "ignored"}, True),
        ("52_8", "52", {"bases": "value"}, False),
        ("52_8", "42", {"bases": "value"}, True),
        ("\\sqrt{2}", "1.41421356", {"rounding": None}, False),
        ("\\sqrt{2}", "1.414", {"rounding": 3}, True),
        ("\\sqrt{2}", "1.415", {"rounding": 3}, False),
        ("2.6667", "8/3", {"tolerance": 1e-3}, True),
        ("2.6667", "8/3", {"tolerance": 1e-6}, False),
        ("\\pi", "3.1416", {"tolerance": 1e-4}, True),
    ],
)
def test_conventions_are_options(a, b, options, expected):
    assert equal(a, b, **options) is expected
    assert equal(b, a, **options) is expected


def test_an_unknown_convention_is_refused():
    with pytest.raises(ValueError, match="percent must be one of either, value, unit"):
        equal("1", "1.0", percent="sometimes")
    with pytest.raises(TypeError):
        equal("1", "1.0", percents="unit")


def test_long_roundings_count_unless_the_digits_are_wrong():
    assert equal("\\frac{1}{12}", "0.0833333333333333") is True
    assert equal("\\sqrt{17}", "4.123105625617661") is True
    assert equal("\\sqrt{17}", "4.123105625617669") is False
    assert equal("0.1666666667", "1/6") is True
