"""Which words and commands mean what: functions, letters, relations, brackets, connectives, units."""

from .tree import REALS


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


FUNCTIONS = _words("""sin cos tan cot sec csc arcsin arccos arctan arccot arcsec arccsc sinh cosh tanh coth sech csch
    log ln lg exp max min gcd lcm sqrt abs floor ceil det arg Re Im deg sgn""")
ALIASES = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "tg": "tan", "ctg": "cot", "cosec": "csc",
           "arctg": "arctan", "sen": "sin", "sqr": "sqrt", "ceiling": "ceil"}  # fmt: skip
GREEK = _words("""alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi rho
    sigma tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega ell hbar partial
    nabla""")
RELATIONS = {
    "=": "=", "==": "=", "<": "<", ">": ">", "<=": "<=", ">=": ">=", "!=": "!=", r"\le": "<=", r"\leq": "<=",
    r"\leqslant": "<=", r"\leqq": "<=", r"\ge": ">=", r"\geq": ">=", r"\geqslant": ">=", r"\geqq": ">=", r"\ne": "!=",
    r"\neq": "!=", r"\lt": "<", r"\gt": ">", r"\approx": "~", r"\simeq": "~", r"\doteq": "~", r"\in": "in",
    r"\equiv": "=", r"\coloneqq": "=", r"\ni": "in",
}  # fmt: skip
FONTS = _words("""mathrm mathbf mathit mathsf mathtt mathcal mathfrak boldsymbol bm rm bf it operatorname
    operatorname* vec hat bar tilde overrightarrow overleftarrow underline mathbb mathop mathord dot overset pmb symbf
    mathscr""")
ACCENTS = {"overrightarrow": "vec", "widehat": "hat", "widetilde": "tilde", "overline": "bar"}
TEXTS = _words("text textbf textit textrm textnormal texttt textsf mbox hbox emph textup")
CONTINUES = (
    FUNCTIONS
    | GREEK
    | _words("""frac dfrac tfrac cfrac sqrt pi binom dbinom tbinom infty surd overline
    begin sum prod int cbrt lvert angle""")
)
NUMBER_SETS = {"R": REALS}
OPENING = {"(", "[", r"\{", r"\lbrace", r"\langle", r"\lfloor", r"\lceil", r"\lvert", r"\lVert", "{"}
CLOSING = {")", "]", "}", r"\}", r"\rbrace", r"\rangle", r"\rfloor", r"\rceil", r"\rvert", r"\rVert"}
CONDITIONS = _words("for where with such if when that whenever provided")
MONTHS = _words("""january february march april may june july august september october november december jan feb mar apr
    jun jul aug sep sept oct nov dec""")
CONDITION_WORDS = ("if", "for", "when", "若", "当", "如果")
CONNECTIVES = {"and", "or", "和", "或", "与", "及", "或者", "以及"}
PERCENT_SIGNS = {"%", r"\%"}
PERCENT_WORDS = {"percent", "percents", "pct", "percentage"}
DEGREE_WORDS = {"degree", "degrees", "deg", "度"}
SCALES = {
    "dozen": 12, "hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12,
    "万": 10**4, "十万": 10**5, "百万": 10**6, "千万": 10**7, "亿": 10**8, "万亿": 10**12,
}  # fmt: skip
CURRENCIES = {r"\$": "dollar", "€": "euro", "£": "pound", "¥": "yuan", "￥": "yuan"}
FUNCTION_LETTERS = frozenset({"f", "g", "h", "F", "G", "H", "P", "Q", "W", "T", "varphi", "phi", "psi", "p", "q"})
LETTER_UNITS = _words("m g s h L t V A N J K W")
# Short words that are never a product of symbols.
SHORT_WORDS = _words("""cm mm km dm nm kg mg lb lbs oz ft in yd mi hr hrs min sec day mph kph ml cc am pm usd rmb cny
    eur gbp gal qt pt sq cu men way box cat dog pen mod pct per if for the are is of no yes odd all any not has set one
    two six ten hz khz mhz kj kw kpa mpa rad deg hot sat sun mon tue wed thu fri""")
