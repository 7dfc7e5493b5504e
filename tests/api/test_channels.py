"""A key's channel: what is live, the draft, or one release; a session stays in the channel in which it began."""

import json
import uuid
from collections.abc import Callable

import pytest
from django.test import Client as AdminClient

from apps_registry.models import App
from apps_registry.releases.services import delete_release, publish, roll_back, run_draft
from keys.services import IssuedKey
from tests import factories
from tests.client import Client
from tests.commands import Result
from tests.model_server import ScriptedModel, calls, refuses, says
from tests.product import Server

Manage = Callable[..., Result]
ROUNDS = 6  # enough requests to reach both workers


@pytest.fixture
def published(app: App) -> App:
    """An App with the releases 1 (live) and 2, and a draft that differs from both; each says so in its preamble."""
    for text in ("One.", "Two."):
        App.objects.filter(pk=app.pk).update(preamble=text)
        publish(app)
    App.objects.filter(pk=app.pk).update(preamble="Draft.")
    roll_back(app, 1)
    return app


def preambles(server: Server, app: App, key: str, model: ScriptedModel) -> set[str]:
    """The preambles with which the App answers new sessions of this key, on either worker."""
    met = set()
    for _ in range(ROUNDS):
        with Client(server.url, app=app.slug, key=key) as client:
            client.chat("Hi")
        met.add(str(model.prompts[-1][0]["content"]).split("\n")[0])
    return met


def key_for(app: App, channel: str, number: int | None = None) -> IssuedKey:
    release = app.releases.get(number=number) if number else None
    return factories.make_key(app, channel=channel, release=release)


def test_each_channel_gets_its_own_state_of_the_app(server: Server, published: App, model: ScriptedModel) -> None:
    assert preambles(server, published, factories.make_key(published).plain, model) == {"One."}
    assert preambles(server, published, key_for(published, "draft").plain, model) == {"Draft."}
    assert preambles(server, published, key_for(published, "release", 2).plain, model) == {"Two."}


def test_a_changed_channel_takes_effect_with_the_next_request_to_either_worker(
    manage: Manage, server: Server, published: App, model: ScriptedModel
) -> None:
    issued = factories.make_key(published)
    assert preambles(server, published, issued.plain, model) == {"One."}
    for channel, text in (("draft", "Draft."), ("release:2", "Two."), ("live", "One.")):
        changed = manage("change_key", issued.app_key.prefix, "--channel", channel, "--json")
        assert json.loads(changed.out)["channel"] == channel
        assert preambles(server, published, issued.plain, model) == {text}


def test_an_edit_of_the_draft_reaches_its_keys_at_once(server: Server, published: App, model: ScriptedModel) -> None:
    key = key_for(published, "draft").plain
    assert preambles(server, published, key, model) == {"Draft."}
    App.objects.filter(pk=published.pk).update(preamble="Draft, edited.")
    assert preambles(server, published, key, model) == {"Draft, edited."}


def test_a_draft_channel_works_where_the_live_release_cannot_run(
    server: Server, published: App, model: ScriptedModel
) -> None:
    published.releases.update(content="{}")
    with Client(server.url, app=published.slug, key=factories.make_key(published).plain) as live:
        assert live.post_chat("Hi").status_code == 503
    assert preambles(server, published, key_for(published, "draft").plain, model) == {"Draft."}


@pytest.mark.parametrize("begun", ["live", "draft", "release"])
def test_a_session_is_not_continued_in_another_channel(server: Server, published: App, begun: str) -> None:
    keys = {
        "live": factories.make_key(published).plain,
        "draft": key_for(published, "draft").plain,
        "release": key_for(published, "release", 2).plain,
        "another release": key_for(published, "release", 1).plain,
    }
    with Client(server.url, app=published.slug, key=keys[begun]) as client:
        client.chat("Hi")
        for channel, key in keys.items():
            client.key = key
            answers = [client.post_chat("Again") for _ in range(ROUNDS)]
            expected = {200} if channel == begun else {403}
            assert {answer.status_code for answer in answers} == expected, channel
            if channel != begun:
                assert answers[0].json()["code"] == "session_not_available"
                assert client.request("GET", "/api/state").status_code == 200  # the App's keys can read it
                chosen = client.request("POST", "/api/control/model", params={"rig": "x"})
                assert chosen.status_code == 403


def test_a_session_that_has_not_begun_gets_the_channel_of_its_first_turn(server: Server, published: App) -> None:
    draft, live = key_for(published, "draft").plain, factories.make_key(published).plain
    with Client(server.url, app=published.slug, key=live) as client:
        made = client.request("POST", "/api/sessions", params={"app": published.slug})
        assert made.status_code == 200
        client.key = draft
        client.chat("Hi")
        client.key = live
        assert client.post_chat("Hi").status_code == 403


def test_a_confirmation_from_another_channel_resumes_nothing(server: Server, app: App, model: ScriptedModel) -> None:
    app.tools.filter(name="calculate").update(needs_confirmation=True)
    model.will(calls(("calculate", {"expression": "6*7"})), says("42."))
    with Client(server.url, app=app.slug, key=factories.make_key(app).plain) as client:
        (event,) = client.chat("6*7?")["system_events"]
        payload = {"call_id": event["InlineCall"]["payload"]["call_id"], "approved": True}
        answer = {"type": "confirm_tool", "payload": payload}
        live, client.key = client.key, key_for(app, "draft").plain
        refused = client.request("POST", "/api/system", json={"message": json.dumps(answer)})
        assert refused.json()["code"] == "session_not_available"
        assert client.post_chat("Never mind").status_code == 403  # and it does not end the pause
        client.key = live
        assert client.request("POST", "/api/system", json={"message": json.dumps(answer)}).status_code == 200
        assert client.poll()["messages"][-1]["content"] == "42."


def test_a_failed_turn_is_not_tried_again_from_another_channel(server: Server, app: App, model: ScriptedModel) -> None:
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    body = {"message": "Hi", "app": app.slug}
    with Client(server.url, app=app.slug, key=factories.make_key(app).plain) as client:
        model.will(*[refuses(500)] * 3)
        assert client.request("POST", "/api/chat", json=body, headers=headers).status_code == 502
        client.key = key_for(app, "draft").plain
        assert client.request("POST", "/api/chat", json=body, headers=headers).status_code == 403


def test_a_key_of_a_deleted_release_is_refused_until_it_has_another_channel(
    manage: Manage, server: Server, published: App, model: ScriptedModel
) -> None:
    issued = key_for(published, "release", 2)
    assert preambles(server, published, issued.plain, model) == {"Two."}
    delete_release(published, 2)
    with Client(server.url, app=published.slug, key=issued.plain) as client:
        refused = [client.post_chat("Hi") for _ in range(ROUNDS)]
    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(503, "release_unusable")}
    assert "was deleted" in refused[0].json()["detail"]
    assert manage("change_key", issued.app_key.prefix, "--channel", "live").code == 0
    assert preambles(server, published, issued.plain, model) == {"One."}


def test_a_channel_applies_only_to_the_apps_of_the_key(server: Server, app: App) -> None:
    """The default App is open to every caller, but its draft is not."""
    default = App.objects.get(is_default=True)
    draft_of_app = key_for(app, "draft").plain
    with Client(server.url, key=draft_of_app) as client:
        client.chat("Hi")
        client.key = None
        assert client.post_chat("Hi").status_code == 200  # both keys use its live state
        client.key = key_for(default, "draft").plain
        assert client.post_chat("Hi").status_code == 403


def test_a_successor_keeps_the_channel(manage: Manage, server: Server, published: App, model: ScriptedModel) -> None:
    old = key_for(published, "release", 2)
    plain = manage("rotate_key", old.app_key.prefix).out.strip()
    assert preambles(server, published, plain, model) == {"Two."}


def test_a_key_for_the_draft_of_an_app_without_releases(server: Server, app: App, model: ScriptedModel) -> None:
    App.objects.filter(pk=app.pk).update(preamble="Draft.")
    run_draft(app)
    assert preambles(server, app, key_for(app, "draft").plain, model) == {"Draft."}


def test_the_page_of_a_session_names_its_channel(server: Server, published: App) -> None:
    admin = AdminClient()
    admin.force_login(factories.make_operator())
    notes = {"live": "it follows what is live", "draft": "began with a key for the draft", "release": "Release 2: the"}
    for channel, words in notes.items():
        key = key_for(published, channel, 2 if channel == "release" else None).plain
        with Client(server.url, app=published.slug, key=key) as client:
            client.chat("Hi")
            page = admin.get(f"/admin/sessions_app/chatsession/{client.session_id}/change/").content.decode()
        assert words in page


def test_a_browser_token_talks_in_the_channel_of_its_key(server: Server, published: App, model: ScriptedModel) -> None:
    key = key_for(published, "draft").plain
    with Client(server.url, key=key) as backend:
        token = backend.request("POST", "/api/token", json={"app": published.slug}).json()["token"]
    with Client(server.url) as page:
        headers = {"Authorization": f"Bearer {token}"}
        assert page.request("POST", "/api/chat", json={"message": "Hi"}, headers=headers).status_code == 200
    assert str(model.prompts[-1][0]["content"]).startswith("Draft.")
