"""What may follow a factor: powers, subscripts, degrees, primes, factorials, per cent."""

import re
from fractions import Fraction

from .tokens import Tokens
from .tree import NotMaths, Tree
from .vocabulary import FUNCTIONS, GREEK, PERCENT_SIGNS


class Postfix(Tokens):
    """Rules for everything that is written behind a value."""

    def postfix(self, tree: Tree) -> Tree:
        while True:
            token = self.peek()
            if token == "^":
                self.at += 1
                if self._degree():
                    if self.peek() in {"F", "C"} and not self.peek(1):
                        self.at += 1
                    tree = ("unit", tree, "deg")
                    continue
                if self.peek() in {"'", r"\prime"} or (self.peek() == "{" and self.peek(1) in {"'", r"\prime"}):
                    tree = ("fn", "prime", tree)
                    self._skip_primes()
                    continue
                exponent = self.script()
                tree = _named_count(tree, exponent) or ("pow", tree, exponent)
            elif token == "_":
                self.at += 1
                tree = self.subscript(tree)
            elif token == "!":
                self.at += 1
                tree = ("fn", "fact2" if self.accept("!") else "fact", tree)
            elif token in PERCENT_SIGNS:
                self.at += 1
                tree = ("unit", tree, "%")
            elif token in {r"\degree", r"\textdegree"}:
                self.at += 1
                tree = ("unit", tree, "deg")
            elif token in {"'", r"\prime"}:
                self.at += 1
                tree = ("fn", "prime", tree)
            elif token == r"\circ" and tree[0] == "num":
                self.at += 1
                tree = ("unit", tree, "deg")
            else:
                return tree

    def _skip_primes(self) -> None:
        braced = self.accept("{")
        while self.accept("'", r"\prime"):
            pass
        if braced:
            self.expect("}")

    def _degree(self) -> bool:
        if self.accept(r"\circ", r"\degree"):
            return True
        if self.peek() == "{" and self.peek(1) in {r"\circ", r"\degree"} and self.peek(2) == "}":
            self.at += 3
            return True
        if self.peek() == "{" and self.peek(1) == "\\circ" and self.peek(2) in {"C", "F", "c"} and self.peek(3) == "}":
            self.at += 4
            return True
        return False

    def script(self) -> Tree:
        """What stands after `^`: a group, or one (signed) number, symbol or command."""
        if self.peek() == "{":
            return self.group()
        if self.accept("-"):
            return ("neg", self.script())
        if self.accept("+"):
            return self.script()
        token = self.peek()
        if token[:1].isalpha() and token not in FUNCTIONS and len(token) > 1 and token not in GREEK and token != "pi":
            self.split_token()
        tree = self.atom()
        while self.peek() == "^":
            self.at += 1
            tree = ("pow", tree, self.script())
        if self.peek() == "!":
            self.at += 1
            tree = ("fn", "fact", tree)
        return tree

    def subscript(self, tree: Tree) -> Tree:
        name = self.raw_group()
        if tree[0] == "num":
            name = name.strip("()")
        if tree[0] == "num" and tree[2] == 0 and name.isdecimal() and 2 <= int(name[:4]) <= 36:
            return ("base", str(tree[1]), int(name))
        if tree[0] == "num":
            words = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
            base = words.get(re.sub(r"\\[a-z]+|[{} ]", "", name))
            if base:
                return ("base", str(tree[1]), base)
        if tree[0] == "var":
            return ("var", f"{tree[1]}_{name}")
        if tree[0] == "fn" and tree[1] == "prime":
            return ("fn", f"prime_{name}", tree[2])
        if tree[:2] == ("fn", "call"):
            return ("fn", "call", ("var", f"{tree[2][1]}_{name}"), *tree[3:])
        raise NotMaths("subscript")


def _named_count(tree: Tree, exponent: Tree) -> Tree | None:
    """`C_5^2`, `A_5^2` and `P_5^2` with whole numbers are counts, as Chinese textbooks write them."""
    if tree[0] == "var" and exponent[0] == "num" and tree[1][:2] in {"C_", "A_", "P_"} and tree[1][2:].isdecimal():
        upper = ("num", Fraction(int(tree[1][2:])), 0)
        return ("fn", "binom" if tree[1][0] == "C" else "perm", upper, exponent)
    return None
