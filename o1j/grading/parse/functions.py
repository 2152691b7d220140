"""Named functions with their powers, bases and arguments; roots; sums, products, integrals and limits."""

from fractions import Fraction

from .tokens import Tokens
from .tree import Tree, product
from .vocabulary import ALIASES, FUNCTIONS


class Functions(Tokens):
    """Rules for what is applied by name."""

    def function(self, name: str) -> Tree:
        """A named function with its power, base and argument: `\\sin^2 x`, `\\log_2(8)`, `\\ln 2\\pi`."""
        power: Tree | None = None
        base: Tree | None = None
        while self.peek() in {"^", "_"}:
            if self.take() == "^":
                power = self.script()
            else:
                base = self._log_base() if name == "log" else self.script()
        if name == "sqrt" and self.peek() in {"(", "["}:
            return ("fn", "root", self.atom(), ("num", Fraction(2), 0))
        arguments = self.function_arguments(name)
        if name in {"sqrt"}:
            tree: Tree = ("fn", "root", arguments[0], ("num", Fraction(2), 0))
        elif base is not None and name in {"log", "lg", "ln"}:
            tree = ("fn", "log", arguments[0], base)
        elif name == "lg":
            tree = ("fn", "log", arguments[0], ("num", Fraction(10), 0))
        elif name == "exp":
            tree = ("pow", ("var", "e"), arguments[0])
        else:
            tree = ("fn", "ln" if name == "log" else name, *arguments)
        if power is None:
            return tree
        if power == ("neg", ("num", Fraction(1), 0)) and name in {"sin", "cos", "tan", "cot", "sec", "csc"}:
            return ("fn", "arc" + name, *arguments)
        return ("pow", tree, power)

    def _log_base(self) -> Tree:
        """What stands after `\\log_`; in `\\log_39`, where no argument is left, only the first digit, as in TeX."""
        token = self.peek()
        if token.isdecimal() and len(token) > 1 and not (self.begins_factor_at(1) or self.peek(1) in {"(", "{"}):
            self.split_token()
        return self.script()

    def function_arguments(self, name: str) -> list[Tree]:
        if self.peek() in {"(", "{"} or (self.peek() in {r"\{"}):
            opening = self.take()
            inner = self.items((")", "}", r"\}"))
            self.expect({"(": ")", "{": "}"}.get(opening, r"\}"))
            return list(inner[1:]) if inner[0] == "list" else [inner]
        if self.peek() == "|":
            return [self.atom()]
        if self.accept("-"):
            return [("neg", self.function_arguments(name)[0])]
        tree = self.factor()
        has_pi = False
        while self.begins_factor() and self.peek() not in {"(", "[", "{", r"\{", "|"}:
            token = self.peek()
            if token.lstrip("\\") in FUNCTIONS or token.lstrip("\\") in ALIASES:
                break
            has_pi = has_pi or token in {r"\pi", "pi"}
            tree = product(tree, self.factor())
        has_pi = has_pi or tree == ("var", "pi")
        if has_pi and self.peek() == "/" and self.peek(1).isdecimal():
            self.at += 1
            tree = ("div", tree, self.atom())
        return [tree]

    def root(self) -> Tree:
        index: Tree = ("num", Fraction(2), 0)
        if self.accept("["):
            index = self.sum()
            self.expect("]")
        if self.peek() == "{":
            return ("fn", "root", self.group(), index)
        if self.peek() == "(":
            return ("fn", "root", self.atom(), index)
        return ("fn", "root", self.atom(), index)

    def big_operator(self, name: str) -> Tree:
        """`\\sum_{k=1}^{n} body`: kept whole, to be compared part by part."""
        lower = upper = ("var", "")
        while self.peek() in {"_", "^"}:
            if self.take() == "_":
                lower = self.limit()
            else:
                upper = self.limit()
        return ("fn", name, lower, upper, self.term())

    def limit(self) -> Tree:
        if self.peek() != "{":
            return self.script()
        self.expect("{")
        tree = self.items(("}",))
        if self.accept(r"\to", r"\rightarrow"):
            tree = ("rel", tree, "=", self.sum())
        self.expect("}")
        return tree
