"""The roles of every prompt alternate, as strict chat templates require."""

import itertools
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.issuers import Issuer
from chat.prompt.history import build_prompt, messages_for
from sessions_app.values import StoredMessage
from tests.made_examples import examples

HERE, ELSEWHERE = Issuer("here", "m"), Issuer("elsewhere", "m")
Prompt = list[dict[str, Any]]


def mistral(prompt: Prompt) -> None:
    """The rule of Mistral's templates, with tools: https://github.com/ggml-org/llama.cpp/issues/11402."""
    position = 0
    for message in prompt:
        if message["role"] != "tool" and not message.get("tool_calls"):
            assert (message["role"] == "user") == (position % 2 == 0), "roles must alternate"
            position += 1


def mistral_api(prompt: Prompt) -> None:
    """Mistral's own API: no user right after a tool, no assistant last, ids of nine letters and digits."""
    for before, message in itertools.pairwise(prompt):
        assert (before["role"], message["role"]) != ("tool", "user")
    assert prompt[-1]["role"] in {"user", "tool"}
    for message in prompt:
        for call_id in [message.get("tool_call_id"), *(call["id"] for call in message.get("tool_calls", []))]:
            assert call_id is None or (len(call_id) == 9 and call_id.isalnum())


def gemma(prompt: Prompt) -> None:
    """Gemma's template, which does not support tools: strictly user, assistant, user."""
    for position, message in enumerate(prompt):
        assert message["role"] == ("user" if position % 2 == 0 else "assistant")


def openai(prompt: Prompt) -> None:
    """Every call is answered by the messages that follow it, and nothing else is."""
    waiting: list[str] = []
    for message in prompt:
        if message["role"] == "tool":
            assert message["tool_call_id"] == waiting.pop(0)
            continue
        assert waiting == []
        waiting = [call["id"] for call in message.get("tool_calls", [])]
        assert message["content"] or waiting, "an empty message"
    assert waiting == []


EVENTS = st.sampled_from(
    ["answer", "nothing", "partial", "calls", "calls and answer", "text and calls", "notice", "two rounds"]
)


class History:
    """The messages of a session, as turns store them."""

    def __init__(self) -> None:
        self.messages: list[StoredMessage] = []

    def add(self, turn: uuid.UUID | None, role: str, content: str, round_number: int = 0, extra: Any = None) -> None:
        tool = {"tool_name": "f", "tool_call_id": f"functions.f:{round_number}", "tool_arguments": "{}"}
        more: dict[str, Any] = tool if role == "tool" else {}
        at = datetime.now(UTC)
        self.messages.append(StoredMessage(uuid.uuid4(), turn, role, content, at, round_number, extra=extra, **more))

    def turn(self, kind: str, number: int) -> None:
        turn = uuid.uuid4()
        if kind == "notice":
            self.add(None, "system", f"notice {number}")
            return
        self.add(turn, "user", f"q{number}")
        if "text" in kind:
            self.add(turn, "agent", f"let me see {number}", 1)
        if "calls" in kind or "rounds" in kind:
            self.add(turn, "tool", f"result {number}", 1, {"by": list(HERE), "fields": {"x": 1}})
        if "rounds" in kind:
            self.add(turn, "tool", f"result {number}", 2, {"by": list(HERE)})
        if "answer" in kind or "partial" in kind:
            self.add(turn, "agent", f"a{number}")


def prompt_of(messages: Sequence[StoredMessage], to: Issuer = ELSEWHERE, **more: Any) -> Prompt:
    current = next(message.turn_id for message in reversed(messages) if message.turn_id)
    assert current is not None
    options = {"budget_tokens": 100_000, "with_tools": True, **more}
    return [dict(message) for message in messages_for(build_prompt("", messages, current, **options), to)]


@settings(max_examples=examples(300), deadline=None)
@given(st.lists(EVENTS, max_size=12), st.sampled_from(["", "They spoke."]), st.sampled_from([100_000, 120, 40, 0]))
def test_every_history_makes_a_prompt_that_strict_templates_take(kinds: list[str], summary: str, budget: int) -> None:
    history = History()
    for number, kind in enumerate([*kinds, "nothing"]):
        history.turn(kind, number)
    options: dict[str, Any] = {"summary": summary, "budget_tokens": budget}
    with_tools = prompt_of(history.messages, **options)
    for rule in (mistral, mistral_api, openai):
        rule(with_tools)
    gemma(prompt_of(history.messages, with_tools=False, **options))
    assert with_tools[-1]["content"].endswith(f"q{len(kinds)}")


@settings(max_examples=examples(200), deadline=None)
@given(st.lists(EVENTS, min_size=1, max_size=8), EVENTS)
def test_a_prompt_begins_like_the_previous_one(kinds: list[str], more: str) -> None:
    """Providers cache the beginning of a prompt; its last message may grow."""
    history = History()
    for number, kind in enumerate([*kinds, "nothing"]):
        history.turn(kind, number)
    before = prompt_of(history.messages)
    history.turn(more, 100)
    history.turn("nothing", 101)
    after = prompt_of(history.messages)
    assert after[: len(before) - 1] == before[:-1]
    assert after[len(before) - 1]["content"].startswith(before[-1]["content"])


@pytest.mark.parametrize("kind", ["calls", "two rounds"])
def test_the_issuer_gets_its_own_ids_and_fields_and_nobody_else_does(kind: str) -> None:
    history = History()
    history.turn(kind, 0)
    history.turn("nothing", 1)
    own, of_its_provider, other = (prompt_of(history.messages, to) for to in (HERE, Issuer("here", "n"), ELSEWHERE))
    assert own[1] == {**of_its_provider[1], "x": 1}
    assert own[1]["tool_calls"][0]["id"] == own[2]["tool_call_id"] == "functions.f:1"
    assert "x" not in other[1]
    mistral_api(other)
    assert other == prompt_of(history.messages)  # a call has the same id in each prompt


def test_a_conversation_that_the_assistant_begins() -> None:
    history = History()
    turn = uuid.uuid4()
    history.add(turn, "agent", "Hello!")
    history.turn("nothing", 1)
    assert [message["role"] for message in prompt_of(history.messages)] == ["user", "assistant", "user"]
