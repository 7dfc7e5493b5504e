"""Releases: callers get what was published, until another release is live."""

from collections.abc import Callable

import orjson
import pytest

from apps_registry.models import App, AppRelease, Tool
from apps_registry.releases.services import NoSuchRelease, delete_release, publish, roll_back, run_draft
from sessions_app.models import ChatSession
from tests import factories
from tests.client import Client
from tests.commands import Result
from tests.model_server import ScriptedModel, calls, says
from tests.product import Server
from tests.upstream import Upstream, echo
from tests.waiting import wait_until

Run = Callable[..., Result]


def preamble(client: Client, model: ScriptedModel) -> str:
    client.chat("Hi")
    return str(model.prompts[-1][0]["content"]).split("\n")[0]


def tools(model: ScriptedModel) -> set[str]:
    return {tool["function"]["name"] for tool in model.requests[-1]["tools"]}


def test_edits_wait_for_the_next_release(manage: Run, app: App, app_client: Client, model: ScriptedModel) -> None:
    App.objects.filter(pk=app.pk).update(preamble="One.")
    assert manage("publish_app", app.slug).out.endswith(f"Release 1 of {app.slug} is live.\n")
    App.objects.filter(pk=app.pk).update(preamble="Two.")
    Tool.objects.filter(app=app, name="calculate").update(is_enabled=False)
    assert preamble(app_client, model) == "One."
    assert "calculate" in tools(model)
    shown = manage("publish_app", app.slug, "--check")
    assert (shown.code, "The draft" in shown.err) == (1, True)
    assert {"-preamble: One.", "+preamble: Two.", "-  - calculate"} <= set(shown.out.splitlines()), shown.out
    assert app.releases.count() == 1
    assert "Release 2" in manage("publish_app", app.slug).out
    assert preamble(app_client, model) == "Two."
    assert "calculate" not in tools(model)
    assert "is already live" in manage("publish_app", app.slug).out

    assert manage("rollback_app", app.slug).out == f"Release 1 of {app.slug} is live.\n"
    assert preamble(app_client, model) == "One."
    assert App.objects.get(pk=app.pk).preamble == "Two."
    assert "Releases: 2, 1." in manage("rollback_app", app.slug).err
    assert manage("rollback_app", app.slug, "2").code == 0
    assert preamble(app_client, model) == "Two."
    App.objects.filter(pk=app.pk).update(preamble="Three.")
    assert manage("rollback_app", app.slug, "--draft").code == 0
    assert preamble(app_client, model) == "Three."


def test_a_release_keeps_its_tools_models_and_documents(
    manage: Run, app: App, app_client: Client, model: ScriptedModel, upstream: Upstream
) -> None:
    upstream.handle = echo
    App.objects.filter(pk=app.pk).update(allowed_hosts=upstream.host)
    factories.make_secret(app, "TOKEN", "a-first-value", hosts=upstream.host)
    tool = factories.make_http_tool(app, f"{upstream.url}/old", headers={"X": "{{ secrets.TOKEN }}"})
    old = factories.make_document(app, "The gate opens at nine.")
    wait_until(lambda: app.documents.filter(pk=old.pk, state="ready").exists())
    manage("publish_app", app.slug)

    tool.delete()
    App.objects.filter(pk=app.pk).update(default_model=factories.make_model())
    app.secrets.all().delete()
    factories.make_secret(app, "TOKEN", "a-second-value", hosts=upstream.host)
    new = factories.make_document(app, "The gate opens at ten.")
    wait_until(lambda: app.documents.filter(pk=new.pk, state="ready").exists())
    model.will(calls(("fetch", {}), ("search_documents", {"query": "gate"})), says("Done."))
    app_client.chat("Go")
    (fetched, passages) = [message["content"] for message in model.prompts[-1] if message["role"] == "tool"]
    assert "/old" in fetched
    assert [request.headers["X"] for request in upstream.received] == ["a-second-value"]  # secrets take effect at once
    assert ("nine" in passages, "ten" in passages) == (True, False)


def test_a_released_tool_still_asks_the_user(
    manage: Run, app: App, app_client: Client, model: ScriptedModel, upstream: Upstream
) -> None:
    App.objects.filter(pk=app.pk).update(allowed_hosts=upstream.host)
    factories.make_http_tool(app, f"{upstream.url}/pay", name="pay", method="POST")
    Tool.objects.filter(app=app, name="pay").update(needs_confirmation=True)
    manage("publish_app", app.slug)
    model.will(calls(("pay", {})))
    (question,) = app_client.chat("Pay")["system_events"]
    assert question["InlineCall"]["payload"]["tool"] == "pay"
    assert not upstream.received


def test_a_release_of_another_app_does_not_exist(manage: Run, app: App, other_app: App) -> None:
    manage("publish_app", other_app.slug)
    done = manage("rollback_app", app.slug, "1")
    assert (done.code, "Releases: none." in done.err) == (1, True)
    assert App.objects.get(pk=app.pk).live_release is None


def published(app: App, preamble: str) -> AppRelease:
    """Publish the App with this preamble."""
    App.objects.filter(pk=app.pk).update(preamble=preamble)
    return publish(app)[0]


@pytest.fixture
def another(server: Server, app: App) -> Callable[[], Client]:
    """Makes clients of `app`, each with a new session."""
    key = factories.make_key(app).plain
    return lambda: Client(server.url, app=app.slug, key=key)


def test_sessions_keep_their_release_if_the_app_says_so(
    app: App, another: Callable[[], Client], model: ScriptedModel
) -> None:
    """Requests land on either of two workers, whose memories differ."""
    under_draft, first, second = another(), another(), another()
    App.objects.filter(pk=app.pk).update(sessions_keep_release=True, preamble="Draft.")
    assert preamble(under_draft, model) == "Draft."
    one = published(app, "One.")
    assert preamble(first, model) == "One."
    two = published(app, "Two.")
    for client, expected in ((first, "One."), (second, "Two."), (under_draft, "Two."), (first, "One.")):
        assert preamble(client, model) == expected
    releases = {client: ChatSession.objects.get(pk=client.uuid).release_id for client in (under_draft, first, second)}
    assert releases == {under_draft: two.pk, first: one.pk, second: two.pk}

    published(app, "Three.")
    assert [preamble(client, model) for client in (first, second, under_draft)] == ["One.", "Two.", "Two."]
    run_draft(app)
    App.objects.filter(pk=app.pk).update(preamble="Draft again.")
    assert [preamble(client, model) for client in (first, another())] == ["One.", "Draft again."]
    roll_back(app, 1)  # rolls the later ones back
    assert [preamble(client, model) for client in (first, second)] == ["One.", "One."]
    roll_back(app, 3)
    assert [preamble(client, model) for client in (first, second, under_draft)] == ["One.", "One.", "Two."]

    delete_release(app, 1)
    assert [preamble(client, model) for client in (first, under_draft)] == ["Three.", "Two."]

    App.objects.filter(pk=app.pk).update(sessions_keep_release=False)  # takes effect at once
    assert [preamble(client, model) for client in (first, under_draft)] == ["Three.", "Three."]
    assert ChatSession.objects.get(pk=first.uuid).release_id is None


def test_a_kept_release_decides_models_and_tools_but_not_what_takes_effect_at_once(
    app: App, another: Callable[[], Client], model: ScriptedModel, upstream: Upstream
) -> None:
    upstream.handle = echo
    client, late = another(), another()
    App.objects.filter(pk=app.pk).update(sessions_keep_release=True, allowed_hosts=upstream.host)
    tool = factories.make_http_tool(app, f"{upstream.url}/old")
    Tool.objects.filter(pk=tool.pk).update(needs_confirmation=True)
    publish(app)
    old_name = app.default_model.name
    model.will(calls(("fetch", {})), says("Done."))
    asked = client.chat("Go")["system_events"][0]["InlineCall"]["payload"]
    tool.delete()
    new = factories.make_model(base_url=app.default_model.provider.base_url)
    App.objects.filter(pk=app.pk).update(default_model=new)
    publish(app)

    assert client.request("GET", "/api/control/models").json() == [old_name]
    assert late.request("GET", f"/api/control/models?app={app.slug}").json() == [new.name]
    refused = client.request("POST", f"/api/control/model?rig={new.name}")
    assert (refused.status_code, old_name in refused.json()["detail"]) == (400, True)
    answer = {"type": "confirm_tool", "payload": {"call_id": asked["call_id"], "approved": True}}
    client.request("POST", "/api/system", params={"message": orjson.dumps(answer).decode()})
    assert client.poll()["messages"][-1]["content"] == "Done."
    assert [request.path for request in upstream.received] == ["/old"]

    App.objects.filter(pk=app.pk).update(allowed_hosts="")
    model.will(calls(("fetch", {})), says("Refused."))
    asked = client.chat("Again")["system_events"][0]["InlineCall"]["payload"]
    answer["payload"] = {"call_id": asked["call_id"], "approved": True}
    client.request("POST", "/api/system", params={"message": orjson.dumps(answer).decode()})
    client.poll()
    assert len(upstream.received) == 1  # the host is no longer allowed, for all releases


def test_a_release_that_cannot_be_run_is_an_error_and_the_draft_never_runs_instead(
    app: App, another: Callable[[], Client], model: ScriptedModel
) -> None:
    client, keeping = another(), another()
    App.objects.filter(pk=app.pk).update(sessions_keep_release=True)
    published(app, "One.")
    assert preamble(keeping, model) == "One."
    broken = published(app, "Two.")
    content = {**orjson.loads(broken.content), "builtin_tools": ["fly"]}
    AppRelease.objects.filter(pk=broken.pk).update(content=orjson.dumps(content).decode())
    App.objects.filter(pk=app.pk).update(preamble="Never published.")

    refused = client.post_chat("Hi")
    problem = refused.json()
    assert (refused.status_code, problem["code"], refused.headers["Retry-After"]) == (503, "release_unusable", "60")
    assert f"Release 2 of the App {app.slug} cannot be run" in problem["detail"]
    assert client.state()["messages"] == []  # nothing was stored
    assert client.request("GET", f"/api/control/models?app={app.slug}").status_code == 503
    assert preamble(keeping, model) == "One."
    with pytest.raises(NoSuchRelease, match="there is no fly"):
        roll_back(app, 2)
    assert roll_back(app).number == 1
    assert preamble(client, model) == "One."
