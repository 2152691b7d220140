"""An answer as a row of tokens with a cursor: what every rule of the grammar reads from."""

import re

from .tree import NotMaths

MAX_TOKENS = 1500
MAX_DEPTH = 60

_TOKEN = re.compile(
    r"\\[a-zA-Z]+\*?|\\.|[0-9]+(?:\.[0-9]+)?|\.[0-9]+|[A-Za-zÀ-ÖØ-öø-ɏḀ-ỿ]+|<=|>=|!=|==|\.\.\.|[^\W\d_A-Za-z]+|\S",
    re.DOTALL,
)
_FACTORIAL_EQUALS = re.compile(r"(\d\s*!)=")  # `7!=5040` says that 7! is 5040
# 22°30' and 22°30'15'', the marks typed or as primes.
_MINUTES_OF_ARC = re.compile(
    r"(\d+)\s*\^\s*\{?\s*\\circ\s*\}?\s*(\d{1,2})\s*(?:'|\^\{?\\prime\}?)(?!')"
    r"(?:\s*(\d{1,2})\s*(?:''|\"|\^\{?\\prime\s*\\prime\}?))?"
)
_GROUPED = re.compile(r"(?<![\d.,])([1-9]\d{0,2}(?:,\d{3})+)(?=(?:\.\d+)?(?![\d]|,\d))")
_SPACED = re.compile(r"(?<![\d.,_])(?<!\d )([1-9]\d{0,2}(?: \d{3})+)(?=(?:\.\d+)?(?![\d]| \d(?!\d*/\d)))")
_DECIMAL_COMMA = re.compile(r"-?\d+,(\d+)(?:\s*[^\s\d,][^\d,]*)?")
_DOTTED = re.compile(
    r"(?<![\d.,])(?:([1-9]\d{0,2}(?:\.\d{3}){2,})(?![\d.])|([1-9]\d{0,2}(?:\.\d{3})+,\d{1,2})(?![\d.,]))"
)


def is_word(token: str) -> bool:
    """Whether a token is a run of letters (of any script), not a command or an operator."""
    return token[:1].isalpha()


class Tokens:
    """The tokens of one tidy answer, a cursor, and how deep in groups and bars the cursor is."""

    def __init__(self, text: str) -> None:
        text = _join_thousands(text).replace("**", "^")
        self.comma = _DECIMAL_COMMA.fullmatch(text)
        text = _FACTORIAL_EQUALS.sub(r"\1 = ", text)
        if "circ" in text:
            text = _MINUTES_OF_ARC.sub(_in_degrees, text)
        self.tokens = _TOKEN.findall(text)
        self.spaced = self._spacing(text)
        self._plain = "\\" not in text and "^" not in text
        self.at = 0
        self.depth = 0
        self.bars = 0
        if len(self.tokens) > MAX_TOKENS:
            raise NotMaths("too long")

    def _spacing(self, text: str) -> list[bool]:
        return [match.start() > 0 and text[match.start() - 1] == " " for match in _TOKEN.finditer(text)]

    def peek(self, ahead: int = 0) -> str:
        index = self.at + ahead
        return self.tokens[index] if index < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        if not token:
            raise NotMaths("ends too early")
        self.at += 1
        return token

    def accept(self, *tokens: str) -> bool:
        if self.peek() in tokens and self.peek():
            self.at += 1
            return True
        return False

    def expect(self, *tokens: str) -> str:
        token = self.take()
        if token not in tokens:
            raise NotMaths(f"expected {tokens[0]}")
        return token

    def follows(self, *tokens: str) -> bool:
        """Step over these tokens, the last one in braces or not, if they come next."""
        *before, last = tokens
        for wanted in ([*before, last], [*before, "{", last, "}"]):
            if self.tokens[self.at : self.at + len(wanted)] == wanted:
                self.at += len(wanted)
                return True
        return False

    def split_token(self) -> None:
        """Let only the first character of the next token be read: `x^ab` is x to the a, times b, `\\frac43` is 4/3."""
        word = self.tokens[self.at]
        self.tokens[self.at : self.at + 1] = [word[0], word[1:]]
        self.spaced[self.at : self.at + 1] = [self.spaced[self.at], False]

    def raw_group(self) -> str:
        """The source text of a braced group (balanced) or of the next single token."""
        if not self.accept("{"):
            return self.take()
        depth, words = 1, []
        while True:
            token = self.take()
            depth += (token == "{") - (token == "}")
            if not depth:
                return "".join(
                    (" " if self.spaced[self.at - len(words) - 1 + k] and k else "") + word
                    for k, word in enumerate(words)
                ).strip()
            words.append(token)


def _in_degrees(angle: re.Match) -> str:
    """An angle in degrees, minutes and seconds as a fraction of degrees."""
    degrees, minutes, seconds = (int(part or 0) for part in angle.groups())
    return rf"\frac{{{3600 * degrees + 60 * minutes + seconds}}}{{3600}}^\circ "


def _join_thousands(text: str) -> str:
    """Take the separators out of `1,234,567`, `1 234 567`, `1.234.567` where they can't part a bracket's items."""
    if not any(character.isdecimal() for character in text):
        return text
    if text.count(".") > 1 or ("." in text and "," in text):
        text = _DOTTED.sub(lambda match: match[0].replace(".", "").replace(",", "."), text)
    if "," not in text and " " not in text:
        return text
    bracketed = any(opening in text for opening in "([{") and not text.startswith("\\text")
    if not bracketed:
        text = _GROUPED.sub(lambda match: match[1].replace(",", ""), text)
        return _SPACED.sub(lambda match: match[1].replace(" ", ""), text)
    pieces, depth, start = [], 0, 0
    for index, character in enumerate(text):
        if character in "([{":
            if depth == 0:
                pieces.append(_GROUPED.sub(lambda match: match[1].replace(",", ""), text[start:index]))
                start = index
            depth += 1
        elif character in ")]}":
            depth -= 1
            if depth == 0:
                pieces.append(text[start : index + 1])
                start = index + 1
    tail = text[start:]
    pieces.append(_GROUPED.sub(lambda match: match[1].replace(",", ""), tail) if depth == 0 else tail)
    return "".join(pieces)
