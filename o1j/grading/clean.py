"""One spelling for what people and models write in many: Unicode, LaTeX layout, escapes gone wrong.

`tidy` changes no meaning; everything after it may rely on ASCII operators and LaTeX commands without layout.
"""

import re
import unicodedata

_UNICODE = {
    "−": "-", "–": "-", "—": "-", "﹣": "-", "‐": "-", "‑": "-", "×": r"\times ", "·": r"\cdot ", "⋅": r"\cdot ",
    "∙": r"\cdot ", "÷": "/", "∕": "/", "⁄": "/", "≤": r"\le ", "≥": r"\ge ", "⩽": r"\le ", "⩾": r"\ge ",
    "≦": r"\le ", "≧": r"\ge ", "≠": r"\ne ", "≈": r"\approx ", "≅": r"\approx ", "≡": r"\equiv ", "±": r"\pm ",
    "∓": r"\mp ", "∞": r"\infty ", "π": r"\pi ", "√": r"\surd ", "∛": r"\cbrt ", "°": r"^\circ ", "º": r"^\circ ",
    "˚": r"^\circ ", "℃": r"\text{°C}", "∪": r"\cup ", "∩": r"\cap ", "∈": r"\in ", "∅": r"\emptyset ",
    "ø": r"\emptyset ", "∖": r"\setminus ", "ℝ": r"\mathbb{R}", "ℤ": r"\mathbb{Z}", "ℕ": r"\mathbb{N}",
    "ℚ": r"\mathbb{Q}", "ℂ": r"\mathbb{C}", "∠": r"\angle ", "△": r"\triangle ", "→": r"\to ", "⇒": r"\Rightarrow ",
    "′": "'", "’": "'", "‘": "'", "“": '"', "”": '"', "…": r"\ldots ", "⋯": r"\ldots ", "⌊": r"\lfloor ",
    "⌋": r"\rfloor ", "⌈": r"\lceil ", "⌉": r"\rceil ", "θ": r"\theta ", "α": r"\alpha ", "β": r"\beta ",
    "γ": r"\gamma ", "δ": r"\delta ", "λ": r"\lambda ", "μ": r"\mu ", "φ": r"\varphi ", "ω": r"\omega ",
    "∣": "|", "，": ",", "；": ";", "：": ":", "（": "(", "）": ")", "【": "[", "】": "]", "｛": "{", "｝": "}",
    "、": ",", "。": ".", "％": "%", "〜": "~", "\u3000": " ", "\xa0": " ", "\u2009": " ", "\u202f": " ",
    "\u200b": "", "\u2061": "", "\u2062": "", "\ufeff": "", "⟨": r"\langle ", "⟩": r"\rangle ", "＄": "$",
    "①": "(1)", "②": "(2)", "③": "(3)", "④": "(4)", "⑤": "(5)", "⑥": "(6)", "⑦": "(7)", "⑧": "(8)", "⑨": "(9)",
    "½": r"\frac{1}{2}", "⅓": r"\frac{1}{3}", "⅔": r"\frac{2}{3}", "¼": r"\frac{1}{4}", "¾": r"\frac{3}{4}",
    "⅕": r"\frac{1}{5}", "⅖": r"\frac{2}{5}", "⅗": r"\frac{3}{5}", "⅘": r"\frac{4}{5}", "⅙": r"\frac{1}{6}",
    "⅚": r"\frac{5}{6}", "⅛": r"\frac{1}{8}", "⅜": r"\frac{3}{8}", "⅝": r"\frac{5}{8}", "⅞": r"\frac{7}{8}",
}  # fmt: skip
_TABLE = str.maketrans(_UNICODE)
_SUPER = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿⁱ", "0123456789+-ni")
_SUB = str.maketrans("₀₁₂₃₄₅₆₇₈₉₊₋ₙ", "0123456789+-n")
_SUPERS = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿⁱ]+")
_SUBS = re.compile("[₀₁₂₃₄₅₆₇₈₉₊₋ₙ]+")

# "\f", "\t", "\b", "\r" that a JSON or Python reader turned into control characters, with the rest of the command.
_BROKEN = [
    (re.compile(r"\x0c(?=rac|box)"), r"\\f"),
    (re.compile(r"\x08(?=oxed|inom|egin|eta|ar|mod)"), r"\\b"),
    (re.compile(r"\t(?=ext|imes|heta|frac|an\b|au\b)"), r"\\t"),
    (re.compile(r"\r(?=ight|angle|ho\b)"), r"\\r"),
]
# A command whose backslash was escaped once more. Row ends of matrices (`\\`) are followed by something else.
_DOUBLED = re.compile(
    r"(?<!\\)\\\\(?=(?:d|t|c)?frac|sqrt|left|right|pi\b|text|math|boxed|cdot|times|circ|infty|begin|end|pm\b|le\b|"
    r"leq|ge\b|geq|cup|in\b|sin|cos|tan|log|ln\b|quad|%|\$|\{|\}|,|!|overline|binom|pmod|operatorname|displaystyle)"
)
_SPACING = re.compile(
    r"\\(?:displaystyle|textstyle|scriptstyle|limits|nolimits|mathstrut|strut|bigskip|nonumber|noindent|hfill|"
    r"left\s*\.|right\s*\.|left(?![a-zA-Z])|right(?![a-zA-Z])|(?:[bB]igg?[lrm]?)(?![a-zA-Z])|middle(?![a-zA-Z]))"
)
_THIN = re.compile(r"\\[!]|\\hspace\*?\{[^{}]*\}|\\[hv]?phantom\{[^{}]*\}|\\label\{[^{}]*\}|\\tag\*?\{[^{}]*\}")
_SPACE = re.compile(r"(?<!\\)\\(?:[,;:> ]|q?quad|enspace|thinspace|medspace|thickspace|newline|par(?![a-z])|\n)|~")
_DOLLAR = re.compile(r"\\\$|\\\(|\\\)|(?<!\\)\\\[|\\\]|\$")
# A comma set without the space that LaTeX puts after one belongs to the number: `10{,}080`, `10,\!080`.
_THOUSANDS = re.compile(r"(?<=\d)\s*(?:\{,\s*\}|,\\!)\s*(?=\d{3}(?!\d))")
_DECIMAL_COMMA = re.compile(r"(?<=\d)\{,\}(?=\d)")
_POWER_OF_TEN = re.compile(r"(?<![\w.\\])(\d+(?:\.\d+)?)[eE]([+-]?\d{1,5})(?![\w.])")
_GLUED = re.compile(r"(?<=[\d)\]}])(or|and)(?=[A-Z(\d\\\-])")
_ORDINAL = re.compile(
    r"(?<=\d)\s*(?:\^\s*)?\{?\s*\\(?:text|mathrm|textrm|rm|mbox)\s*\{\s*(?:st|nd|rd|th)\s*\}\s*\}?|(?<=\d)(?:st|nd|rd|th)\b"
)


# 大于 and its like; the longer words first, since 不大于 holds 大于.
_COMPARISONS = {
    "大于等于": r" \ge ", "大于或等于": r" \ge ", "不小于": r" \ge ", "不低于": r" \ge ", "不少于": r" \ge ",
    "小于等于": r" \le ", "小于或等于": r" \le ", "不大于": r" \le ", "不超过": r" \le ", "不多于": r" \le ",
    "不等于": r" \ne ", "大于": ">", "小于": "<", "等于": "=",
}  # fmt: skip
_COMPARED = re.compile("|".join(_COMPARISONS))
_TO = re.compile(r"(?<=\d)\s?比\s?(?=\d)")
_MINUTES = re.compile(r"((?:小时|时)\d{1,2})分(?!钟|之)")  # 3小时20分; alone, 20分 may be money or marks


_BOLD = re.compile(r"\\mathbf\s*\{[^{}]*\}")
_SPACED_DIGITS = re.compile(r"(?<=\d) +(?=[\d.,])|(?<=[.,]) +(?=\d)")


def mend(text: str) -> str:
    """Commands whose backslash and first letter an escape turned into a control character, as they were."""
    if any(control in text for control in "\x08\x0c\t\r"):
        for pattern, repair in _BROKEN:
            text = pattern.sub(repair, text)
    return text


def tidy(text: str) -> str:
    """The same mathematics in one spelling: no layout commands, no dollar signs, ASCII operators, single spaces.

    >>> tidy("$\\\\left(1,\\\\!000\\\\right)$ · ½")
    '(1000) \\\\cdot \\\\frac{1}{2}'
    """
    if not text.isascii():
        text = _COMPARED.sub(lambda words: _COMPARISONS[words[0]], text)
        text = _MINUTES.sub(r"\1分钟", _TO.sub(":", text))
        text = _SUPERS.sub(lambda run: "^{" + run[0].translate(_SUPER) + "}", text)
        text = _SUBS.sub(lambda run: "_{" + run[0].translate(_SUB) + "}", text)
        text = unicodedata.normalize("NFKC", text.translate(_TABLE)).translate(_TABLE)
    text = mend(text)
    text = text.replace("{:}", ":")
    if "{," in text or ",\\!" in text:
        text = _DECIMAL_COMMA.sub(".", _THOUSANDS.sub("", text))
    if "\\" in text:
        text = _BOLD.sub(lambda bold: _SPACED_DIGITS.sub("", bold[0]), text)
        text = _DOUBLED.sub(r"\\", text)
        text = _THIN.sub("", text)
        text = _SPACING.sub("", text)
        text = _SPACE.sub(" ", text)
    text = _DOLLAR.sub(lambda sign: r"\$" if sign[0] == r"\$" else " ", text)
    text = _GLUED.sub(r" \1 ", text)
    text = _POWER_OF_TEN.sub(r"\1 \\times 10^{\2}", text)
    text = _ORDINAL.sub("", text)
    return " ".join(text.split())
