"""Long conversations: what exceeds the budget is summarised in the background, and nothing is lost."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from apps_registry.models import App
from chat.prompt.history import SUMMARY_END, SUMMARY_INTRODUCTION
from sessions_app.models import ChatSession, Message
from tests import factories
from tests.client import Client, texts
from tests.model_server import DONE, ModelServer, Reply, ScriptedModel, calls, chunk, refuses, says
from tests.patience import scaled
from tests.product import Server
from tests.waiting import wait_until

LONG = "word " * 700  # about 1,000 tokens


@dataclass
class Talk:
    """A client of an App that summarises, its model, and the number of turns so far."""

    client: Client
    model: ScriptedModel
    turns: int = 0

    def say(self, *more: Reply) -> None:
        """A turn of about 1,010 tokens; scripted replies after the first one are for the summary."""
        self.model.will(says(f"a{self.turns} {LONG}"), *more)
        assert texts(self.client.chat(f"q{self.turns}"))[-1][1].startswith(f"a{self.turns}")
        self.turns += 1

    @property
    def row(self) -> ChatSession:
        return ChatSession.objects.get(pk=self.client.uuid)

    @property
    def summaries(self) -> list[dict[str, object]]:
        """The requests for summaries."""
        return [
            request for request in self.model.requests if request["messages"][0]["content"].startswith("Summarise the")
        ]

    def summarised(self, count: int) -> ChatSession:
        """Wait until the summary covers this many messages."""
        deadline = time.monotonic() + scaled(5)
        while (row := self.row).summarised_count != count:
            assert time.monotonic() < deadline, (row.summarised_count, row.summary)
            time.sleep(0.02)
        return row


def make_app(model_server: ModelServer) -> App:
    return factories.make_app(
        base_url=model_server.base_url, preamble="Preamble", history_budget_tokens=3_300, summarises_history=True
    )


@pytest.fixture
def talk(server: Server, model_server: ModelServer) -> Iterator[Talk]:
    app = make_app(model_server)
    with Client(server.url, app=app.slug, key=factories.make_key(app).plain) as client:
        yield Talk(client, ScriptedModel(model_server, app.default_model.provider_model_id))


def first_words(prompt: list[dict[str, str]]) -> list[str]:
    return [message["content"].split()[0] for message in prompt]


def test_a_history_that_fits_is_not_summarised(talk: Talk) -> None:
    for _ in range(3):
        talk.say()
    time.sleep(scaled(0.3))
    assert talk.summaries == []
    assert talk.row.summary == ""


def test_older_turns_are_replaced_by_a_summary_that_the_next_one_extends(talk: Talk) -> None:
    for _ in range(3):
        talk.say()
    talk.say(says("They spoke", " of words."))
    row = talk.summarised(6)  # three turns; the newest stays within half of the budget
    assert row.summary == "They spoke of words."
    asked = str(talk.summaries[0]["messages"][1]["content"])  # type: ignore[index]
    assert asked.startswith("user: q0\nagent: a0 word")
    assert "agent: a2" in asked
    assert "a3" not in asked
    # On every worker, the next turns get it in place of the messages.
    for _ in range(2):
        talk.say()
        prompt = talk.model.prompts[-1]
        assert prompt[1]["content"] == SUMMARY_INTRODUCTION + "They spoke of words." + SUMMARY_END + "\n\nq3"
        assert first_words(prompt)[2] == "a3"
        assert first_words(prompt)[-1] == f"q{talk.turns - 1}"
    # The next summary extends this one.
    talk.say(says("Many words."))
    row = talk.summarised(12)
    assert row.summary == "Many words."
    asked = str(talk.summaries[1]["messages"][1]["content"])  # type: ignore[index]
    assert asked.startswith("Earlier summary: They spoke of words.\n\nuser: q3\n")
    assert "q0" not in asked
    talk.say()
    assert talk.model.prompts[-1][1]["content"].startswith(SUMMARY_INTRODUCTION + "Many words." + SUMMARY_END)
    # Nothing is deleted, and clients see all of it.
    assert len(talk.client.state()["messages"]) == 2 * talk.turns == Message.objects.filter(session=talk.row).count()
    assert len(talk.summaries) == 2


@pytest.mark.parametrize("reply", [refuses(500), Reply(then="hang"), says("  "), calls(("x", {}))])
def test_a_summary_that_fails_changes_nothing(talk: Talk, reply: Reply) -> None:
    for _ in range(3):
        talk.say()
    talk.say(reply)
    time.sleep(scaled(0.4))
    talk.model.will(says("Well."), Reply(then="hang"))
    talk.client.chat("And now?")  # without delay
    turn = next(prompt for prompt in reversed(talk.model.prompts) if prompt[-1]["content"] == "And now?")
    assert first_words(turn) == ["Preamble", "q1", "a1", "q2", "a2", "q3", "a3", "And"]
    assert (talk.row.summary, talk.row.summarised_count) == ("", 0)


def test_a_summary_stays_in_its_session(talk: Talk, server: Server) -> None:
    for _ in range(3):
        talk.say()
    talk.say(says("A secret of the first session."))
    talk.summarised(6)
    with Client(server.url, app=talk.client.app, key=talk.client.key) as other:
        other_talk = Talk(other, talk.model)
        for _ in range(3):
            other_talk.say()
        other_talk.say(says("The other one."))
        assert other_talk.summarised(6).summary == "The other one."
        other_talk.say()
    session_requests = [str(request) for request in talk.model.requests[5:]]
    assert not [request for request in session_requests if "A secret of the first" in request]
    assert talk.row.summary == "A secret of the first session."


def test_a_deleted_session_gets_no_summary(talk: Talk) -> None:
    for _ in range(3):
        talk.say()
    talk.say(says("Too", " late.", pause=0.3))
    talk.client.request("DELETE", f"/api/sessions/{talk.client.session_id}")
    time.sleep(scaled(1))
    assert not ChatSession.objects.filter(pk=talk.client.uuid).exists()


def test_a_summary_ends_with_a_message_that_it_covers(talk: Talk) -> None:
    """The summary may repeat what a caller deletes, and so may one that is being made."""
    for _ in range(3):
        talk.say()
    talk.say(says("They spoke of words."))
    talk.summarised(6)
    items = f"/v1/conversations/{talk.client.session_id}/items"
    first, *_, last = talk.client.request("GET", items, params={"order": "asc"}).json()["data"]
    assert talk.client.request("DELETE", f"{items}/{last['id']}").is_success
    assert talk.row.summary == "They spoke of words."
    assert talk.client.request("DELETE", f"{items}/{first['id']}").is_success
    assert (talk.row.summary, talk.row.summarised_count) == ("", 0)
    goes_on = threading.Event()
    talk.say(
        Reply([chunk({"content": "They spoke of"}), goes_on, chunk({"content": " words."}), chunk({}, "stop"), DONE])
    )
    wait_until(lambda: len(talk.summaries) == 2)
    second = talk.client.request("GET", items, params={"order": "asc"}).json()["data"][0]
    assert talk.client.request("DELETE", f"{items}/{second['id']}").is_success
    goes_on.set()
    time.sleep(scaled(0.5))
    assert (talk.row.summary, talk.row.summarised_count) == ("", 0)


def test_operators_see_the_summary_and_can_turn_it_off(talk: Talk, operator: object) -> None:
    from django.contrib.auth.models import User
    from django.test import Client as Browser

    for _ in range(3):
        talk.say()
    talk.say(says("They spoke of <b>words</b>."))
    row = talk.summarised(6)
    browser = Browser()
    browser.force_login(User.objects.get(username=operator.username))  # type: ignore[attr-defined]
    page = browser.get(f"/admin/sessions_app/chatsession/{row.pk}/change/").content.decode()
    assert "They spoke of &lt;b&gt;words&lt;/b&gt;." in page
    App.objects.filter(slug=talk.client.app).update(summarises_history=False)
    for _ in range(4):
        talk.say()
    time.sleep(scaled(0.3))
    assert len(talk.summaries) == 1
