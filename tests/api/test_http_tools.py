"""HTTP tools in a turn: calls are sent, answered, recorded and limited, and Apps are isolated."""

import base64
import json
import re
import threading
import time
import urllib.parse
from typing import Any

import pytest

from apps_registry.models import App, OutboundCall, Secret, Tool
from sessions_app.models import Turn
from tests import factories
from tests.client import Client, texts
from tests.model_server import ScriptedModel, calls, says, tool_results
from tests.patience import scaled
from tests.upstream import Handler, Received, Upstream

SECRET = 'sk/live+7fQ2 "ü" zL9&x'  # every kind of character that encodings change
WALLET = "0x742d35cc6634c0532925a3b844bc9e7595f2bd68"


@pytest.fixture
def app(app: App, upstream: Upstream) -> App:
    """An App whose tools may call the upstream server."""
    app.allowed_hosts = upstream.host
    app.save()
    return app


def ask(client: Client, model: ScriptedModel, *requested: tuple[str, Any], **params: str) -> list[str]:
    """Have the model make these calls; return the results as it reads them."""
    before = len(model.prompts)
    model.will(calls(*requested), says("Done."))
    assert texts(client.chat("Go", **params))[-1] == ("agent", "Done.")
    asked = next(n for n in reversed(range(len(model.prompts[before + 1]))) if "tool_calls" in model.prompts[-1][n])
    return tool_results(model.prompts[before + 1][asked + 1 :])


def error_of(result: str) -> str:
    return str(json.loads(result)["error"])


def test_a_tool_call_becomes_a_request_and_its_answer_a_result(
    app_client: Client, app: App, model: ScriptedModel, upstream: Upstream
) -> None:
    factories.make_secret(app, "API_KEY", "key-of-the-tests", hosts=upstream.host)
    schema = {
        "type": "object",
        "properties": {
            "symbol": {"type": "string"},
            "days": {"type": "integer"},
            "tags": {"type": "array", "items": {"type": "string"}},
            "lang": {"type": "string"},
        },
        "required": ["symbol"],
    }
    factories.make_http_tool(
        app,
        f"{upstream.url}/v1/{{{{ args.symbol }}}}/prices",
        name="prices",
        parameters=schema,
        method="POST",
        query={"days": "{{ args.days }}", "tag": "{{ args.tags }}", "fixed": "a b"},
        headers={"Authorization": "Bearer {{ secrets.API_KEY }}", "Accept-Language": "{{ args.lang }}"},
        body={"n": "{{ args.days }}", "text": "{{ args.days }} days", "gone": "{{ args.lang }}", "x": [True, None]},
        body_type="json",
        result_path="body",
    )
    (result,) = ask(app_client, model, ("prices", {"symbol": "a/b é", "days": 7, "tags": ["x", "y&z"]}))
    (request,) = upstream.received
    assert request.path == "/v1/a%2Fb%20%C3%A9/prices?days=7&tag=x&tag=y%26z&fixed=a%20b"
    assert request.headers["Authorization"] == "Bearer key-of-the-tests"
    assert request.headers["Content-Type"] == "application/json"
    assert "Accept-Language" not in request.headers
    assert "Cookie" not in request.headers
    assert request.json() == {"n": 7, "text": "7 days", "x": [True, None]}
    assert json.loads(json.loads(result)) == request.json()


def test_what_the_model_is_offered(app_client: Client, app: App, model: ScriptedModel) -> None:
    app.tools.all().delete()
    factories.make_http_tool(app, "https://api.example.com/", description="Says hello.")
    broken = factories.make_http_tool(app, "https://api.example.com/", name="broken")
    Tool.objects.filter(pk=broken.pk).update(definition={"surprise": 1})
    app_client.chat("Hi")
    (offered,) = [tool["function"] for tool in model.requests[-1]["tools"]]
    assert (offered["name"], offered["description"]) == ("fetch", "Says hello.")
    assert offered["parameters"]["additionalProperties"] is False


def test_every_request_leaves_a_row(app_client: Client, app: App, model: ScriptedModel, upstream: Upstream) -> None:
    factories.make_http_tool(app, f"{upstream.url}/x")
    factories.make_http_tool(app, "http://127.0.0.1:9/x", name="blocked")
    upstream.handle = lambda handler, _: handler.reply("fourteen bytes")
    ask(app_client, model, ("fetch", {}), ("blocked", {}))
    turn = Turn.objects.get(session_id=app_client.uuid)
    rows = {row.tool: row for row in OutboundCall.objects.filter(turn_id=turn.pk, app=app)}
    good, bad = rows["fetch"], rows["blocked"]
    assert (good.method, good.host, good.address, good.status) == ("GET", upstream.host, "127.0.0.1", 200)
    assert (good.received_bytes, good.verdict) == (14, "answered")
    assert (bad.address, bad.status) == ("", None)
    assert bad.verdict == "refused: 127.0.0.1 has a loopback address"


ECHOES = {
    "as it is": lambda secret: secret,
    "JSON": lambda secret: {"a": [secret]},
    "JSON, every letter escaped": lambda secret: '{"a":"' + "".join(f"\\u{ord(c):04x}" for c in secret) + '"}',
    "JSON in JSON": lambda secret: {"a": json.dumps({"b": secret})},
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "base64url": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode().rstrip("="),
    "Basic": lambda secret: "Basic " + base64.b64encode(b"user:" + secret.encode() + b"!").decode(),
    "Basic, other way round": lambda secret: "Basic " + base64.b64encode(secret.encode() + b":x").decode(),
    "percent": lambda secret: urllib.parse.quote(secret, safe=""),
    "percent, small": lambda secret: "".join(
        f"%{b:02x}" if b > 127 or b in b'/+ "&' else chr(b) for b in secret.encode()
    ),
    "form": urllib.parse.quote_plus,
    "hex": lambda secret: secret.encode().hex(),
    "small": str.lower,
}


@pytest.mark.parametrize("status", [200, 403])
@pytest.mark.parametrize("echoed", ECHOES.values(), ids=ECHOES)
def test_a_secret_that_is_echoed_reaches_nobody(
    app_client: Client, app: App, model: ScriptedModel, upstream: Upstream, *, echoed: Any, status: int
) -> None:
    factories.make_secret(app, "API_KEY", SECRET, hosts=upstream.host)
    factories.make_http_tool(app, f"{upstream.url}/x", query={"key": "{{ secrets.API_KEY }}"})
    upstream.handle = lambda handler, _: handler.reply(echoed(SECRET), status)
    ask(app_client, model, ("fetch", {}))
    assert urllib.parse.parse_qs(urllib.parse.urlsplit(upstream.received[0].path).query) == {"key": [SECRET]}
    everything = json.dumps([model.requests, app_client.state(), app_client.request("GET", "/api/events").text])
    assert "[secret]" in everything
    for piece in ("7fQ2", "zL9", "7fq2", "zl9", base64.b64encode(b"7fQ2").decode()[:5], b"zL9".hex()):
        assert piece not in everything


def test_the_password_within_a_secret_is_a_secret_too(
    app_client: Client, app: App, model: ScriptedModel, upstream: Upstream
) -> None:
    """HTTP Basic sends both in base64, but servers may quote the plain password."""
    factories.make_secret(app, "LOGIN", base64.b64encode(b"robot:correct-horse").decode(), hosts=upstream.host)
    factories.make_http_tool(app, f"{upstream.url}/x", headers={"Authorization": "Basic {{ secrets.LOGIN }}"})
    upstream.handle = lambda handler, request: handler.reply(
        {"user": "robot", "wrong": "correct-horse", "raw": request.headers["Authorization"].rstrip("=")}
    )
    (result,) = ask(app_client, model, ("fetch", {}))
    assert json.loads(result) == {"user": "robot", "wrong": "[secret]", "raw": "Basic [secret]"}


@pytest.mark.parametrize("host", ["{secret}.invalid", "{secret}." + "a." * 200 + "invalid"])
def test_a_redirect_to_a_host_named_after_a_secret(
    app_client: Client, app: App, model: ScriptedModel, upstream: Upstream, host: str
) -> None:
    """Its record shows no secret, and is kept though the name is longer than its column."""
    factories.make_secret(app, "API_KEY", "Canary-Secret-0815", hosts=upstream.host)
    factories.make_http_tool(app, f"{upstream.url}/x", headers={"X-Key": "{{ secrets.API_KEY }}"}, retries=0)
    upstream.handle = lambda handler, _: handler.redirect(f"http://{host.format(secret='Canary-Secret-0815')}/")
    (result,) = ask(app_client, model, ("fetch", {}))
    first, second = OutboundCall.objects.filter(app=app).order_by("id")
    assert (first.host, first.status) == (upstream.host, 302)
    assert second.host.startswith("[secret].")
    assert "0815" not in second.host + second.verdict + result


@pytest.mark.parametrize("charset", ["punycode", "idna", "unicode_escape", "utf-7", "undefined", "zlib"])
def test_an_answer_in_no_charset_of_the_web_is_read_at_once(
    app_client: Client, app: App, model: ScriptedModel, upstream: Upstream, charset: str
) -> None:
    """Python's Punycode decoder takes a minute for a megabyte, and its worker would do nothing else meanwhile."""
    factories.make_http_tool(app, f"{upstream.url}/x")
    body = b"a" * 500_000 + b"-" + b"9a" * 250_000
    upstream.handle = lambda handler, _: handler.reply(body, Content_Type=f"text/plain; charset={charset}")
    (result,) = ask(app_client, model, ("fetch", {}))
    assert result.startswith("a" * 100)


def test_no_log_line_contains_a_secret(
    app_client: Client, app: App, model: ScriptedModel, upstream: Upstream, server: Any
) -> None:
    canary = factories.unique("canary-secret")
    factories.make_secret(app, "API_KEY", canary, hosts=upstream.host)
    factories.make_http_tool(app, f"{upstream.url}/{{{{ secrets.API_KEY }}}}")
    factories.make_http_tool(app, "http://127.0.0.1:9/{{ secrets.API_KEY }}", name="blocked")
    results = ask(app_client, model, ("fetch", {}), ("blocked", {}))
    assert canary in upstream.received[0].path
    assert canary not in server.log + "".join(results)


def test_a_secret_of_another_app_cannot_be_named(
    app_client: Client, app: App, other_app: App, model: ScriptedModel, upstream: Upstream
) -> None:
    theirs = factories.make_secret(other_app, "THEIRS", "secret-of-the-other", hosts=upstream.host)
    factories.make_http_tool(app, f"{upstream.url}/x", headers={"X-Key": "{{ secrets.THEIRS }}"})
    (result,) = ask(app_client, model, ("fetch", {}))
    assert "has no secret THEIRS" in error_of(result)
    # Not even if its row is moved: the value is bound to its App.
    Secret.objects.filter(pk=theirs.pk).update(app=app)
    (result,) = ask(app_client, model, ("fetch", {}))
    assert "encrypted for another row" in error_of(result)
    assert upstream.received == []


def test_a_secret_that_was_tampered_with_is_a_clear_error(
    app_client: Client, app: App, model: ScriptedModel, upstream: Upstream
) -> None:
    secret = factories.make_secret(app, "API_KEY", "some-secret-value", hosts=upstream.host)
    factories.make_http_tool(app, f"{upstream.url}/x", headers={"X-Key": "{{ secrets.API_KEY }}"})
    Secret.objects.filter(pk=secret.pk).update(token=secret.token[:-6] + "AAAAA=")
    (result,) = ask(app_client, model, ("fetch", {}))
    assert "the secret API_KEY cannot be read" in error_of(result)
    assert upstream.received == []


def test_a_tool_of_another_app_does_not_exist(
    app_client: Client, other_app: App, model: ScriptedModel, upstream: Upstream
) -> None:
    factories.make_http_tool(other_app, f"{upstream.url}/x")
    (result,) = ask(app_client, model, ("fetch", {}))
    assert "there is no tool 'fetch'" in error_of(result)
    assert upstream.received == []


def test_an_allowed_host_is_allowed_for_one_app_only(
    server: Any, app: App, other_app: App, upstream: Upstream, model_server: Any
) -> None:
    factories.make_http_tool(other_app, f"{upstream.url}/x")
    model = ScriptedModel(model_server, other_app.default_model.provider_model_id)
    with Client(server.url, app=other_app.slug, key=factories.make_key(other_app).plain) as client:
        (result,) = ask(client, model, ("fetch", {}))
    assert "has a loopback address" in error_of(result)
    assert upstream.received == []


def test_placeholders_in_arguments_are_not_filled_in(
    app_client: Client, app: App, model: ScriptedModel, upstream: Upstream
) -> None:
    factories.make_secret(app, "API_KEY", "some-secret-value", hosts=upstream.host)
    factories.make_http_tool(
        app,
        f"{upstream.url}/x",
        method="POST",
        query={"q": "{{ args.text }}"},
        body={"b": "{{ args.text }}"},
        body_type="json",
    )
    ask(app_client, model, ("fetch", {"text": "{{ secrets.API_KEY }} {{ wallet.address }}"}))
    assert upstream.received[0].json() == {"b": "{{ secrets.API_KEY }} {{ wallet.address }}"}
    assert "some-secret" not in upstream.received[0].path


def test_invalid_arguments_go_back_to_the_model_and_are_not_sent(
    app_client: Client, app: App, model: ScriptedModel, upstream: Upstream
) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "maximum": 5}}, "required": ["n"]}
    factories.make_http_tool(app, f"{upstream.url}/{{{{ args.n }}}}", parameters=schema)
    wrong = [{}, {"n": "5"}, {"n": 6}, {"n": 1, "surprise": 1}, "[1]", '{"n": NaN}', "{broken"]
    results = ask(app_client, model, *[("fetch", arguments) for arguments in wrong])
    assert all(error_of(result) for result in results)
    assert upstream.received == []
    ask(app_client, model, ("fetch", {"n": 5.0}))
    assert upstream.received[0].path == "/5"


def test_a_slow_and_a_failing_tool_do_not_affect_other_calls(
    app_client: Client, app: App, model: ScriptedModel, upstream: Upstream
) -> None:
    factories.make_http_tool(app, f"{upstream.url}/slow", name="slow", timeout_seconds=0.5)
    factories.make_http_tool(app, f"{upstream.url}/bad", name="bad", retries=0)
    factories.make_http_tool(app, f"{upstream.url}/good", name="good")

    def handle(handler: Handler, request: Received) -> None:
        if request.path == "/slow":
            return handler.drip(2)
        return handler.reply({"path": request.path}, 500 if request.path == "/bad" else 200)

    upstream.handle = handle
    requested = [("slow", {}), ("good", {}), ("bad", {}), ("calculate", {"expression": "6*7"})]
    slow, good, bad, sum_ = ask(app_client, model, *requested)
    assert re.search(r"within 0\.(5|49\d*) seconds", error_of(slow))
    assert json.loads(good) == {"path": "/good"}
    assert error_of(bad) == 'the service answered 500 Internal Server Error: {"path":"/bad"}'
    assert json.loads(sum_)["result"] == "42"
    shown = [message["tool_result"][0] for message in app_client.state()["messages"] if message["tool_result"]]
    assert shown == ["slow", "good", "bad", "calculate"]


def test_a_call_that_is_repeated_is_noticed(
    app_client: Client, app: App, model: ScriptedModel, upstream: Upstream
) -> None:
    factories.make_http_tool(app, f"{upstream.url}/x")
    upstream.handle = lambda handler, _: handler.reply("same")
    again = calls(("fetch", {"text": "a"}))
    model.will(again, again, calls(("fetch", {"text": "b"})), says("Done."))
    app_client.chat("Go")
    results = [message["content"] for message in model.prompts[-1] if message["role"] == "tool"]
    assert ["made before" in result for result in results] == [False, True, False]
    # Clients are shown only the results.
    assert {m["tool_result"][1] for m in app_client.state()["messages"] if m["tool_result"]} == {"same"}


def test_a_cached_answer_is_reused_for_the_same_app_arguments_and_wallet(
    app_client: Client, app: App, model: ScriptedModel, upstream: Upstream, start: Any
) -> None:
    factories.make_http_tool(app, f"{upstream.url}/x", query={"q": "{{ args.text }}"}, cache_seconds=600)
    one_worker = start()
    state = json.dumps({"address": WALLET, "chain_id": 1})
    with Client(one_worker.url, app=app.slug, key=app_client.key) as client:
        for requested, params in (
            ({"text": "a"}, {}),
            ({"text": "a"}, {}),
            ({"text": "b"}, {}),
            ({"text": "a"}, {"user_state": state}),
        ):
            ask(client, model, ("fetch", requested), **params)
    assert [request.path for request in upstream.received] == ["/x?q=a", "/x?q=b", "/x?q=a"]


def test_a_failure_is_not_cached(app_client: Client, app: App, model: ScriptedModel, upstream: Upstream) -> None:
    factories.make_http_tool(app, f"{upstream.url}/x", cache_seconds=600, retries=0)
    upstream.handle = lambda handler, _: handler.reply("no", 500)
    ask(app_client, model, ("fetch", {}))
    upstream.handle = lambda handler, _: handler.reply("yes")
    assert ask(app_client, model, ("fetch", {})) == ["yes"]


def test_a_tool_that_needs_a_wallet(app_client: Client, app: App, model: ScriptedModel, upstream: Upstream) -> None:
    path = f"{upstream.url}/{{{{ wallet.address }}}}"
    query = {"chain": "{{ wallet.chain_id }}", "proven": "{{ wallet.is_proven }}"}
    factories.make_http_tool(app, path, name="any", needs_wallet="any", query=query)
    factories.make_http_tool(app, path, name="proven", needs_wallet="proven")
    none = ask(app_client, model, ("any", {}), ("proven", {}))
    assert all("has connected none" in error_of(result) for result in none)
    state = json.dumps({"address": WALLET, "chain_id": 137})
    _, proven = ask(app_client, model, ("any", {}), ("proven", {}), user_state=state)
    assert [request.path for request in upstream.received] == [f"/{WALLET}?chain=137&proven=false"]
    assert "proven to be the user's" in error_of(proven)


def test_temporary_failures_are_retried(app_client: Client, app: App, model: ScriptedModel, upstream: Upstream) -> None:
    factories.make_http_tool(app, f"{upstream.url}/x", name="get", retries=2)
    factories.make_http_tool(app, f"{upstream.url}/x", name="post", method="POST", retries=2)
    answers = [503, 429, 200]

    def handle(handler: Handler, request: Received) -> None:
        handler.reply("late", 503 if request.method == "POST" else answers.pop(0), Retry_After="0")

    upstream.handle = handle
    get, post = ask(app_client, model, ("get", {}), ("post", {}))
    assert get == "late"
    assert "503" in error_of(post)
    assert sorted(request.method for request in upstream.received) == ["GET", "GET", "GET", "POST"]
    turn = Turn.objects.get(session_id=app_client.uuid)
    rows = OutboundCall.objects.filter(turn_id=turn.pk, tool="get").order_by("pk")
    assert list(rows.values_list("status", flat=True)) == [503, 429, 200]


@pytest.mark.parametrize(
    "wait",
    ["3600", time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 3600))],
    ids=["seconds", "date"],
)
def test_a_retry_after_beyond_the_time_limit_is_not_waited_for(
    app_client: Client, app: App, model: ScriptedModel, upstream: Upstream, wait: str
) -> None:
    factories.make_http_tool(app, f"{upstream.url}/x", retries=3)
    upstream.handle = lambda handler, _: handler.reply("slow down", 429, Retry_After=wait)
    (result,) = ask(app_client, model, ("fetch", {}))
    assert "429 Too Many Requests: slow down" in error_of(result)
    assert len(upstream.received) == 1


READINGS: dict[str, tuple[Any, dict[str, Any], str]] = {
    "whole": ({"a": 1, "b": "é"}, {}, '{"a":1,"b":"é"}'),
    "a path": ({"data": {"items": [{"price": 1}, {"price": 2}]}}, {"result_path": "data.items[-1].price"}, "2"),
    "every item": ({"d": [{"id": 1}, {}, {"id": 3}]}, {"result_path": "d[*].id"}, "[1,3]"),
    "an odd key": ({"a.b": {"c d": True}}, {"result_path": '$["a.b"]["c d"]'}, "true"),
    "large numbers": (b'{"wei": 123456789012345678901234567890}', {}, '{"wei":123456789012345678901234567890}'),
    "text": ("plain", {}, "plain"),
    "nothing": ("", {}, '{"status": 200}'),
    "NUL and half a pair": (b'{"a":"x\\u0000\\ud800y"}', {}, '{"a":"x\ufffd\ufffdy"}'),
    "cut": ("x" * 300, {"max_result_chars": 100}, "x" * 100 + "… (cut: the first 100 of 300 characters)"),
}

ENTRIES = [{"id": number, "name": "x" * 20} for number in range(20)]
PAGE = "<html><head><title>T</title><style>p{}</style></head><body><h1>Fees</h1><p>None &amp; more.</p></body></html>"
# Bodies as servers send them: body, its type, settings, what the model reads.
SHAPES: dict[str, tuple[bytes, str, dict[str, Any], str]] = {
    "JSON with a mark": (b'\xef\xbb\xbf{"a": 1}', "application/json", {"result_path": "a"}, "1"),
    "JSON in UTF-16 with a mark": ('{"a": "é"}'.encode("utf-16"), "application/json", {}, '{"a":"é"}'),
    "JSON in UTF-16 without": ('{"a": "é"}'.encode("utf-16-le"), "application/json", {}, '{"a":"é"}'),
    "the header's charset": ("Größe".encode("latin-1"), "text/plain; charset=iso-8859-1", {}, "Größe"),
    "a charset within HTML": (
        '<html><head><meta charset="windows-1252"></head><body><p>Größe</p>'.encode("cp1252"),
        "text/html",
        {},
        "Größe",
    ),
    "a charset within XML": (
        '<?xml version="1.0" encoding="Shift_JIS"?><a>値</a>'.encode("shift_jis"),
        "application/xml",
        {},
        '<?xml version="1.0" encoding="Shift_JIS"?><a>値</a>',
    ),
    "a page": (PAGE.encode(), "text/html; charset=utf-8", {}, "T\n\n# Fees\n\nNone & more."),
    "a page that says it is text": (b"<!DOCTYPE html><p>Hello", "text/plain", {}, "Hello"),
    "a picture": (
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
        "image/png",
        {},
        '{"binary":"image/png","bytes":264,"note":"not shown, since it is not text"}',
    ),
    "bytes of no type": (
        bytes(range(128, 256)) * 4,
        "",
        {},
        '{"binary":"of an unknown type","bytes":512,"note":"not shown, since it is not text"}',
    ),
    "text of no type": (b"plain", "application/octet-stream", {}, "plain"),
    "a long list": (
        json.dumps({"next": 2, "items": ENTRIES}).encode(),
        "application/json",
        {"max_result_chars": 100},
        json.dumps({"next": 2, "items": ENTRIES[:2]}, separators=(",", ":")) + "… (cut: 2 of the 20 entries of items)",
    ),
    "a list of lists": (
        json.dumps([[{"v": "y" * 30}] * 5, [1]]).encode(),
        "application/json",
        {"max_result_chars": 100},
        json.dumps([[{"v": "y" * 30}] * 2], separators=(",", ":"))
        + "… (cut: 1 of the 2 entries; 2 of the 5 entries of [0])",
    ),
    "a long text within": (
        json.dumps({"text": "z" * 200}).encode(),
        "application/json",
        {"max_result_chars": 100},
        '{"text":"' + "z" * 91 + "… (cut: the first 100 of 211 characters)",
    ),
}


@pytest.mark.parametrize(("body", "media_type", "settings", "expected"), SHAPES.values(), ids=SHAPES)
def test_bodies_as_servers_send_them(
    app_client: Client,
    app: App,
    model: ScriptedModel,
    upstream: Upstream,
    *,
    body: bytes,
    media_type: str,
    settings: Any,
    expected: str,
) -> None:
    factories.make_http_tool(app, f"{upstream.url}/x", **settings)
    upstream.handle = lambda handler, _: handler.reply(body, Content_Type=media_type)
    assert ask(app_client, model, ("fetch", {})) == [expected]


@pytest.mark.parametrize(
    ("body", "settings", "expected"),
    [
        ("", {}, {"status": 201, "location": "/orders/7"}),
        (
            "",
            {"result_headers": ["Link"]},
            {"status": 201, "location": "/orders/7", "headers": {"link": "</2>; rel=next"}},
        ),
        ([1], {"result_headers": ["location", "X-None"]}, {"headers": {"location": "/orders/7"}, "body": [1]}),
        (
            {"a": [1]},
            {"result_headers": ["Link"], "result_path": "a"},
            {"headers": {"link": "</2>; rel=next"}, "body": [1]},
        ),
        ("made", {"result_headers": ["Link"]}, {"headers": {"link": "</2>; rel=next"}, "body": "made"}),
    ],
)
def test_a_model_can_read_the_location_of_a_new_object_and_of_the_next_page(
    app_client: Client, app: App, model: ScriptedModel, upstream: Upstream, *, body: Any, settings: Any, expected: Any
) -> None:
    factories.make_http_tool(app, f"{upstream.url}/x", method="POST", **settings)
    upstream.handle = lambda handler, _: handler.reply(body, 201, Location="/orders/7", Link="</2>; rel=next")
    assert json.loads(ask(app_client, model, ("fetch", {}))[0]) == expected


@pytest.mark.parametrize(("body", "settings", "expected"), READINGS.values(), ids=READINGS)
def test_how_answers_are_read(
    app_client: Client, app: App, model: ScriptedModel, upstream: Upstream, *, body: Any, settings: Any, expected: str
) -> None:
    factories.make_http_tool(app, f"{upstream.url}/x", **settings)
    upstream.handle = lambda handler, _: handler.reply(body)
    assert ask(app_client, model, ("fetch", {})) == [expected]


MISREADINGS: dict[str, tuple[Any, str]] = {
    "not there": ({"price": 1, "b": 2}, "has nothing at data.price; it has: price, b"),
    "not JSON": ('{"data": ', "is not JSON"),
    "nested without end": (b"[" * 500_000, "is nested too deeply"),
}


@pytest.mark.parametrize(("body", "complaint"), MISREADINGS.values(), ids=MISREADINGS)
def test_answers_that_are_not_what_was_expected(
    app_client: Client, app: App, model: ScriptedModel, upstream: Upstream, *, body: Any, complaint: str
) -> None:
    factories.make_http_tool(app, f"{upstream.url}/x", result_path="data.price")
    upstream.handle = lambda handler, _: handler.reply(body)
    assert complaint in error_of(ask(app_client, model, ("fetch", {}))[0])


def test_a_changed_tool_and_a_changed_secret_take_effect_at_once(
    app_client: Client, app: App, model: ScriptedModel, upstream: Upstream
) -> None:
    secret = factories.make_secret(app, "API_KEY", "first-value", hosts=upstream.host)
    tool = factories.make_http_tool(app, f"{upstream.url}/x", headers={"X-Key": "{{ secrets.API_KEY }}"})
    ask(app_client, model, ("fetch", {}))
    secret.set_value("second-value")
    secret.save()
    ask(app_client, model, ("fetch", {}))
    assert [request.headers["X-Key"] for request in upstream.received] == ["first-value", "second-value"]
    tool.is_enabled = False
    tool.save()
    assert "there is no tool" in error_of(ask(app_client, model, ("fetch", {}))[0])


def test_an_interrupted_call_is_recorded_and_cancelled(
    app_client: Client, app: App, model: ScriptedModel, upstream: Upstream
) -> None:
    factories.make_http_tool(app, f"{upstream.url}/x")
    came = threading.Event()

    def handle(handler: Handler, _: Received) -> None:
        came.set()
        handler.drip(3)

    upstream.handle = handle
    model.will(calls(("fetch", {})))
    app_client.request(
        "POST", "/api/chat", params={"message": "Go", "app": app.slug}, headers={"Prefer": "respond-async"}
    )
    assert came.wait(scaled(10))
    assert app_client.request("POST", "/api/interrupt").json()["status"] == "interrupted"
    turn = Turn.objects.get(session_id=app_client.uuid)
    assert OutboundCall.objects.get(turn_id=turn.pk).verdict == "cancelled"
    assert texts(app_client.chat("And now?"))[-1] == ("agent", "Hello.")
