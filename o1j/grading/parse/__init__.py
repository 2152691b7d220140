"""Read a final answer, LaTeX or plain, into a tree of tuples that the other modules compare.

Recursive descent, one class of rules a file: `lists` (a whole answer) calls `quantities`, those call `sets` and
`expressions`, those `postfix`, `numbers`, `names` and `commands`, and those `functions`, `environments` and the others
again. `tokens` is the cursor under them all, `vocabulary` the words they know, `tree` what comes out.
"""

from ..clean import tidy
from .commands import Commands
from .environments import Environments
from .expressions import Expressions
from .functions import Functions
from .lists import Lists
from .names import Names
from .numbers import Numbers
from .postfix import Postfix
from .quantities import Quantities
from .sets import Sets
from .tree import REALS, NotMaths, Tree, substitute
from .vocabulary import SCALES, SHORT_WORDS

__all__ = ["REALS", "SCALES", "SHORT_WORDS", "NotMaths", "Parser", "Tree", "parse", "substitute"]


class Parser(Lists, Quantities, Sets, Environments, Expressions, Postfix, Numbers, Names, Functions, Commands):
    """The whole grammar over the tokens of one tidy answer."""


def parse(text: str) -> Tree:
    """Parse a whole answer; raises `NotMaths`. `text` may still carry dollar signs, layout and Unicode."""
    return Parser(tidy(text)).answer()
