"""HTTP tools and secrets in the console: define and try a tool, see its calls; secrets are never shown again."""

import html
import json
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client
from django.utils.timezone import now

from apps_registry.models import App, OutboundCall, Secret, Tool
from apps_registry.releases.services import publish
from tests import factories
from tests.admin.conftest import PAYLOAD
from tests.admin.test_app_pages import page as app_page
from tests.admin.test_app_pages import tools_form
from tests.client import Client as ApiClient
from tests.model_server import ScriptedModel, calls, says
from tests.product import Server
from tests.upstream import Upstream

if TYPE_CHECKING:
    from playwright.sync_api import Page


def form(app: App, **overrides: Any) -> dict[str, Any]:
    """What the browser sends to add a tool."""
    fields = {
        "app": app.pk,
        "name": "fetch",
        "description": "Fetches something.",
        "is_enabled": "on",
        "parameters": "",
        "method": "GET",
        "url": "https://api.example.com/v1/things",
        "query": "",
        "headers": "",
        "body_type": "",
        "body": "",
        "result_path": "",
        "max_result_chars": 8000,
        "timeout_seconds": 10,
        "retries": 1,
        "cache_seconds": 0,
        "needs_wallet": "",
    }
    return {**fields, **overrides}


def rows(*arguments: dict[str, str]) -> dict[str, str]:
    return {
        f"arguments-{number}-{part}": value
        for number, argument in enumerate(arguments)
        for part, value in {"kind": "text", **argument}.items()
    }


ADD = "/admin/apps_registry/tool/add/"


@pytest.mark.thorough
@pytest.mark.browser
def test_a_tool_made_in_the_console_answers(
    console: "Page", server: Server, app: App, model: ScriptedModel, upstream: Upstream
) -> None:
    upstream.handle = lambda handler, request: handler.reply({"data": {"price": 3500, "asked": request.path}})
    console.goto(f"{server.url}{app_page(app, 'tools')}")
    _add_a_secret(console, app, upstream)
    _define_a_tool(console, upstream)
    _try_it(console, app, upstream)
    model.will(calls(("token_price", {"symbol": "btc"})), says("3500."))
    with ApiClient(server.url, app=app.slug, key=factories.make_key(app).plain) as caller:
        caller.chat("How much is it?")
    console.goto(f"{server.url}/admin/apps_registry/outboundcall/?app__id__exact={app.pk}")
    assert upstream.host in console.inner_text("#result_list")
    console.click("#result_list td.field-turn a")
    assert "completed" in console.inner_text("#content")


def _add_a_secret(console: "Page", app: App, upstream: Upstream) -> None:
    console.fill("#id_allowed_hosts", upstream.host)
    console.click("#secrets-group .add-row a")
    console.fill("#id_secrets-0-name", "API_KEY")
    console.fill("#id_secrets-0-value", "value-of-the-secret")
    console.fill("#id_secrets-0-hosts", upstream.host)
    console.click("input[name=_save]")
    assert "value-of-the-secret" not in console.content()
    assert Secret.objects.get(app=app, name="API_KEY").token.count("value-of-the-secret") == 0


def _define_a_tool(console: "Page", upstream: Upstream) -> None:
    console.click("text=Add an HTTP tool")
    console.fill("#id_name", "token_price")
    console.fill("#id_description", "Price of a token now.")
    console.click("text=Add an argument")
    for number, (name, kind) in enumerate([("symbol", "text"), ("days", "integer"), ("x", "texts")]):
        console.fill(f"[name=arguments-{number}-name]", name)
        console.select_option(f"[name=arguments-{number}-kind]", kind)
    console.fill("[name=arguments-0-choices]", "eth, btc")
    console.uncheck("[name=arguments-1-is_required]")
    console.uncheck("[name=arguments-2-is_required]")
    console.fill("#id_url", f"{upstream.url}/prices/{{{{ args.symbol }}}}")
    console.fill("#id_query", "days: {{ args.days }}")
    console.fill("#id_headers", "Authorization: Bearer {{ secrets.API_KEY }}")
    console.fill("#id_result_path", "data.price")
    console.click("input[name=_continue]")
    assert "was added successfully" in console.inner_text(".messagelist")


def _try_it(console: "Page", app: App, upstream: Upstream) -> None:
    console.click("text=Try it")
    assert json.loads(console.input_value("#id_arguments")) == {"symbol": "eth", "days": 1, "x": []}
    console.click("text=Run it")
    assert console.inner_text("#trial-result pre") == "3500"
    assert "Bearer ~~~API_KEY~~~" in console.inner_text("#trial-request")
    assert f"GET {upstream.url}/prices/eth?days=1" in console.inner_text("#trial-request")
    assert "answered" in console.inner_text("#trial-calls")
    assert '"price": 3500' in console.inner_text("#trial-response")
    assert upstream.received[0].headers["Authorization"] == "Bearer value-of-the-secret"
    tried = OutboundCall.objects.get(app=app)
    assert (tried.turn_id, tried.tool, tried.host, tried.verdict) == (
        None,
        "token_price tried",
        upstream.host,
        "answered",
    )


@pytest.mark.thorough
@pytest.mark.browser
def test_a_servers_response_is_shown_as_text(console: "Page", server: Server, app: App, upstream: Upstream) -> None:
    app.allowed_hosts = upstream.host
    app.save()
    upstream.handle = lambda handler, _: handler.reply(PAYLOAD, 500, X_Odd=PAYLOAD.replace("\n", ""))
    tool = factories.make_http_tool(
        app, f"{upstream.url}/x", description=PAYLOAD, query={"q": PAYLOAD.replace("{", "")}
    )
    console.goto(f"{server.url}/admin/apps_registry/tool/{tool.pk}/try/")
    console.fill("#id_arguments", "{}")
    console.click("text=Run it")
    assert "<script>" in console.inner_text("#trial-response")
    assert "<script>" in console.inner_text("#trial-result")
    console.goto(f"{server.url}/admin/apps_registry/tool/{tool.pk}/change/")
    assert console.input_value("#id_description") == PAYLOAD
    assert console.evaluate("window.hacked") is None


def test_the_form_shows_a_tool_exactly_as_stored(admin_client: Client, app: App) -> None:
    schema = {"type": "object", "properties": {"deep": {"type": "object", "properties": {}}}}
    fields = form(
        app,
        method="POST",
        parameters=json.dumps(schema),
        query="a: 1\r\n\r\nb: {{ args.deep }}",
        headers="X-One: 1",
        body_type="json",
        body='{"z": "{{ args.deep }}", "a": [1, 2.5]}',
        needs_wallet="proven",
        needs_confirmation="on",
        cache_seconds=60,
    )
    assert admin_client.post(ADD, fields).status_code == 302
    tool = Tool.objects.get(app=app, name="fetch")
    definition = tool.http_definition()
    assert definition.parameters == schema
    assert list(definition.body) == ["z", "a"]
    shown = admin_client.get(f"/admin/apps_registry/tool/{tool.pk}/change/").context["adminform"].form
    again = {name: shown.initial.get(name) for name in fields if name in shown.initial}
    assert (
        admin_client.post(f"/admin/apps_registry/tool/{tool.pk}/change/", {**fields, **again, "app": ""}).status_code
        == 302
    )
    tool.refresh_from_db()
    assert tool.http_definition() == definition
    assert tool.needs_confirmation is True
    assert tool.app == app


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a scheme": ({"url": "ftp://a.example/"}, "Write http:// or https://"),
    "a placeholder for the host": ({"url": "https://{{ args.q }}.example.com/"}, "Write http:// or https://"),
    "a placeholder for the port": ({"url": "https://a.example:{{ args.q }}/"}, "Write http:// or https://"),
    "no port": ({"url": "https://a.example:0/"}, "from 1 to 65535"),
    "a port beyond all": ({"url": "https://a.example:65536/"}, "from 1 to 65535"),
    "the name of the search": ({"name": "Search_Documents"}, "searches an App"),
    "credentials": ({"url": "https://user:password@a.example/"}, "Write http:// or https://"),
    "a query in the URL": ({"url": "https://a.example/?a=b"}, "into the query"),
    "an unknown argument": ({"url": "https://a.example/{{ args.nope }}"}, "There is no argument nope"),
    "an optional argument in the path": (
        {"url": "https://a.example/{{ args.q }}", **rows({"name": "q"})},
        "must be required",
    ),
    "an expression": ({"query": "a: {{ args.q|upper }}"}, "not a placeholder"),
    "something else of Python": (
        {"query": "a: {{ args.__class__.__mro__ }}"},
        "There is no argument __class__.__mro__",
    ),
    "an unknown thing of the wallet": ({"query": "a: {{ wallet.key }}"}, "A wallet has"),
    "a line without a colon": ({"headers": "X-Key"}, "a name, a colon"),
    "a header twice": ({"headers": "X-Key: 1\nx-key: 2"}, "occurs twice"),
    "a header of the connection": ({"headers": "Host: evil.example"}, "set by the connection"),
    "a header's name": ({"headers": "X Key: 1"}, "not the name of a header"),
    "a body on GET": ({"body_type": "json", "body": "{}"}, "GET sends no body"),
    "a body that is not JSON": ({"method": "POST", "body_type": "json", "body": "{"}, "JSON cannot be used"),
    "a body without a type": ({"method": "POST", "body": "{}"}, "Choose the type of the body"),
    "a path of no meaning": ({"result_path": "a..b"}, "Write a path such as"),
    "a schema that is not JSON": ({"parameters": "{"}, "errorlist"),
    "no object": ({"parameters": '{"type": "string"}'}, "must be an object"),
    "no schema": ({"parameters": '{"type": "object", "properties": {"a": {"type": "wrong"}}}'}, "not a JSON Schema"),
    "a remote reference": (
        {"parameters": '{"type": "object", "properties": {"a": {"$ref": "http://127.0.0.1:9/x"}}}'},
        "may only refer to",
    ),
    "a file": (
        {"parameters": '{"type": "object", "properties": {"a": {"$ref": "file:///etc/passwd"}}}'},
        "may only refer",
    ),
    "itself endlessly": ({"parameters": '{"type": "object", "allOf": [{"$ref": "#"}]}'}, "refers to itself"),
    "a base to resolve against": (
        {"parameters": '{"type": "object", "$id": "http://127.0.0.1:9/"}'},
        "cannot have an $id",
    ),
    "a schema without end": ({"parameters": '{"type":"object","not":' * 30 + "{}" + "}" * 30}, "levels deep"),
    "a large schema": ({"parameters": json.dumps({"type": "object", "title": "x" * 33_000})}, "longer than"),
    "a regular expression that explodes": (
        {"parameters": '{"type": "object", "properties": {"a": {"pattern": "(a{1000}){1000}"}}}'},
        "not a JSON Schema",
    ),
    "two rows of one name": (rows({"name": "q"}, {"name": "q"}), "two arguments named q"),
    "choices of a number": (
        rows({"name": "q", "kind": "number", "choices": "1, 2"}),
        "Only text arguments can have choices",
    ),
    "an unknown type": (rows({"name": "q", "kind": "evil"}), "Unknown argument type"),
    "too long": ({"timeout_seconds": 600}, "from 0.5 to 60"),
    "too often": ({"retries": 9}, "from 0 to 3"),
    "a name that a built-in tool has": ({"name": "Calculate"}, "already has a tool with this name"),
    "a name with a blank": ({"name": "my tool"}, "letters, digits, hyphens"),
}


@pytest.mark.parametrize(("overrides", "complaint"), REFUSED.values(), ids=REFUSED)
def test_definitions_that_cannot_work_are_refused_with_a_reason(
    admin_client: Client, app: App, overrides: dict[str, Any], complaint: str
) -> None:
    usual = {} if "arguments-0-name" in overrides else rows({"name": "q", "is_required": "on"})
    answer = admin_client.post(ADD, form(app, **usual, **overrides))
    assert answer.status_code == 200
    assert complaint in answer.content.decode().replace("&#x27;", "'")
    assert not app.tools.filter(kind=Tool.Kind.HTTP).exists()


def test_patterns_that_hang_other_matchers_are_matched_quickly(admin_client: Client, app: App) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}, "required": ["a"]}
    tool = factories.make_http_tool(app, "https://a.example/", parameters=schema)
    fields = {"arguments": json.dumps({"a": "a" * 60_000 + "b"}), "wallet_address": "", "wallet_chain_id": ""}
    answer = admin_client.post(f"/admin/apps_registry/tool/{tool.pk}/try/", fields)
    assert "does not match" in answer.content.decode()


def test_who_can_call_a_new_tool_depends_on_what_is_live(admin_client: Client, app: App) -> None:
    answer = admin_client.post(ADD, form(app, _save=""), follow=True)
    assert f"The model of “{app}” can call it now." in answer.content.decode()
    publish(app)
    answer = admin_client.post(ADD, form(app, name="later", _save=""), follow=True)
    assert "callers get it with the next release" in answer.content.decode()


def test_a_missing_secret_is_named_when_a_tool_is_saved(admin_client: Client, app: App) -> None:
    answer = admin_client.post(ADD, form(app, headers="X-Key: {{ secrets.LATER }}"), follow=True)
    assert "has no secret LATER yet" in answer.content.decode()


def test_a_built_in_tool_cannot_take_an_http_tools_name(admin_client: Client, app: App) -> None:
    app.tools.all().delete()
    factories.make_http_tool(app, "https://a.example/", name="calculate")
    answer = admin_client.post(app_page(app, "tools"), tools_form(app, builtin_tools=["calculate"]))
    assert "already has a tool named calculate" in answer.content.decode()


def secret_rows(app: App, **fields: str) -> dict[str, Any]:
    return {"secrets-TOTAL_FORMS": 1, "secrets-0-app": app.pk, **{f"secrets-0-{k}": v for k, v in fields.items()}}


def test_a_secret_is_replaced_and_removed_but_never_shown(admin_client: Client, app: App) -> None:
    assert (
        admin_client.post(
            app_page(app, "tools"),
            tools_form(app, **secret_rows(app, name="KEY", value="first-value", hosts="a.example")),
        ).status_code
        == 302
    )
    secret = Secret.objects.get(app=app)
    old = secret.token
    assert secret.hosts == "a.example:443"
    kept = {"secrets-INITIAL_FORMS": 1, **secret_rows(app, id=str(secret.pk), value="", hosts="a.example:443")}
    assert admin_client.post(app_page(app, "tools"), tools_form(app, **kept)).status_code == 302
    secret.refresh_from_db()
    assert secret.token == old
    replaced = {
        "secrets-INITIAL_FORMS": 1,
        **secret_rows(app, id=str(secret.pk), name="RENAMED", value="second-value", hosts="b.example, a.example"),
    }
    assert admin_client.post(app_page(app, "tools"), tools_form(app, **replaced)).status_code == 302
    secret.refresh_from_db()
    assert (secret.name, secret.token == old) == ("KEY", False)
    assert secret.hosts.split() == ["a.example:443", "b.example:443"]
    shown = admin_client.get(app_page(app, "tools")).content.decode()
    assert "first-value" not in shown + admin_client.get(app_page(app, "history")).content.decode()
    assert "second-value" not in shown
    assert secret.token not in shown
    removed = {"secrets-INITIAL_FORMS": 1, **secret_rows(app, id=str(secret.pk), DELETE="on")}
    assert admin_client.post(app_page(app, "tools"), tools_form(app, **removed)).status_code == 302
    assert not Secret.objects.filter(app=app).exists()


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"name": "KEY", "value": "short"}, "at least 8 characters"),
        ({"name": "lower", "value": "long-enough"}, "capital letters"),
        ({"name": "KEY", "value": ""}, "This field is required"),
        ({"name": "KEY", "value": "long-enough"}, "Name the hosts that it may be sent to"),
        ({"name": "KEY", "value": "long-enough", "hosts": "https://a.example/"}, "is not a host"),
        ({"name": "KEY", "value": "long-enough", "hosts": "a.example:70000"}, "is not a host"),
        ({"name": "KEY", "value": "long-enough\n", "hosts": "a.example"}, "contains a line break"),
        ({"name": "KEY", "value": "long-enough\u2028x", "hosts": "a.example"}, "contains a line break"),
        ({"name": "KEY", "value": " long-enough", "hosts": "a.example"}, "begins or ends with a space"),
        ({"name": "KEY", "value": "long-enough\u00a0", "hosts": "a.example"}, "begins or ends with a space"),
        ({"name": "KEY", "value": "long\tenough", "hosts": "a.example"}, "contains a control character"),
        ({"name": "KEY", "value": "long\u2011enough", "hosts": "a.example"}, "contains a character outside ASCII"),
    ],
)
def test_a_bad_secret_is_refused_and_not_repeated(
    admin_client: Client, app: App, fields: dict[str, str], complaint: str
) -> None:
    answer = admin_client.post(app_page(app, "tools"), tools_form(app, **secret_rows(app, **fields)))
    assert complaint in answer.content.decode()
    assert "enough" not in answer.content.decode()
    assert not Secret.objects.filter(app=app).exists()


def test_without_keys_no_secret_is_stored(admin_client: Client, app: App, settings: Any) -> None:
    settings.SECRETS_KEYS = []
    answer = admin_client.post(
        app_page(app, "tools"), tools_form(app, **secret_rows(app, name="KEY", value="long-enough"))
    )
    assert "SECRETS_KEYS is not set" in answer.content.decode()


@pytest.mark.parametrize("hosts", ["http://a.example", "a.example", "127.0.0.1:9000/x", "a b:80", "[::1]"])
def test_allowed_hosts_name_their_port(admin_client: Client, app: App, hosts: str) -> None:
    answer = admin_client.post(app_page(app, "tools"), tools_form(app, allowed_hosts=hosts))
    assert "one host with its port per line" in answer.content.decode()


def test_operators_who_may_only_view_cannot_run_a_tool(
    app: App, staff_client: Callable[..., Client], upstream: Upstream
) -> None:
    tool = factories.make_http_tool(app, f"{upstream.url}/x")
    onlooker = staff_client("view_tool", "view_app")
    address = f"/admin/apps_registry/tool/{tool.pk}"
    assert onlooker.get(f"{address}/change/").status_code == 200
    assert onlooker.get(f"{address}/try/").status_code == 403
    assert onlooker.post(f"{address}/try/", {"arguments": "{}"}).status_code == 403
    assert upstream.received == []


def test_a_record_of_a_call_is_read_only(admin_client: Client, app: App) -> None:
    call = OutboundCall.objects.create(
        app=app, turn_id=uuid.uuid4(), tool="t", method="GET", host="h:1", milliseconds=1,
        received_bytes=1, verdict="refused: h has a loopback address", created_at=now(),
    )  # fmt: skip
    listed = admin_client.get(f"/admin/apps_registry/outboundcall/?q={call.turn_id}").content.decode()
    assert "refused: h has a loopback address" in listed
    address = f"/admin/apps_registry/outboundcall/{call.pk}/change/"
    assert 'name="_save"' not in admin_client.get(address).content.decode()
    assert admin_client.post(address, {"verdict": "x"}).status_code == 403


def test_calls_are_found_by_their_result(admin_client: Client, app: App) -> None:
    tool = factories.make_http_tool(app, "https://api.example.com/", name="look_up")
    for status, verdict in ((200, "answered"), (404, "answered"), (503, "answered"), (None, "no answer in time")):
        OutboundCall.objects.create(
            app=app, tool="look_up", method="GET", host="h", milliseconds=1, received_bytes=1,
            status=status, verdict=verdict,
        )  # fmt: skip
    page = f"/admin/apps_registry/outboundcall/?app__id__exact={app.pk}"

    def statuses(query: str) -> set[int | None]:
        rows = admin_client.get(f"{page}{query}").context["cl"].result_list
        return {row.status for row in rows}

    assert statuses("") == {200, 404, 503, None}
    assert statuses("&outcome=failed") == {404, 503, None}
    assert statuses("&outcome=error") == {404, 503}
    assert statuses("&outcome=nonsense") == {200, 404, 503, None}
    assert statuses("&q=503") == {503}
    tool_page = admin_client.get(f"/admin/apps_registry/tool/{tool.pk}/change/").content.decode()
    assert f"?app__id__exact={app.pk}&amp;q=look_up" in tool_page


def test_records_of_calls_cannot_be_deleted_and_outlive_their_app(admin_client: Client) -> None:
    app = factories.make_app()
    call = OutboundCall.objects.create(
        app=app, turn_id=uuid.uuid4(), tool="t", method="GET", host="h:1", milliseconds=1,
        received_bytes=1, verdict="answered", created_at=now(),
    )  # fmt: skip
    pages = "/admin/apps_registry/outboundcall/"
    assert admin_client.post(f"{pages}{call.pk}/delete/", {"post": "yes"}).status_code == 403
    admin_client.post(pages, {"action": "delete_selected", "_selected_action": [call.pk], "post": "yes"})
    assert "delete_selected" not in admin_client.get(pages).content.decode()
    gone = admin_client.post(f"/admin/apps_registry/app/{app.pk}/delete/", {"post": "yes"})
    assert gone.status_code == 302
    assert not App.objects.filter(pk=app.pk).exists()
    for address in (f"{pages}?q={call.turn_id}", f"{pages}{call.pk}/change/"):
        assert f"App {app.pk} (deleted)" in admin_client.get(address).content.decode()


def test_an_unreadable_tool_can_be_defined_again(admin_client: Client, app: App) -> None:
    tool = factories.make_http_tool(app, "https://a.example/")
    Tool.objects.filter(pk=tool.pk).update(definition="{")
    address = f"/admin/apps_registry/tool/{tool.pk}"
    assert "cannot be read" in admin_client.get(f"/admin/apps_registry/tool/?q={app.slug}").content.decode()
    assert "define the tool again" in admin_client.get(f"{address}/try/", follow=True).content.decode()
    assert admin_client.post(f"{address}/change/", form(app)).status_code == 302
    tool.refresh_from_db()
    assert tool.http_definition().url == form(app)["url"]


@pytest.mark.parametrize("which", ["abc", "999999999"])
@pytest.mark.parametrize("view", ["change", "try"])
def test_the_page_of_an_unknown_tool_does_not_fail(admin_client: Client, which: str, view: str) -> None:
    assert admin_client.get(f"/admin/apps_registry/tool/{which}/{view}/").status_code in {302, 404}


@pytest.mark.parametrize(
    ("url", "offered"), [("http://169.254.169.254/x", ""), ("http://10.0.0.3:81/x", "10.0.0.3:81")]
)
def test_only_a_host_that_may_be_allowed_is_offered(admin_client: Client, app: App, url: str, offered: str) -> None:
    tool = factories.make_http_tool(app, url, retries=0)
    page = admin_client.post(f"/admin/apps_registry/tool/{tool.pk}/try/", {"arguments": "{}"})
    assert "the call is not allowed" in page.content.decode()
    assert (page.context["private_host"] or "") == offered


def test_only_operators_who_may_change_the_app_can_allow_a_host(
    staff_client: Callable[..., Client], app: App, upstream: Upstream
) -> None:
    tool = factories.make_http_tool(app, upstream.url)
    staff, page = staff_client("view_tool", "change_tool"), f"/admin/apps_registry/tool/{tool.pk}/try/"
    assert 'name="allow"' not in staff.post(page, {"arguments": "{}"}).content.decode()
    assert staff.post(page, {"arguments": "{}", "allow": "1"}).status_code == 403
    assert App.objects.get(pk=app.pk).allowed_hosts == ""
    assert upstream.received == []


def test_a_trial_says_that_the_app_allows_only_other_hosts(admin_client: Client, app: App) -> None:
    saved = admin_client.post(app_page(app, "tools"), tools_form(app, only_hosts="API.example.com, b.example:8443"))
    assert saved.status_code == 302
    app.refresh_from_db()
    assert app.only_hosts.split() == ["api.example.com:443", "b.example:8443"]
    tool = factories.make_http_tool(app, "https://other.example.com/x")
    page = admin_client.post(f"/admin/apps_registry/tool/{tool.pk}/try/", {"arguments": "{}"}).content.decode()
    assert "other.example.com:443 was not called." in page
    assert "can call only the hosts under “Only these hosts”" in page
    refused = admin_client.post(app_page(app, "tools"), tools_form(app, only_hosts="https://a.example/"))
    assert "is not a host" in refused.content.decode()


def test_a_tool_of_the_clients_is_declared_on_the_apps_page(admin_client: Client, app: App) -> None:
    tab = app_page(app, "tools")
    rows = {
        "tools-TOTAL_FORMS": 1,
        "tools-0-name": "get_position",
        "tools-0-description": "Where the user is.",
        "tools-0-parameters": '{"type": "object", "properties": {}}',
        "tools-0-is_enabled": "on",
    }
    for name, wrong, problem in (
        ("parameters", "{", "This JSON cannot be used"),
        ("parameters", '{"type": "array"}', "must be an object with"),
        ("name", "two words", "Use up to 64 letters"),
        ("name", "calculate", "already has a tool with this name"),
        ("name", "search_documents", "not be search_documents"),
    ):
        refused = admin_client.post(tab, tools_form(app, **{**rows, f"tools-0-{name}": wrong}))
        assert problem in html.unescape(refused.content.decode()), name
    twice = {**rows, **{name.replace("-0-", "-1-"): value for name, value in rows.items()}, "tools-TOTAL_FORMS": 2}
    assert "already has a tool" in admin_client.post(tab, tools_form(app, **twice)).content.decode()
    assert admin_client.post(tab, tools_form(app, **rows)).status_code == 302
    tool = Tool.objects.get(app=app, kind="client")
    assert (tool.name, tool.client_definition()[0]) == ("get_position", "Where the user is.")
    assert "run by the clients" in admin_client.get(tab).content.decode()
    gone = {**rows, "tools-INITIAL_FORMS": 1, "tools-0-id": tool.pk, "tools-0-DELETE": "on"}
    assert admin_client.post(tab, tools_form(app, **gone)).status_code == 302
    assert not Tool.objects.filter(app=app, kind="client").exists()
