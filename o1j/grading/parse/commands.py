"""LaTeX commands: which rule each one opens."""

from fractions import Fraction

from .tokens import Tokens
from .tree import NotMaths, Tree
from .vocabulary import ALIASES, FONTS, FUNCTIONS, GREEK, NUMBER_SETS, TEXTS


class Commands(Tokens):
    """The rule for a token that starts with a backslash."""

    def command(self, token: str) -> Tree:
        name = token[1:].rstrip("*")
        name = ALIASES.get(name, name)
        if name in {"frac", "dfrac", "tfrac", "cfrac"}:
            return ("div", self.argument(), self.argument())
        if name == "sqrt":
            return self.root()
        if name in {"surd", "cbrt"}:
            return ("fn", "root", self.factor(), ("num", Fraction(2 if name == "surd" else 3), 0))
        if name == "pi":
            return ("var", "pi")
        if name == "infty":
            return ("inf",)
        if name in FUNCTIONS:
            return self.function(name)
        if name in {"binom", "dbinom", "tbinom"}:
            return ("fn", "binom", self.argument(), self.argument())
        if name in TEXTS or name in FONTS or name in {"overline", "overbrace", "widehat", "widetilde"}:
            return self.styled(name)
        if name in {"boxed", "fbox", "mathstrut", "ensuremath", "displaystyle", "color"}:
            return self.group()
        if name in {"{", "lbrace"}:
            return self.braces()
        if name in {"langle"}:
            items = self.items((r"\rangle",))
            self.expect(r"\rangle")
            return ("seq", "(", ")", *(items[1:] if items[0] == "list" else (items,)))
        if name in {"lfloor", "lceil"}:
            inner = self.sum()
            self.expect(r"\r" + name[1:])
            return ("fn", "floor" if name == "lfloor" else "ceil", inner)
        if name in {"lvert", "lVert", "vert", "|"}:
            if name in {"vert", "|"}:
                self.bars += 1
                inner = self.sum()
                self.expect(token)
                self.bars -= 1
                return ("fn", "abs", inner)
            return self.bar(token)
        if name in {"emptyset", "varnothing"}:
            return ("set",)
        if name in {"R", "reals"}:
            return NUMBER_SETS["R"]
        if name == "begin":
            return self.environment()
        if name in {"ldots", "dots", "cdots", "dotsc", "dotsb", "vdots"}:
            return ("var", "...")
        if name in {"sum", "prod", "int", "lim"}:
            return self.big_operator(name)
        if name in {"angle", "triangle", "odot", "measuredangle"}:
            return ("fn", name, self.factor())
        if name in GREEK:
            return self.call(("var", name))
        if name == "$":
            return self.atom()
        raise NotMaths(f"unknown command {token}")
