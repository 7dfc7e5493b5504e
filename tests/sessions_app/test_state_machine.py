"""Clients and crashes, in any order, never break the rules of a session."""

import itertools
import threading
from datetime import timedelta
from typing import Any

import hypothesis.strategies as st
import pytest
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from apps_registry.models import App
from keys.limits.values import app_subject
from sessions_app.models import ChatSession, Message, Turn
from tests import accounts, factories
from tests.client import Client
from tests.model_server import ModelServer, Reply, ScriptedModel, chunk, refuses, says
from tests.product import Server

pytestmark = pytest.mark.thorough

REPLIES = {
    "quick": lambda: says("quick ", "reply"),
    "slow": lambda: says(*["slow "] * 4, pause=0.05),
    "failing": lambda: refuses(400),
    "cut": lambda: Reply([chunk({"content": "cut o"})], then="cut"),
    "hanging": lambda: Reply([chunk({"content": "for ever "})], then="hang"),
}
ASYNC = {"Prefer": "respond-async"}


class SessionMachine(RuleBasedStateMachine):
    """One session, and what it must contain: `said` and `noted` are what the API accepted, in order."""

    server: Server
    model_server: ModelServer

    @initialize()
    def begin(self) -> None:
        self.app = factories.make_app(base_url=self.model_server.base_url)
        self.model = ScriptedModel(self.model_server, self.app.default_model.provider_model_id)
        accounts.limit(app_subject(self.app.pk), concurrent_turns=100, tokens_per_day=10**9)
        self.deletions = 0
        self.client = Client(self.server.url, app=self.app.slug, key=factories.make_key(self.app).plain)
        self.said: list[str] = []
        self.noted: list[str] = []
        self.exists = False
        self.title: str | None = None
        self.number = 0

    def _message(self) -> str:
        self.number += 1
        return f"message {self.number}"

    def _post(self, message: str, headers: dict[str, str] | None = None) -> int:
        query = {"message": message, "app": self.app.slug}
        return self.client.request("POST", "/api/chat", params=query, headers=headers).status_code

    @rule(kind=st.sampled_from(["quick", "slow", "failing", "cut"]))
    def chat(self, kind: str) -> None:
        if self.client.state()["is_processing"]:
            status = self._post(message := self._message())  # the turn may end meanwhile
            assert status in {200, 409}
        else:
            # A broken connection is retried: the script contains all attempts of the turn.
            self.model.will(*(REPLIES[kind]() for _ in range(1)))
            status = self._post(message := self._message())
            assert status in ({200, 502} if kind in {"failing", "cut"} else {200})
        self._accepted(message, status)

    @rule(kind=st.sampled_from(list(REPLIES)))
    def chat_without_waiting(self, kind: str) -> None:
        if not self.client.state()["is_processing"]:
            self.model.will(REPLIES[kind]())
        message = self._message()
        status = self._post(message, ASYNC)
        assert status in {200, 202, 409}
        self._accepted(message, status)

    def _accepted(self, message: str, status: int) -> None:
        if status != 409:
            self.said.append(message)
            self.exists = True

    @rule()
    def interrupt(self) -> None:
        answer = self.client.request("POST", "/api/interrupt")
        assert answer.status_code == (200 if self.exists else 404)
        if self.exists:
            assert answer.json()["is_processing"] is False

    @rule()
    def delete(self) -> None:
        answer = self.client.request("DELETE", f"/api/sessions/{self.client.session_id}")
        assert answer.status_code == (200 if self.exists else 404)
        self.said, self.noted, self.exists, self.title = [], [], False, None
        self.deletions += 1

    @rule(title=st.sampled_from(["A name", "Another name"]))
    def rename(self, title: str) -> None:
        path = f"/api/sessions/{self.client.session_id}"
        answer = self.client.request("PATCH", path, json={"title": title})
        assert answer.status_code == (200 if self.exists else 404)
        self.title = title if self.exists else None

    @rule(kind=st.sampled_from(["quick", "failing"]), times=st.integers(2, 3))
    def chat_repeatedly_under_one_key(self, kind: str, times: int) -> None:
        """Like a client that does not know whether its call has arrived; the last attempt succeeds."""
        if self.client.state()["is_processing"]:
            return
        replies = [REPLIES[kind](), REPLIES["quick"]()] if kind == "failing" else [REPLIES[kind]()]
        self.model.will(*replies)
        message = self._message()
        headers = {"Idempotency-Key": message}
        statuses = [self._post(message, headers) for _ in range(times)]
        assert statuses == [502 if kind == "failing" else 200, *[200] * (times - 1)]
        self._accepted(message, 200)

    @rule()
    def note(self) -> None:
        """Store a notice of a page outside the conversation, whether or not a turn runs."""
        text = f"note {self._message()}"
        answer = self.client.request("POST", "/api/system", params={"message": text})
        assert answer.status_code == 200
        self.noted.append(text)
        self.exists = True

    @rule()
    def poll(self) -> None:
        self.client.poll()

    @precondition(lambda self: self.exists)
    @rule()
    def lose_the_lease(self) -> None:
        """Leave the session as after a crash of its worker, from the view of other workers."""
        past = timezone.now() - timedelta(seconds=1)
        ChatSession.objects.filter(pk=self.client.session_id, status="processing").update(lease_expires_at=past)

    @rule(messages=st.integers(2, 3), interrupts=st.integers(0, 1))
    def all_at_once(self, messages: int, interrupts: int) -> None:
        statuses: dict[str, int] = {}
        texts = [self._message() for _ in range(messages)]

        def say(message: str) -> None:
            with Client(str(self.client.http.base_url), key=self.client.key, session_id=self.client.session_id) as own:
                query = {"message": message, "app": self.app.slug}
                statuses[message] = own.request("POST", "/api/chat", params=query, headers=ASYNC).status_code

        def stop() -> None:
            self.client.request("POST", "/api/interrupt")

        threads = [threading.Thread(target=say, args=(text,)) for text in texts]
        threads += [threading.Thread(target=stop) for _ in range(interrupts)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(statuses.values()) <= {200, 202, 409}
        accepted = {message for message, status in statuses.items() if status != 409}
        stored = [m for m in self._users_messages() if m in statuses]  # only the messages that won have an order
        assert sorted(stored) == sorted(accepted)
        self.said += stored
        self.exists = self.exists or bool(accepted)

    @invariant()
    def the_rules_hold(self) -> None:
        if not hasattr(self, "client"):
            return
        assert self._users_messages() == self.said
        assert self._notes() == self.noted
        rows = list(Message.objects.filter(session_id=self.client.uuid).order_by("position"))
        assert [row.position for row in rows] == list(range(len(rows)))
        assert not any(a.role == b.role == "agent" for a, b in itertools.pairwise(rows))
        one, two = self._snapshot(), self._snapshot()
        if not one["is_processing"]:
            assert one == two
        if self.title is not None:
            assert one["title"] == self.title
        running = Turn.objects.filter(session_id=self.client.uuid, status="running").count()
        assert running <= 1

    def _users_messages(self) -> list[str]:
        rows = Message.objects.filter(session_id=self.client.uuid, role="user").order_by("position")
        return list(rows.values_list("content", flat=True))

    def _notes(self) -> list[str]:
        """Return the notices among the events, without those of failed turns."""
        events = self.client.request("GET", "/api/events", params={"count": "100"})
        return [event["SystemNotice"] for event in events.json() if "SystemNotice" in event] if self.exists else []

    def _snapshot(self) -> dict[str, Any]:
        """Return the snapshot without the events, each of which is delivered once."""
        return {name: value for name, value in self.client.state().items() if name != "system_events"}

    def _accounts_are_settled(self) -> None:
        """Check that usage and limits equal the sums of the Turn rows; both keep deleted turns."""
        used, rows = accounts.usage_of(self.app), accounts.turns_of(self.app)
        assert used == rows if self.deletions == 0 else all(used[name] >= rows[name] for name in rows)
        if rows["turns"]:
            counts = accounts.state(app_subject(self.app.pk))
            assert (counts.running_turns, counts.reserved_tokens) == (0, 0)
            tokens = used["prompt_tokens"] + used["completion_tokens"] + used["unreported_tokens"]
            assert counts.day_tokens == tokens

    def teardown(self) -> None:
        if not hasattr(self, "client"):
            return
        snapshot = self.client.poll(8)  # a turn lasts at most its time limit and a lease
        assert [m["content"] for m in snapshot["messages"] if m["sender"] == "user"] == self.said
        assert not Turn.objects.filter(session_id=self.client.uuid, status="running").exists()
        self._accounts_are_settled()
        self.client.http.close()


def test_any_interleaving_keeps_the_rules(server: Server, model_server: ModelServer, database: str) -> None:
    assert App.objects.exists()

    class OnThisServer(SessionMachine):
        pass

    OnThisServer.server, OnThisServer.model_server = server, model_server
    bounded = settings(
        max_examples=25,
        stateful_step_count=12,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(OnThisServer, settings=bounded)
