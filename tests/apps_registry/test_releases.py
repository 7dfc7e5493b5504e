"""Releases: what callers meet is what was published, until something else is."""

from collections.abc import Callable

from apps_registry.models import App, Tool
from tests import factories
from tests.client import Client
from tests.commands import Result
from tests.model_server import ScriptedModel, calls, says
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
    assert manage("publish_app", app.slug).out == f"Release 1 of {app.slug} is live.\n"
    App.objects.filter(pk=app.pk).update(preamble="Two.")
    Tool.objects.filter(app=app, name="calculate").update(is_enabled=False)
    assert preamble(app_client, model) == "One."
    assert "calculate" in tools(model)
    assert "Release 2" in manage("publish_app", app.slug).out
    assert preamble(app_client, model) == "Two."
    assert "calculate" not in tools(model)
    assert "is live already" in manage("publish_app", app.slug).out

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
    factories.make_secret(app, "TOKEN", "a-first-value")
    tool = factories.make_http_tool(app, f"{upstream.url}/old", headers={"X": "{{ secrets.TOKEN }}"})
    old = factories.make_document(app, "The gate opens at nine.")
    wait_until(lambda: app.documents.filter(pk=old.pk, state="ready").exists())
    manage("publish_app", app.slug)

    tool.delete()
    App.objects.filter(pk=app.pk).update(default_model=factories.make_model())
    app.secrets.all().delete()
    factories.make_secret(app, "TOKEN", "a-second-value")
    new = factories.make_document(app, "The gate opens at ten.")
    wait_until(lambda: app.documents.filter(pk=new.pk, state="ready").exists())
    model.will(calls(("fetch", {}), ("search_documents", {"query": "gate"})), says("Done."))
    app_client.chat("Go")
    (fetched, found) = [message["content"] for message in model.prompts[-1] if message["role"] == "tool"]
    assert "/old" in fetched
    assert [request.headers["X"] for request in upstream.received] == ["a-second-value"]  # secrets hold at once
    assert ("nine" in found, "ten" in found) == (True, False)


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
