"""What a parsed answer is: a tree of tuples.

Scalars: `("num", Fraction, places)` (`places` is the count of decimals written, 0 for a whole number),
`("var", name)`, `("inf",)`, `("add", a, b…)`, `("mul", a, b…)`, `("div", a, b)`, `("pow", a, b)`, `("neg", a)`,
`("fn", name, args…)`, `("pm", a)`, `("mp", a)`.
Quantities: `("unit", a, name)`, where `%`, `deg` and currencies are units too; `("base", digits, base)`;
`("ratio", a, b…)`.
Collections: `("list", items…)`, `("seq", open, close, items…)` for what stands in round or square brackets,
`("set", items…)`, `("cup", a, b…)`, `("cap", a, b)`, `("minus", a, b)`, `("where", item, condition)`, `("mat", rows…)`.
Statements: `("rel", a, op, b, op, c…)` with op one of `= != < > <= >= ~ in`.
"""

Tree = tuple

MAX_TREE_DEPTH = 100
REALS = ("seq", "(", ")", ("neg", ("inf",)), ("inf",))


class NotMaths(ValueError):
    """The text is not a mathematical expression that this grammar knows."""


def substitute(tree: Tree, renaming: dict) -> Tree:
    """The tree with variables replaced."""
    if not renaming:
        return tree
    if tree and tree[0] == "var":
        return renaming.get(tree[1], tree)
    return tuple(substitute(part, renaming) if isinstance(part, tuple) else part for part in tree)


def too_deep(tree: Tree) -> bool:
    """Whether a tree is nested so deeply that walking it could exhaust the stack."""
    level, depth = [tree], 0
    while level:
        level = [part for node in level for part in node if isinstance(part, tuple)]
        depth += 1
        if depth > MAX_TREE_DEPTH:
            return True
    return False


def product(left: Tree, right: Tree) -> Tree:
    """A product, kept flat so that long ones don't make deep trees."""
    return (*left, right) if left[0] == "mul" else ("mul", left, right)
