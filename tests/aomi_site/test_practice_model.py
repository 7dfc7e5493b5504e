"""The practice model behind the product: tools, a confirmation, streaming, limits, titles, and its own protocol."""

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client as AdminClient

from aomi_site.practice_model.application import MODEL_ID
from aomi_site.practice_model.process import PracticeModel
from aomi_site.practice_model.request import read_request
from aomi_site.practice_model.rules import INTRODUCTION, answer
from apps_registry.models import App, Tool
from apps_registry.services.seed import ForeignModel, use_local_model
from chat.turns.background.summaries import INSTRUCTION
from chat.turns.background.titles import ASK
from sessions_app.models import Turn
from tests import factories
from tests.client import Client, texts
from tests.conftest import Operator
from tests.product import Server
from tests.root import ROOT
from tests.sse import events_of
from tests.upstream import Upstream


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PracticeModel]:
    running = PracticeModel(tmp_path_factory.mktemp("practice"))
    running.launch(os.getpid())
    running.wait_until_loaded()
    yield running
    running.stop()
    assert running.log.read_text() == ""  # no prompt, no address


@pytest.fixture
def app(practice: PracticeModel) -> App:
    """An App whose model is the practice model."""
    model = factories.make_model(practice.base_url, provider_model_id=MODEL_ID, prompt_price=1, completion_price=2)
    return factories.make_app(default_model=model)


def test_it_calls_a_tool_after_the_user_has_confirmed(app_client: Client, app: App, upstream: Upstream) -> None:
    App.objects.filter(pk=app.pk).update(allowed_hosts=upstream.host)
    upstream.handle = lambda handler, request: handler.reply({"ordered": request.path[1:]})
    args = {"parameters": {"type": "object", "properties": {"what": {"type": "string"}}, "required": ["what"]}}
    factories.make_http_tool(app, f"{upstream.url}/{{{{ args.what }}}}", name="place_order", method="POST", **args)
    Tool.objects.filter(app=app, name="place_order").update(needs_confirmation=True)
    (event,) = app_client.chat("place_order what=tea")["system_events"]
    question = event["InlineCall"]["payload"]
    assert (question["tool"], question["arguments"]) == ("place_order", {"what": "tea"})
    assert upstream.received == []
    answer_body = {"type": "confirm_tool", "payload": {"call_id": question["call_id"], "approved": True}}
    assert app_client.request("POST", "/api/system", json={"message": json.dumps(answer_body)}).status_code == 200
    sender, text = texts(app_client.poll())[-1]
    assert (sender, text) == ("agent", f"{INTRODUCTION}\n\nThe tool place_order answered: ordered tea.")
    assert [request.path for request in upstream.received] == ["/tea"]
    turn = Turn.objects.get(session_id=app_client.uuid)
    assert (turn.status, turn.tool_rounds) == ("completed", 1)
    assert turn.prompt_tokens
    assert turn.cost


def test_it_streams_what_it_counts(app_client: Client) -> None:
    query, accept = {"message": "count to 4", "app": str(app_client.app)}, {"Accept": "text/event-stream"}
    events = events_of(app_client.request("POST", "/api/chat", params=query, headers=accept))
    deltas = [event["content"] for event in events if event["type"] == "text"]
    assert "".join(deltas).endswith("\n\n1 2 3 4")
    assert len(deltas) > 3


def test_the_check_of_a_model_finds_all_it_looks_for(operator: Operator, app: App, server: Server) -> None:
    admin = AdminClient()
    admin.force_login(User.objects.get(username=operator.username))
    Tool.objects.filter(app=app).delete()
    text = admin.post(f"/admin/apps_registry/model/{app.default_model_id}/check/").content.decode()
    assert "work: the model called the offered tool" in text
    assert re.search(r"reported: \d+ in, \d+ out", text)


def test_titles_and_summaries_come_from_the_users_messages() -> None:
    transcript = "user: Where is my order number 7 now, please?\nagent: Here."
    for instructions, begins in ((ASK, "Where is my order number 7"), (INSTRUCTION, "(Made by the practice model")):
        messages = [{"role": "system", "content": instructions}, {"role": "user", "content": transcript}]
        text = answer(read_request({"messages": messages})).text
        assert text.startswith(begins)
        assert "Where is my order" in text


def ask(practice: PracticeModel, body: Any, **headers: str) -> tuple[int, Any]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(f"{practice.base_url}/chat/completions", data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_it_answers_without_a_stream_and_within_the_token_limit(practice: PracticeModel) -> None:
    status, whole = ask(practice, {"model": "m", "messages": [{"role": "user", "content": "count to 9"}]})
    assert (status, whole["object"], whole["choices"][0]["finish_reason"]) == (200, "chat.completion", "stop")
    assert whole["choices"][0]["message"]["content"].endswith("7 8 9")
    body = {"messages": [{"role": "user", "content": "count to 9"}], "max_completion_tokens": 3}
    _, cut = ask(practice, body)
    assert cut["choices"][0]["finish_reason"] == "length"
    assert cut["usage"]["completion_tokens"] == 3


def test_invalid_requests_and_requests_from_web_pages_are_refused(practice: PracticeModel) -> None:
    assert ask(practice, b"{")[0] == 400
    status, refused = ask(practice, {"messages": "x"})
    assert (status, refused["error"]["message"]) == (400, "'messages' must be a list with at least one message.")
    assert ask(practice, {"messages": [{"role": "user"}]}, Host=f"rebound.example:{practice.port}")[0] == 403


def test_it_refuses_to_run_in_production() -> None:
    command = [sys.executable, "-m", "aomi_site.practice_model", "1", "1"]
    environment = {**os.environ, "AOMI_ENV": "production"}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("The practice model does not run with AOMI_ENV=production")


def test_the_default_app_changes_between_models_of_this_machine(empty_database: None) -> None:
    practice: dict[str, Any] = {
        "provider_slug": "practice",
        "model_name": "practice-model",
        "context_window": 9,
        "supports_tools": True,
    }
    tiny: dict[str, Any] = {
        "provider_slug": "embedded",
        "model_name": "tiny",
        "context_window": 9,
        "supports_tools": False,
    }
    made = use_local_model(**practice, base_url="http://127.0.0.1:1/v1")
    assert (made.slug, made.default_model.name) == ("default", "practice-model")
    # It costs nothing, so limits of money can be set.
    assert made.default_model.prompt_price == made.default_model.completion_price == Decimal(0)
    App.objects.update(preamble="An operator's own words.")
    assert use_local_model(**tiny, base_url="http://127.0.0.1:2/v1").default_model.name == "tiny"
    again = use_local_model(**practice, base_url="http://127.0.0.1:3/v1")
    assert (again.pk, again.preamble) == (made.pk, "An operator's own words.")
    assert again.default_model.provider.base_url == "http://127.0.0.1:3/v1"


def test_a_model_of_the_same_name_is_not_taken_over(database: str, tmp_path: Path) -> None:
    model = factories.make_model()
    before = App.objects.get(is_default=True).default_model_id
    with pytest.raises(ForeignModel, match="rename that model in the admin"):
        use_local_model(
            provider_slug=factories.unique("practice"),
            base_url="http://127.0.0.1:9/v1",
            model_name=model.name,
            context_window=1000,
            supports_tools=True,
        )
    assert App.objects.get(is_default=True).default_model_id == before
