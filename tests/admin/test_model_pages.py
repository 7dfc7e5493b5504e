"""Providers and models in the console: keys that are never shown again, and the check of a model."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from apps_registry.models import App, Model, Provider
from apps_registry.support.http.origins import origin_of
from tests import factories
from tests.model_server import ModelServer, Reply, ScriptedModel, calls, chunk, refuses, says, sse
from tests.product import Server
from tests.upstream import Upstream

if TYPE_CHECKING:
    from playwright.sync_api import Page

KEY = "sk-canary-0123456789"


def fields(**overrides: Any) -> dict[str, Any]:
    return {"slug": factories.unique("p"), "base_url": "https://a.example/v1", **overrides}


def save(client: Client, provider: Provider | None = None, **overrides: Any) -> Any:
    known = {"slug": provider.slug, "base_url": provider.base_url} if provider else {}
    path = f"{provider.pk}/change" if provider else "add"
    return client.post(f"/admin/apps_registry/provider/{path}/", fields(**{**known, **overrides}), follow=True)


def stored(client: Client) -> Provider:
    slug = factories.unique("p")
    answer = save(client, slug=slug, api_key=KEY)
    assert KEY not in answer.content.decode()
    return Provider.objects.get(slug=slug)


def test_a_key_is_stored_encrypted_and_never_shown(admin_client: Client) -> None:
    provider = stored(admin_client)
    assert KEY not in provider.api_key_token
    assert provider.key.value() == KEY
    pages = ["", f"?q={provider.slug}", f"{provider.pk}/change/", f"{provider.pk}/history/"]
    for page in pages:
        assert KEY not in admin_client.get(f"/admin/apps_registry/provider/{page}").content.decode()
    refused = admin_client.post("/admin/apps_registry/provider/add/", {"base_url": "nonsense", "api_key": KEY})
    assert refused.status_code == 200
    assert KEY not in refused.content.decode()
    assert ">set<" in admin_client.get(f"/admin/apps_registry/provider/?q={provider.slug}").content.decode()
    save(admin_client, provider, max_concurrent="4")  # an empty field keeps the stored value
    provider.refresh_from_db()
    assert (provider.key.value(), provider.max_concurrent) == (KEY, 4)
    save(admin_client, provider, forget_key="on")
    provider.refresh_from_db()
    assert provider.key.value() == ""


def test_a_new_address_needs_a_new_key(admin_client: Client) -> None:
    provider = stored(admin_client)
    moved = "https://thief.example/v1"
    assert "enter the key for the new address" in save(admin_client, provider, base_url=moved).content.decode()
    provider.refresh_from_db()
    assert (provider.base_url, provider.key.value()) == ("https://a.example/v1", KEY)
    # The same without the form.
    Provider.objects.filter(pk=provider.pk).update(base_url=moved)
    assert "unreadable" in admin_client.get(f"/admin/apps_registry/provider/?q={provider.slug}").content.decode()
    provider.refresh_from_db()
    save(admin_client, provider, base_url="https://b.example/v1", api_key="another-key")
    provider.refresh_from_db()
    assert provider.key.value() == "another-key"


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"api_key": KEY, "api_key_env": "A_KEY"}, "not both"),
        ({"api_key": KEY, "headers": "authorization: Bearer x"}, "Authorization is set by the key"),
        ({"api_key_env": "A_KEY", "headers": "Authorization: Bearer x"}, "Authorization is set by the key"),
        ({"headers": "X-A: b\rX-C: d\x0be"}, "only ASCII characters"),
        ({"headers": "X A: b"}, "not the name of a header"),
        ({"headers": "Host: b.example"}, "set by the connection"),
        ({"api_key": "two words"}, "contains a space"),
        ({"api_key": f"{KEY}\n"}, "contains a line break"),
        ({"api_key": f" {KEY}"}, "begins or ends with a space"),
        ({"api_key": f"{KEY}\u2019"}, "outside ASCII"),
        ({"api_key_env": "SECRETS_KEYS"}, "own"),
        ({"max_concurrent": "0"}, "greater than or equal to 1"),
        ({"base_url": "https://a.example/v1/chat/completions"}, "Leave /chat/completions out"),
    ],
)
def test_what_cannot_be_sent_is_refused(admin_client: Client, wrong: dict[str, Any], sentence: str) -> None:
    slug = factories.unique("p")
    assert sentence in save(admin_client, slug=slug, **wrong).content.decode()
    assert not Provider.objects.filter(slug=slug).exists()


def test_the_page_warns_of_a_variable_that_is_not_set(admin_client: Client, settings: Any) -> None:
    settings.PROVIDER_KEY_VARIABLES = {("TEST_ABSENT_KEY", "https://a.example:443")}
    slug = factories.unique("p")
    answer = save(admin_client, slug=slug, api_key_env="TEST_ABSENT_KEY").content.decode()
    assert "cannot be called: the variable TEST_ABSENT_KEY is not set" in answer
    pk = Provider.objects.get(slug=slug).pk
    assert "is not set" in admin_client.get(f"/admin/apps_registry/provider/{pk}/change/").content.decode()


def test_change_provider_alone_reads_no_variable(
    staff_client: Callable[..., Client],
    app: App,
    upstream: Upstream,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MODEL_KEY", KEY)
    provider = app.default_model.provider
    settings.PROVIDER_KEY_VARIABLES = {("MODEL_KEY", origin_of(provider.base_url))}
    client = staff_client("view_provider", "change_provider", "view_model", "change_model")
    page = f"/admin/apps_registry/provider/{provider.pk}/change/"
    named = client.post(page, {"slug": provider.slug, "base_url": provider.base_url, "api_key_env": "MODEL_KEY"})
    assert named.status_code == 302
    for variable in ("MODEL_KEY", "HOME", "PATH"):
        moved = {"slug": provider.slug, "base_url": f"{upstream.url}/v1", "api_key_env": variable}
        answer = client.post(page, moved)
        assert answer.status_code == 200
        assert "PROVIDER_KEY_VARIABLES" in answer.content.decode()
    provider.refresh_from_db()
    assert (provider.base_url, provider.api_key_env) == (app.default_model.provider.base_url, "MODEL_KEY")
    # Without the form, the check of a model does not send it there either.
    Provider.objects.filter(pk=provider.pk).update(base_url=f"{upstream.url}/v1")
    assert client.post(f"/admin/apps_registry/model/{app.default_model_id}/check/").status_code == 200
    assert not upstream.received


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ('["a"]', "Write a JSON object"),
        ('{"messages": [], "model": "x"}', "messages, model: set by this server"),
        ('{"response_format": {"type": "json_object"}}', "supports JSON mode"),
        ('{"a": "' + "x" * 5_000 + '"}', "the limit is 4,000"),
        ('{"a": [1e300]}', "a number that is too large"),
        ("{oops", "valid JSON"),
    ],
)
def test_options_that_the_server_sets_are_refused(admin_client: Client, app: App, options: str, sentence: str) -> None:
    model = app.default_model
    data = {"name": model.name, "provider": model.provider_id, "provider_model_id": "m", "context_window": "4096"}
    path = f"/admin/apps_registry/model/{model.pk}/change/"
    assert sentence in admin_client.post(path, {**data, "request_options": options}).content.decode()
    good = {**data, "request_options": '{"reasoning_effort": "low"}', "prompt_price": "0.15"}
    assert admin_client.post(path, good).status_code == 302
    model.refresh_from_db()
    assert (model.request_options, str(model.prompt_price)) == ({"reasoning_effort": "low"}, "0.150000")


def check(client: Client, model: Model) -> str:
    answer = client.post(f"/admin/apps_registry/model/{model.pk}/check/")
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert "SECRET-PROVIDER-TEXT" not in answer.content.decode()
    return re.sub(r"<[^>]+>|\s+", " ", answer.content.decode())


def test_a_check_shows_what_a_model_supports(admin_client: Client, app: App, model: ScriptedModel) -> None:
    usage = {"prompt_tokens": 21, "completion_tokens": 5}
    called = calls(("report_ready", {}))
    model.will(Reply([*called.parts[:-1], sse({"choices": [], "usage": usage})]), says("ready"))
    shown = check(admin_client, app.default_model)
    assert "work: the model called the offered tool" in shown
    assert "reported: 31 in, 6 out" in shown  # of both requests
    assert re.search(r"after \d+ ms", shown)
    assert "offered, but not called" in check(admin_client, app.default_model)
    assert [request.get("tool_choice") for request in model.requests] == [None, "none", None]
    assert [message["role"] for message in model.prompts[1]] == ["system", "user", "assistant", "tool"]
    Model.objects.filter(pk=app.default_model_id).update(supports_tools=False)
    model.will(Reply([chunk({"content": "ready"}), chunk({}, "stop")]))
    shown = check(admin_client, app.default_model)
    assert "the model is set up without tools" in shown
    assert "not reported" in shown
    assert "tools" not in model.requests[3]


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (refuses(401), "refused our credentials (HTTP 401)"),
        (refuses(429), "rate-limiting us (HTTP 429)"),
        (Reply([chunk({"content": "half"})]), "broke off"),
        (Reply([b"data: {oops\n\n"]), "not a chat completion stream"),
    ],
)
def test_a_check_that_fails_says_why_in_our_words(
    admin_client: Client, app: App, model: ScriptedModel, reply: Reply, sentence: str
) -> None:
    model.will(reply)
    assert sentence in check(admin_client, app.default_model)
    assert len(model.requests) == 1  # an operator wants to see the failure, not a retry that hides it


def test_a_check_never_shows_the_key(admin_client: Client, app: App, model: ScriptedModel) -> None:
    provider = app.default_model.provider
    provider.set_key(KEY)
    provider.save()
    assert KEY not in check(admin_client, app.default_model)
    assert model.requests[0]["headers"]["Authorization"] == f"Bearer {KEY}"


def test_only_those_who_may_change_models_check_them(
    staff_client: Callable[..., Client], app: App, model: ScriptedModel, admin_client: Client
) -> None:
    path = f"/admin/apps_registry/model/{app.default_model_id}/check/"
    assert staff_client("view_model").post(path).status_code == 403
    assert Client().post(path).status_code == 302
    assert admin_client.get(path).status_code == 405
    forged = Client(enforce_csrf_checks=True)
    forged.cookies = admin_client.cookies
    assert forged.post(path).status_code == 403
    assert admin_client.post("/admin/apps_registry/model/999999999/check/").status_code == 404
    assert model.requests == []


@pytest.mark.thorough
@pytest.mark.browser
def test_an_operator_checks_a_model(console: "Page", server: Server, model_server: ModelServer) -> None:
    app = factories.make_app(base_url=model_server.base_url)
    for _ in range(2):  # repeatedly, on a worker's own loop
        console.goto(f"{server.url}/admin/apps_registry/model/{app.default_model_id}/change/")
        console.click("text=Check")
        console.wait_for_selector("text=offered, but not called")
    console.click("text=Check again")
    console.wait_for_selector("text=offered, but not called")
