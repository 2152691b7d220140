"""What was recorded is answered; what was not is named."""

import json

import pytest

from o1j.errors import InputError, Unavailable
from o1j.models import Sampling


def test_a_recording_answers_like_the_server_did(server, ask, tmp_path):
    here = server(lambda _: {"content": "4", "reasoning_content": "2+2"})
    asked, _ = ask(here.url, ["2+2", "3+1"], sampling=Sampling(seed=1), record=tmp_path / "tape.jsonl")
    again, _ = ask(None, ["3+1", "2+2"], sampling=Sampling(seed=1), model=f"replay:{tmp_path / 'tape.jsonl'}")
    assert again == asked[::-1]


def test_the_recording_has_the_contracts_shape(server, ask, tmp_path):
    ask(server().url, ["2+2"], sampling=Sampling(temperature=0.5), record=tmp_path / "tape.jsonl")
    line = json.loads((tmp_path / "tape.jsonl").read_text())
    assert line["request"] == {
        "messages": [{"role": "user", "content": "2+2"}],
        "sampling": {"temperature": 0.5},
        "sample": 0,
    }
    assert {name: line["reply"][name] for name in ("text", "reasoning", "tokens", "finish_reason")} == {
        "text": "\\boxed{2+2}",
        "reasoning": None,
        "tokens": 1,
        "finish_reason": "stop",
    }


def test_replies_out_of_the_store_are_recorded_too(server, ask, tmp_path):
    here = server()
    ask(here.url, range(3))
    ask(here.url, range(3), record=tmp_path / "tape.jsonl")
    assert len((tmp_path / "tape.jsonl").read_text().splitlines()) == 3


def test_a_request_that_was_not_recorded_fails_loudly(ask, tmp_path):
    line = {"request": {"messages": [{"role": "user", "content": "2+2"}]}, "reply": {"text": "4"}}
    (tmp_path / "tape.jsonl").write_text(json.dumps(line) + "\n")
    assert ask(None, ["2+2"], model=f"replay:{tmp_path}/tape.jsonl")[0][0].text == "4"
    with pytest.raises(InputError, match=r"no reply to .*2\+3"):
        ask(None, ["2+3"], model=f"replay:{tmp_path}/tape.jsonl")


def test_a_broken_line_is_named(ask, tmp_path):
    (tmp_path / "tape.jsonl").write_text('{"request": {}}\n')
    with pytest.raises(InputError, match=r"tape\.jsonl:1"):
        ask(None, ["?"], model=f"replay:{tmp_path}/tape.jsonl")


def test_a_missing_recording_is_named(ask, tmp_path):
    with pytest.raises(Unavailable, match=r"none\.jsonl"):
        ask(None, ["?"], model=f"replay:{tmp_path}/none.jsonl")
