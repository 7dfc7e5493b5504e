"""kill -9 of the whole server while a client's tool, a transaction and a signature wait: the next one goes on."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from apps_registry.models import App, Tool
from sessions_app.models import Message, Turn
from tests import factories
from tests.api.test_client_tools import POSITION
from tests.api.test_wallet_requests import HASH, SEND, TYPED, connected, inline, tell
from tests.client import Client, texts
from tests.faults.conftest import assert_consistent
from tests.model_server import ScriptedModel, calls, says, tool_results
from tests.product import Server
from tests.wallets import TestWallet

pytestmark = pytest.mark.thorough

# By kind of question: the call that the model makes, and the answer, whose result the model must read.
KINDS: dict[str, tuple[str, dict[str, Any], str, dict[str, Any], str]] = {
    "client_tool": ("get_position", {"exact": True}, "client_tool", {"result": "Oslo"}, "Oslo"),
    "wallet_tx_request": (
        *("wallet_tx_request", SEND, "wallet:tx_complete"),
        {"status": "success", "txHash": HASH, "pending_tx_ids": [1]},
        HASH,
    ),
    "wallet_eip712_request": (
        *("wallet_eip712_request", {"typed_data": TYPED, "description": "Names you."}, "wallet_eip712_response"),
        {"status": "failed", "error": "User rejected", "pending_eip712_id": 1},
        "User rejected",
    ),
}


@pytest.fixture
def open_clients() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def app(app: App) -> App:
    App.objects.filter(pk=app.pk).update(callers_may_bring_tools=True, claimed_wallets_may_sign=True)
    for name in ("wallet_tx_request", "wallet_eip712_request"):
        Tool.objects.create(app=app, name=name)
    return app


def test_questions_to_clients_survive_the_server(
    patient: Callable[..., Server], app: App, model: ScriptedModel, open_clients: ExitStack
) -> None:
    key, state, before = factories.make_key(app).plain, connected(TestWallet()), patient(workers=1)
    sessions, payloads = {}, {}
    for kind, (tool, arguments, _, _, _) in KINDS.items():
        model.will(calls((tool, arguments), text="I ask."))
        client = open_clients.enter_context(Client(before.url, app=app.slug, key=key))
        body = {"message": f"Ask for {kind}", "app": app.slug, "client_tools": [POSITION], "user_state": state}
        (question,) = inline(client.request("POST", "/api/chat", json=body).json())
        assert question["type"] == kind
        sessions[kind], payloads[kind] = client.session_id, question["payload"]
    before.kill()

    after = patient(workers=1)
    for kind, (_, _, answer, payload, read) in KINDS.items():
        model.will(says(f"Done with {kind}."))
        client = open_clients.enter_context(Client(after.url, app=app.slug, key=key, session_id=sessions[kind]))
        named = {"call_id": payloads[kind]["call_id"]} if kind == "client_tool" else {}
        shown = client.state()
        assert (shown["status"], texts(shown)) == ("idle", [("user", f"Ask for {kind}"), ("agent", "I ask.")])
        assert tell(client, answer, **payload, **named).is_success
        for _ in range(2):  # again, since a client may not have received the first response: while it runs, and later
            tell(client, answer, **payload, **named)
            replies = [text for sender, text in texts(client.poll()) if sender == "agent" and text]
            assert replies == ["I ask.", f"Done with {kind}."]
        assert read in tool_results(model.prompts[-1])[-1]
        assert [turn.status for turn in Turn.objects.filter(session=client.uuid)] == ["completed"]
        assert Message.objects.filter(session=client.uuid, content=f"Done with {kind}.").count() == 1
    assert len(model.prompts) == 2 * len(KINDS)
    assert_consistent(sessions.values())
