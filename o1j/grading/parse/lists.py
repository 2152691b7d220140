"""A whole answer: one statement or value, or several in a row, and the relations that make statements."""

from .tokens import MAX_DEPTH, Tokens
from .tree import NotMaths, Tree, too_deep
from .vocabulary import CONNECTIVES, RELATIONS, TEXTS


class Lists(Tokens):
    """Rules for what stands between commas, semicolons, connectives and relation signs."""

    def answer(self) -> Tree:
        tree = self.items(())
        if self.peek():
            raise NotMaths(f"unexpected {self.peek()!r}")
        if too_deep(tree):
            raise NotMaths("too deep")
        return _glued(tree, self.comma[1]) if self.comma and tree[0] == "list" and len(tree) == 3 else tree

    def items(self, closing: tuple[str, ...]) -> Tree:
        """Items parted by commas, semicolons or connectives, up to a closing token; one item stands for itself."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise NotMaths("too deep")
        groups: list[list[Tree]] = [[]]
        while True:
            if not self.peek() or self.peek() in closing:
                break
            groups[-1].append(self.relation())
            stop = False
            while True:
                mark = self._separator()
                if mark is None:
                    stop = True
                    break
                if mark == "outer" and groups[-1]:
                    groups.append([])
                if not self._separator_next():
                    break
            if stop:
                break
        self.depth -= 1
        groups = [group for group in groups if group]
        if not groups:
            raise NotMaths("empty")
        return _nest(groups)

    def _separator_next(self) -> bool:
        return self.peek() in {",", ";", "&"} or self.connective() is not None

    def _separator(self) -> str | None:
        """Consume one separator: "inner" for a comma, "outer" for a semicolon or a connective, None for none."""
        if self.accept(","):
            return "inner"
        if self.accept(";", "&"):
            return "outer"
        length = self.connective()
        if length is None:
            return None
        self.at += length
        return "outer"

    def connective(self) -> int | None:
        token = self.peek()
        if token.lower() in CONNECTIVES:
            return 1
        if token[1:] in TEXTS and token[:1] == "\\" and self.peek(1) == "{":
            if self.peek(2).lower() in CONNECTIVES and self.peek(3) == "}":
                return 4
            if self.peek(2) in {",", ";"} and self.peek(3).lower() in CONNECTIVES and self.peek(4) == "}":
                return 5
        if token in {r"\lor", r"\vee", r"\land", r"\wedge"}:
            return 1
        return None

    def relation(self) -> Tree:
        parts: list = [self.quantity()]
        while True:
            if self.peek() in RELATIONS:
                parts.append(RELATIONS[self.take()])
                parts.append(self.quantity())
            elif self.peek() == r"\not" and self.peek(1) in {"=", r"\in"}:
                self.at += 1
                parts.append("!=" if self.take() == "=" else "notin")
                parts.append(self.quantity())
            elif self._modulus():
                modulus = self.group() if self.peek() == "{" else self.sum()
                self.accept(")")
                parts[-1] = ("fn", "residue", parts[-1], modulus)
            else:
                break
        return parts[0] if len(parts) == 1 else ("rel", *parts)

    def _modulus(self) -> bool:
        """Step over `\\pmod`, `(\\bmod` or `(mod`, if that is what follows."""
        if self.accept(r"\pmod", r"\pod"):
            return True
        if self.peek() == "(" and self.peek(1) in {r"\bmod", r"\mod", "mod"}:
            self.at += 2
            return True
        return False


def _glued(pair: Tree, digits: str) -> Tree:
    """`15,5` or `15,5 m`: two items that may be one number with a decimal comma, its decimals kept as written."""
    whole, decimals = pair[1], pair[2]
    inner = decimals[1] if decimals[0] == "unit" else decimals
    if inner[0] != "num":
        return pair
    kept = ("fn", "digits", inner, digits)
    return ("list", whole, ("unit", kept, decimals[2]) if decimals[0] == "unit" else kept)


def _nest(groups: list[list[Tree]]) -> Tree:
    """One flat list, except where every group is a row of its own: `p=5, q=2; p=7, q=2`."""
    rows = len(groups) > 1 and len({len(group) for group in groups}) == 1 and len(groups[0]) > 1
    if rows and all(item[0] == "rel" for group in groups for item in group):
        return ("list", *(("list", *group) for group in groups))
    flat = [item for group in groups for item in group]
    return flat[0] if len(flat) == 1 else ("list", *flat)
