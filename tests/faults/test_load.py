"""Many turns at once, and a server that stops while they run."""

import threading
import uuid
from collections.abc import Callable

import httpx2
import pytest

from apps_registry.models import App
from sessions_app.models import ChatSession, Message, Turn
from tests import factories
from tests.client import Client
from tests.model_server import ScriptedModel, says
from tests.patience import scaled
from tests.product import Server
from tests.sse import Updates
from tests.waiting import wait_until

pytestmark = pytest.mark.thorough


def together(number: int, act: Callable[[int], None]) -> None:
    """Run `act` this many times at the same time."""
    threads = [threading.Thread(target=act, args=(n,)) for n in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_of_fifty_messages_at_once_one_wins(start: Callable[..., Server], app: App, model: ScriptedModel) -> None:
    patience = dict.fromkeys(("MODEL_FIRST_TOKEN_TIMEOUT_SECONDS", "MODEL_GAP_TIMEOUT_SECONDS"), "30")
    server = start(workers=4, TURN_TIMEOUT_SECONDS="30", **patience)
    key, session_id = factories.make_key(app).plain, str(uuid.uuid4())
    model.will(says("the one", pause=5))
    statuses: list[int] = []

    def say(number: int) -> None:
        with Client(server.url, app=app.slug, key=key, session_id=session_id) as client:
            statuses.append(client.post_chat(f"message {number}").status_code)

    together(50, say)
    assert sorted(statuses) == [200] + [409] * 49
    assert list(Message.objects.filter(session_id=uuid.UUID(session_id)).values_list("position", flat=True)) == [0, 1]
    assert len(model.requests) == 1


def test_a_stop_under_load_answers_everybody_it_accepted(
    start: Callable[..., Server], app: App, model: ScriptedModel
) -> None:
    server = start(workers=2, MODEL_GAP_TIMEOUT_SECONDS="30", TURN_TIMEOUT_SECONDS="30")
    key = factories.make_key(app).plain
    model.will(*(says("short", pause=1.0) for _ in range(20)), *(says(*["long "] * 60, pause=0.5) for _ in range(10)))
    answers: dict[str, int | str] = {}

    def say(number: int) -> None:
        with Client(server.url, app=app.slug, key=key) as client:
            try:
                answers[client.session_id] = client.post_chat("Hi").status_code
            except httpx2.TransportError as error:
                answers[client.session_id] = type(error).__name__

    def stop_once_all_run() -> None:
        wait_until(lambda: len(model.requests) == 30)
        server.process.terminate()

    with Client(server.url, app=app.slug, key=key) as client, Updates(client) as reader:
        stopping = threading.Thread(target=stop_once_all_run)
        stopping.start()
        together(30, say)
        stopping.join()
        assert reader.ended.wait(scaled(10))  # streams end, so that they do not hold up the stop
    assert server.process.wait(scaled(40)) == 0
    assert set(answers.values()) == {200}
    sessions = ChatSession.objects.filter(pk__in=answers)
    assert sessions.count() == 30
    assert {session.status for session in sessions} == {"idle", "interrupted"}
    assert set(Turn.objects.filter(session__in=sessions).values_list("status", flat=True)) == {
        "completed",
        "interrupted",
    }
    for session in sessions:  # the text so far is kept once
        assert list(session.messages.values_list("position", "role")) == [(0, "user"), (1, "agent")]
    assert "Traceback" not in server.log
