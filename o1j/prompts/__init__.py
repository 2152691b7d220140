"""Prompts are Markdown files: provenance on top between two lines of `---`, then the text with slots `{{name}}`."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path

from o1j.errors import Unavailable, UsageError

_SLOT = re.compile(r"\{\{\s*(\w+)\s*\}\}")


@dataclass(frozen=True)
class Prompt:
    """A text with slots. `text` is what is filled and sent; provenance is left out of it and of the hash."""

    name: str
    text: str

    @cached_property
    def hash(self) -> str:
        """16 hex digits that stand for the text in lineages."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]

    def fill(self, **values: str) -> str:
        """The text with its slots filled in one pass: a value that looks like a slot stays as it is, and half a
        character (a lone surrogate, which JSON can hold and UTF-8 can't) becomes U+FFFD."""
        filled = _SLOT.sub(lambda match: values[match[1]], self.text)
        return filled.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def load(name: str, slots: Iterable[str] = (), optional: Iterable[str] = ()) -> Prompt:
    """A built-in prompt by name, or a file by path; it must have all of `slots` and no other than `optional`.

    Raises UsageError naming a missing or unknown slot, Unavailable where there is no such file.
    """
    builtin = files(__package__) / f"{name}.md"
    path = builtin if "/" not in name and builtin.is_file() else Path(name)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise Unavailable(f"--prompt {name}: {(error.strerror or str(error)).lower()}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"--prompt {name}: not a UTF-8 text") from error
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL).strip()
    found, wanted = set(_SLOT.findall(text)), set(slots)
    for slot in sorted(wanted - found):
        raise UsageError(f"prompt {name}: the slot {{{{{slot}}}}} is missing")
    for slot in sorted(found - wanted - set(optional)):
        known = ", ".join(sorted(wanted | set(optional)))
        raise UsageError(f"prompt {name}: nothing fills the slot {{{{{slot}}}}}; there are {known}")
    return Prompt(name, text)
