"""Letters and words as symbols, bare or in text commands."""

import re
from fractions import Fraction

from .tokens import Tokens
from .tree import NotMaths, Tree
from .vocabulary import ACCENTS, ALIASES, CLOSING, FUNCTION_LETTERS, FUNCTIONS, GREEK, NUMBER_SETS, RELATIONS


class Names(Tokens):
    """Rules for names, and for their application: `f(x)`, `C(n, k)`."""

    def word(self, token: str) -> Tree:
        name = ALIASES.get(token, token)
        if name in FUNCTIONS and not (len(name) <= 3 and name in {"Re", "Im", "deg", "arg"} and self.peek() != "("):
            return self.function(name)
        if name == "pi":
            return ("var", "pi")
        if name in {"infty", "infinity", "inf", "oo", "Infinity"}:
            return ("inf",)
        if name == "C" and self.peek() == "(":
            return self.combinations()
        if len(name) == 1 or name in GREEK:
            return self.call(("var", name))
        if not name.isascii() or len(name) > 3:
            ends = not self.peek() or self.peek() in RELATIONS or self.connective() is not None
            if not ends and self.peek() not in {":", "_", ",", ";"} | CLOSING:
                raise NotMaths("words")
            return ("var", name)
        trees: list[Tree] = [("var", letter) for letter in name]
        trees[-1] = self.postfix(trees[-1])
        return ("mul", *trees)

    def call(self, tree: Tree) -> Tree:
        """`f(x)`: the application of a name that conventionally is a function, argument kept as it stands."""
        if tree[1] in FUNCTION_LETTERS and self.peek() == "(":
            self.at += 1
            inner = self.items((")",))
            self.expect(")")
            return ("fn", "call", tree, *(inner[1:] if inner[0] == "list" else (inner,)))
        return tree

    def combinations(self) -> Tree:
        """`C(n, k)`, or C times what stands in the brackets."""
        inner = self.bracket(self.take())
        if inner[0] == "seq" and len(inner) == 5:
            return ("fn", "binom", *inner[3:])
        return ("mul", ("var", "C"), inner)

    def styled(self, name: str) -> Tree:
        """`\\text{…}`, `\\mathrm{…}`, `\\overline{…}`: a number, a symbol, or a word used as a name."""
        start = self.at
        raw = self.raw_group().strip()
        if name == "mathbb" or (name in {"mathbf", "mathrm", "bf"} and raw in NUMBER_SETS):
            return self._half(NUMBER_SETS[raw]) if raw in NUMBER_SETS else ("var", "mathbb" + raw)
        if name in {"operatorname", "mathrm"} and ALIASES.get(raw, raw) in FUNCTIONS:
            return self.function(ALIASES.get(raw, raw))
        if name in {"vec", "hat", "bar", "tilde", "overline", "overrightarrow", "widehat", "widetilde", "dot"}:
            return ("var", f"{ACCENTS.get(name, name)}({raw.replace(' ', '')})")
        if re.fullmatch(r"[A-Za-z]", raw):
            return self.call(("var", raw))
        if re.fullmatch(r"[A-Za-z][A-Za-z ]*", raw) and len(raw) > 1:
            if self.begins_factor() and not self.peek() == "(":
                raise NotMaths("words")
            return ("var", raw)
        self.at = start
        return self.group() if self.peek() == "{" else self.atom()

    def _half(self, numbers: Tree) -> Tree:
        """The real numbers, or with a `+` or `-` above or below only those above or below zero."""
        sign = next((sign for sign in "+-" if self.follows("^", sign) or self.follows("_", sign)), "")
        zero: Tree = ("num", Fraction(0), 0)
        if not sign:
            return numbers
        return ("seq", "(", ")", zero, ("inf",)) if sign == "+" else ("seq", "(", ")", ("neg", ("inf",)), zero)
