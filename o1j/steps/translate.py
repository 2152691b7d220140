"""The same record in another language: mathematics untouched, every number kept, the answer unchanged."""

import asyncio
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from o1j.grading import grade
from o1j.models.chat import Chat, Reply, Sampling
from o1j.models.truncation import unbroken
from o1j.prompts import Prompt
from o1j.records import Dropped, Record, lineage, stable_id
from o1j.steps.asking import message, usage
from o1j.steps.formulas import marks, numbers, pieces, protect, restore, reword, signs, words_within

if TYPE_CHECKING:
    from o1j.models import Model

FIELDS = ("problem", "solution", "response", "reasoning", "messages")
MODES = ("pair", "replace")
LANGUAGES = {
    "ar": "Arabic",
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "hi": "Hindi",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "pt": "Portuguese",
    "ru": "Russian",
    "vi": "Vietnamese",
    "zh": "Simplified Chinese",
}
_SCRIPTS = {
    "ar": "\u0600-\u06ff",
    "hi": "\u0900-\u097f",
    "ja": "\u3040-\u30ff\u4e00-\u9fff",
    "ko": "\uac00-\ud7af",
    "ru": "\u0400-\u04ff",
    "zh": "\u4e00-\u9fff",
}
_LONGEST_PIECE = 3000  # characters a request: long thoughts come back whole only in parts
_LEAST_SHARE = 0.2  # of the letters in a translation that must be of the target's script; names stay Latin


class Text(NamedTuple):
    """One text of a record and where it stands: ("messages", 1, "content") or ("problem",)."""

    path: tuple[Any, ...]
    text: str


class Translated(NamedTuple):
    """What became of one text: the translation, or why there is none; and the replies it took."""

    text: str
    fault: str | None
    replies: list[Reply]


def translate(
    records: Iterable[Record],
    model: "Model",
    prompt: Prompt,
    sampling: Sampling,
    *,
    to: str,
    fields: Iterable[str] = FIELDS,
    mode: str = "pair",
    tries: int = 1,
    on_truncation: str | None = None,
    run: str = "",
) -> Iterator[Record | Dropped]:
    """Translate the text fields of each record into the language `to`.

    mode "pair": the source and its translation, one `id`, `language` differs; "replace": the translation alone.
    Each text is checked: formulas and numbers all there, target script, final answer as before; one that fails is
    asked for up to `tries` times, then the whole record is dropped, as is one without a text. `on_truncation` "retry"
    or "continue" is for replies that are cut short (see `o1j.models.truncation`). Slots of the prompt: language,
    text.
    """
    chat = unbroken(model, on_truncation, sampling)
    fields = tuple(fields)
    language = LANGUAGES.get(to, to)

    async def work(record: Record) -> list[Translated]:
        if language_of(record) == to:
            return []

        async def one(text: str) -> Translated:
            return await _translate(text, chat, prompt, sampling, language=language, to=to, tries=tries)

        return await asyncio.gather(*(one(item.text) for item in texts(record, fields)))

    for record, done in model.map(records, work):
        source = record.but(id=stable_id(record), language=language_of(record))
        if language_of(record) == to:
            yield Dropped(source, "same-language")
            continue
        if not done:
            yield Dropped(source, "no-text")
            continue
        replies = [reply for item in done for reply in item.replies]
        failed = next((item for item in done if item.fault), None)
        if failed:
            error = next((reply.error for reply in failed.replies if reply.error), None)
            yield Dropped(source.but(error=error) if error else source, failed.fault, technical=error is not None)
            continue
        paths = [item.path for item in texts(record, fields)]
        result = put(source, zip(paths, (item.text for item in done), strict=True)).but(language=to)
        if answer_changed(source, result, fields):
            yield Dropped(source, "answer-changed")
            continue
        if mode == "pair":
            yield source
        entry = lineage(
            record,
            step="translate",
            run=run,
            model=model.name,
            prompt=prompt.hash,
            parents=[stable_id(record)],
            usage=usage(replies),
            on_truncation=on_truncation,
        )
        yield result.but(lineage=entry)


def language_of(record: Record) -> str:
    """The record's `language`; where it says none, zh or en by the script of its problem or messages."""
    if isinstance(record.get("language"), str):
        return record["language"]
    text = " ".join(item.text for item in texts(record, FIELDS))[:20_000]
    return "zh" if _share(text, "zh") > 0.3 else "en"


def texts(record: Record, fields: Iterable[str]) -> list[Text]:
    """Every text of the record that is to be translated, in the order of `fields`."""
    found: list[Text] = []
    for field in fields:
        value = record.get(field)
        if field == "messages":
            found += _of_messages(value)
        elif isinstance(value, list):
            found += [Text((field, number), item) for number, item in enumerate(value) if _says(item)]
        elif _says(value):
            found.append(Text((field,), value))
    return found


def put(record: Record, changes: Iterable[tuple[tuple[Any, ...], str]]) -> Record:
    """The record with texts replaced where their paths point; containers on the way are copied."""
    fields: dict[str, Any] = {}
    for path, text in changes:
        if len(path) == 1:
            fields[path[0]] = text
            continue
        container = fields.setdefault(path[0], _copy(record[path[0]]))
        for key in path[1:-1]:
            container = container[key]
        container[path[-1]] = text
    return record.but(**fields)


def fault_of(source: str, translation: str, to: str) -> str | None:
    """What is wrong with the translation of a protected text, as a reason; None where all checks hold."""
    if marks(translation) != marks(source) or signs(source) - signs(translation) or "\\boxed" in translation:
        return "lost-formula"
    if numbers(source) - numbers(translation):
        return "lost-number"
    if to in _SCRIPTS and _words(source) and _share(translation, to) < _LEAST_SHARE:
        return "not-translated"
    return None


def answer_changed(source: Record, result: Record, fields: Iterable[str]) -> bool:
    """Whether a solution or response that had the gold answer lost it on the way."""
    gold = source.get("answer")
    for field in {"solution", "response"} & set(fields):
        before, after = source.get(field), result.get(field)
        if (
            gold
            and isinstance(before, str)
            and before
            and grade(gold, before).correct
            and not grade(gold, after).correct
        ):
            return True
    return False


async def _translate(
    text: str, chat: Chat, prompt: Prompt, sampling: Sampling, *, language: str, to: str, tries: int
) -> Translated:
    """A whole text, piece by piece, its formulas put back at the end."""
    guarded, formulas = protect(text)

    async def ask(piece: str) -> Translated:
        body = piece.strip()
        if not _words(body):
            return Translated(piece, None, [])
        head, tail = piece[: len(piece) - len(piece.lstrip())], piece[len(piece.rstrip()) :]
        messages = message(prompt.fill(language=language, text=body))
        replies: list[Reply] = []
        fault = None
        for attempt in range(tries):
            reply = await chat(messages, sampling, attempt)
            replies.append(reply)
            fault = reply.fault or fault_of(body, reply.text, to)
            if fault is None:
                return Translated(head + reply.text.strip() + tail, None, replies)
        return Translated("", fault, replies)

    within = sorted(words_within(formulas)) if to not in _SCRIPTS else []
    asked = [*pieces(guarded, _LONGEST_PIECE), *within]
    done = await asyncio.gather(*map(ask, asked))
    replies = [reply for part in done for reply in part.replies]
    fault = next((part.fault for part in done if part.fault), None)
    done, named = done[: len(asked) - len(within)], [part.text for part in done[len(asked) - len(within) :]]
    if any(re.search(r"[{}$\\⟦\n]", name) for name in named):
        fault = fault or "lost-formula"
    formulas = [reword(one, dict(zip(within, named, strict=True))) for one in formulas]
    if fault:
        return Translated("", fault, replies)
    return Translated(restore("".join(part.text for part in done), formulas), None, replies)


def _of_messages(messages: Any) -> list[Text]:
    found: list[Text] = []
    for number, turn in enumerate(messages if isinstance(messages, list) else ()):
        for key in ("reasoning_content", "content"):
            if isinstance(turn, dict) and _says(turn.get(key)):
                found.append(Text(("messages", number, key), turn[key]))
    return found


def _copy(value: Any) -> Any:
    return [dict(item) if isinstance(item, dict) else item for item in value]


def _says(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _words(text: str) -> bool:
    return bool(re.search(r"[^\W\d_]{2,}|[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]", text))


def _share(text: str, language: str) -> float:
    """The share of the target's script among all letters."""
    bare = protect(text)[0]
    own = len(re.findall(f"[{_SCRIPTS[language]}]", bare))
    letters = len(re.findall(r"[^\W\d_]", bare))
    return own / letters if letters else 0.0
