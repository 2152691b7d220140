"""What a server does not take, learnt from what it says: no list of model names that ages.

OpenAI's reasoning models want `max_completion_tokens`, no temperature, some no system role; others refuse `seed`.
"""

import re

_REFUSES = re.compile(
    r"(?i)unsupported|not support|does not exist|unrecogni[sz]ed|unknown|unexpected|not permitted|extra (?:input|field)"
)
_OPTIONAL = ("temperature", "top_p", "seed", "reasoning_effort", "stream_options")
_ROLE = re.compile(r"(?i)messages(?:\[\d+\]|\.\d+)\.role|['\"]?system['\"]? (?:role|message)|role ['\"]?system")


class Quirks:
    """Changes to a request's body that one model on one server has asked for; kept for the run."""

    def __init__(self) -> None:
        self._renamed: dict[str, str] = {}
        self._dropped: set[str] = set()
        self._no_system = False

    def apply(self, body: dict) -> dict:
        """The body as this server takes it."""
        if not (self._renamed or self._dropped or self._no_system):
            return body
        fitted = {self._renamed.get(name, name): v for name, v in body.items() if name not in self._dropped}
        if self._no_system:
            fitted["messages"] = system_into_user(body["messages"])
        return fitted

    def learn(self, error: dict, body: dict) -> str | None:
        """Read a 400's error object. Returns what to tell the user if `body`, fitted anew, may now pass ("" if the
        user need not know), `None` if the server complains about something else."""
        said, param = str(error.get("message") or ""), str(error.get("param") or "")
        if "max_tokens" in body and "max_completion_tokens" in said:
            self._renamed["max_tokens"] = "max_completion_tokens"
            return ""
        if not _REFUSES.search(said):
            return None
        if _has_system(body) and (_ROLE.search(param) or _ROLE.search(said)):
            self._no_system = True
            return "it takes no system role: those words go before the user's"
        for name in _OPTIONAL:
            if name in body and (param == name or (not param and re.search(rf"\b{name}\b", said))):
                if name == "reasoning_effort" and "value" in said.lower():
                    return None  # a level it does not have is the user's to mend
                self._dropped.add(name)
                return "" if name == "stream_options" else f"it takes no {name}: sent without"
        return None


def _has_system(body: dict) -> bool:
    return any(turn.get("role") == "system" for turn in body["messages"])


def system_into_user(messages: list[dict]) -> list[dict]:
    """System turns join the user turn that follows them."""
    fitted, held = [], []
    for turn in messages:
        if turn.get("role") == "system":
            held.append(str(turn.get("content") or ""))
        elif held and turn.get("role") == "user" and isinstance(turn.get("content"), str):
            fitted.append({**turn, "content": "\n\n".join([*held, turn["content"]])})
            held = []
        else:
            fitted.append(turn)
    return [*fitted, {"role": "user", "content": "\n\n".join(held)}] if held else fitted
