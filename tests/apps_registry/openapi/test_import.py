"""Imports by command: list, preview, apply, call, and update without losing the operator's changes."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from apps_registry.http_tools.definition import HttpToolDefinition
from apps_registry.models import App, Tool
from apps_registry.models.openapi import OpenApiSource
from tests import factories
from tests.apps_registry.openapi.documents import price_api
from tests.client import Client
from tests.commands import Result
from tests.model_server import ScriptedModel, calls, says, tool_results
from tests.upstream import Upstream, echo

PASSWORD = base64.b64encode(b"reader:a-password-of-the-tests").decode()


@pytest.fixture
def app(app: App, upstream: Upstream) -> App:
    """An App whose tools may call the upstream server."""
    app.allowed_hosts = upstream.host
    app.save()
    return app


@pytest.fixture
def run(manage: Callable[..., Result], app: App, tmp_path: Path) -> Callable[..., Result]:
    """Imports a document: run(data, "--all")."""

    def run_with(data: dict[str, Any], *arguments: str) -> Result:
        (tmp_path / "api.yaml").write_text(yaml.safe_dump(data))
        return manage("import_openapi", app.slug, str(tmp_path / "api.yaml"), *arguments)

    return run_with


def http_tools(app: App) -> dict[str, HttpToolDefinition]:
    return {tool.name: tool.http_definition() for tool in app.tools.filter(kind=Tool.Kind.HTTP)}


def test_imported_tools_call_their_api(
    run: Callable[..., Result], app: App, upstream: Upstream, app_client: Client, model: ScriptedModel
) -> None:
    upstream.handle = echo
    secret = "S_127_0_0_1__BASIC"
    done = run(price_api(upstream.url), "--all", "--prefix", "px_", "--apply")
    assert done.code == 0, done.err
    assert f"secret {secret} for {upstream.host}: user:password in Base64" in done.out
    assert "! POST /upload  not imported: its body is multipart/form-data" in done.out
    assert sorted(http_tools(app)) == ["px_getPrice", "px_listOrders", "px_placeOrder"]
    factories.make_secret(app, secret, PASSWORD, hosts=upstream.host)

    model.will(
        calls(
            ("px_getPrice", {"symbol": "a/b", "in": ["usd", "eur"]}),
            ("px_placeOrder", {"amount": 1.5, "legs": [{"x": 1}]}),
            ("px_placeOrder", {"amount": "much"}),
        ),
        says("Done."),
    )
    app_client.chat("Go")
    got, ordered, refused = tool_results(model.prompts[-1])
    assert json.loads(got)["path"] == "/prices/a%2Fb?in=usd&in=eur"
    assert json.loads(json.loads(ordered)["body"]) == {"amount": 1.5, "legs": [{"x": 1}]}
    assert "are invalid" in refused
    assert {request.headers["Authorization"] for request in upstream.received} == {f"Basic {PASSWORD}"}
    assert PASSWORD not in got + ordered


def test_nothing_is_done_without_apply(run: Callable[..., Result], app: App, upstream: Upstream) -> None:
    data = price_api(upstream.url)
    listed = run(data, "--list")
    assert "  getPrice  GET /prices/{symbol}  Price of a token  [prices]" in listed.out
    shown = run(data, "--tag", "orders")
    assert "+ placeOrder  added" in shown.out
    assert "+ listOrders  added" in shown.out
    assert "getPrice" not in shown.out
    assert "nothing is changed without --apply" in shown.err
    assert http_tools(app) == {}
    assert not OpenApiSource.objects.filter(app=app).exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["--operation", "nope"], "no operation 'nope'"), (["--tag", "nope"], "Tags: orders, prices")],
)
def test_a_choice_that_does_not_exist_is_refused(
    run: Callable[..., Result], upstream: Upstream, arguments: list[str], words: str
) -> None:
    done = run(price_api(upstream.url), *arguments)
    assert done.code == 1
    assert words in done.err


def test_a_newer_document_changes_what_the_operator_did_not(
    run: Callable[..., Result], app: App, upstream: Upstream
) -> None:
    data = price_api(upstream.url)
    assert run(data, "--all", "--apply").code == 0
    edit(app, "getPrice", description="My own words.", timeout_seconds=3.0)
    Tool.objects.filter(app=app, name="getPrice").update(is_enabled=False)

    price = data["paths"]["/prices/{symbol}"]["get"]
    price["summary"] = "Price of a token, better told"
    price["parameters"].append({"name": "at", "in": "query", "schema": {"type": "string"}})
    del data["paths"]["/orders"]["get"]
    data["paths"]["/new"] = {"get": {"operationId": "brandNew"}}

    shown = run(data)
    assert "~ getPrice  changed" in shown.out
    assert 'description: your value is kept ("My own words.")' in shown.out
    assert 'query: {"in":"{{ args.in }}"} -> {"in":"{{ args.in }}","at":"{{ args.at }}"}' in shown.out
    assert "- listOrders  removed" in shown.out
    assert "brandNew" not in shown.out  # not chosen
    assert "listOrders" in http_tools(app)

    assert run(data, "--apply").code == 0
    changed = http_tools(app)["getPrice"]
    assert (changed.description, changed.timeout_seconds) == ("My own words.", 3.0)
    assert "at" in changed.query
    assert not app.tools.get(name="getPrice").is_enabled
    assert "listOrders" not in http_tools(app)

    again = run(data, "--apply")
    assert "your value is kept" not in again.out  # asked once
    assert "2 unchanged" in again.err


def test_a_changed_tool_is_turned_off_when_its_operation_is_removed(
    run: Callable[..., Result], app: App, upstream: Upstream
) -> None:
    data = price_api(upstream.url)
    assert run(data, "--all", "--apply").code == 0
    edit(app, "listOrders", cache_seconds=60)
    del data["paths"]["/orders"]["get"]
    assert "- listOrders  turned off" in run(data, "--apply").out
    assert not app.tools.get(name="listOrders").is_enabled


def test_a_name_that_the_app_has_already_is_refused(run: Callable[..., Result], app: App, upstream: Upstream) -> None:
    data = price_api(upstream.url)
    data["paths"]["/orders"]["get"]["operationId"] = "Calculate"  # a built-in tool, in another case
    done = run(data, "--operation", "Calculate", "--apply")
    assert "! Calculate  not imported: the App has another tool named Calculate" in done.out
    assert "+ px_Calculate" in run(data, "--operation", "Calculate", "--prefix", "px_").out


def test_a_document_is_fetched_by_the_rules_of_the_app(
    manage: Callable[..., Result], app: App, upstream: Upstream
) -> None:
    upstream.handle = lambda handler, request: handler.reply(price_api("/v1"))
    done = manage("import_openapi", app.slug, f"{upstream.url}/docs/openapi.json", "--operation", "listOrders")
    assert f"GET {upstream.url}/v1/orders" in done.out
    App.objects.filter(pk=app.pk).update(allowed_hosts="")
    refused = manage("import_openapi", app.slug, f"{upstream.url}/docs/openapi.json", "--all")
    assert refused.code == 1
    assert "the call is not allowed" in refused.err


def edit(app: App, name: str, **changes: Any) -> None:
    """Change a tool as its form does."""
    tool = app.tools.get(name=name)
    tool.set_http_definition(HttpToolDefinition(**{**tool.http_definition().as_json(), "name": name, **changes}))
    tool.save()


def test_a_document_with_nul_characters_is_imported(
    manage: Callable[..., Result], app: App, upstream: Upstream, tmp_path: Path
) -> None:
    """PostgreSQL's JSON cannot store them, and any text of a document may contain one."""

    def poisoned(node: Any) -> Any:
        if isinstance(node, dict):
            named = {name: poisoned(child) for name, child in node.items()}
            described = {name: f"{node[name]}\x00" for name in ("description", "summary") if name in node}
            return {**named, **described, **({"enum": ["a\x00b"]} if node.get("type") == "string" else {})}
        return [poisoned(child) for child in node] if isinstance(node, list) else node

    data = poisoned(price_api(upstream.url))
    for number, text in enumerate((json.dumps(data), yaml.safe_dump(data))):
        path = tmp_path / "api.json"
        path.write_text(text)
        done = manage("import_openapi", app.slug, str(path), "--all", "--prefix", f"p{number}_", "--apply")
        assert done.code == 0, done.err
        # The second time, it is the same document in another spelling.
        assert ("p0_getPrice  unchanged" in done.out) == (number == 1)
    assert "p0_getPrice" in http_tools(app)
    assert "\x00" not in repr([definition.as_json() for definition in http_tools(app).values()])
