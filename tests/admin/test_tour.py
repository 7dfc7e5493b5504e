"""The tour: an App with a tool and a document, created by following the console's links, answers a pasted curl call."""

import json
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml

from apps_registry.models import App, DocumentChunk, OutboundCall
from apps_registry.services.call_examples import GREETING
from tests import factories
from tests.model_server import ModelServer, ScriptedModel, calls, says, tool_results
from tests.product import Server
from tests.root import ROOT
from tests.upstream import Upstream

if TYPE_CHECKING:
    from playwright.sync_api import Page

ABOUT = ROOT / "examples" / "mycoindex" / "about.md"
QUESTION = "What is ETH at, and what does the index cost?"


@pytest.mark.thorough
@pytest.mark.browser
def test_a_newcomer_gets_an_answer_from_tool_and_document(
    console: "Page", server: Server, model_server: ModelServer, upstream: Upstream
) -> None:
    upstream.handle = lambda handler, request: handler.reply({"usd": 3125.5, "asked": request.path})
    model = ScriptedModel(model_server, factories.make_model(model_server.base_url).name)

    console.goto(f"{server.url}/admin/?start")
    app = make_app(console, model.model_id)
    add_tool(console, upstream)
    add_document(console)
    command = issue_key(console)

    marker = DocumentChunk.objects.get(app=app, text__contains="0.35 percent").pk
    model.will(
        calls(("get_price", {"symbol": "ETH"}), ("search_documents", {"query": "What does holding the index cost?"})),
        says(f"ETH is at 3125.50 dollars; holding costs 0.35 percent a year [{marker}]."),
    )
    pasted = subprocess.run(command, shell=True, capture_output=True, check=True, timeout=60)
    reply = json.loads(pasted.stdout)["messages"][-1]
    assert reply["content"].startswith("ETH is at 3125.50 dollars")
    location = "MyCoin Index > Fees, line 17"
    assert reply["citations"] == [{"marker": marker, "document": "MyCoin Index", "place": location}]
    assert upstream.received[-1].path == "/v1/prices/ETH"
    price, passages = tool_results(model.prompts[1])
    assert json.loads(price)["usd"] == 3125.5
    assert "0.35 percent a year" in passages
    assert OutboundCall.objects.get(app=app, turn_id__isnull=False).verdict == "answered"

    console.click("text=The App's page")
    steps = console.inner_text("#steps")
    assert [words in steps for words in ("calls tools", "1 enabled", "1 ready", "1 usable")] == [True] * 4
    check_export(console, app, upstream)


def make_app(console: "Page", model_name: str) -> App:
    slug = factories.unique("tour")
    console.click("text=Add an App")
    console.wait_for_url("**/app/add/")  # while the list is loading, it has no choice yet
    assert console.input_value("#id_default_model") != ""  # a model exists from the start
    console.locator("#id_name").press_sequentially(slug.replace("-", " ").title())
    assert console.input_value("#id_slug") == slug
    console.fill("#id_preamble", "You answer questions about prices and the index.")
    console.select_option("#id_default_model", label=model_name)
    console.click("input[name=_save]")
    console.wait_for_selector("#steps >> text=Call it")
    return App.objects.get(slug=slug)


def add_tool(console: "Page", upstream: Upstream) -> None:
    console.click("#steps >> text=Add an HTTP tool")
    console.fill("#id_name", "get_price")
    console.fill("#id_description", "Price of a token now.")
    console.fill("[name=arguments-0-name]", "symbol")
    console.fill("#id_url", f"{upstream.url}/v1/prices/{{{{ args.symbol }}}}")
    console.click("input[name=_save]")
    console.fill("#id_arguments", '{"symbol": "BTC"}')
    console.click("text=Run it")
    assert "not allowed" in console.inner_text("#trial-result")
    assert upstream.received == []
    console.click(f"text=Allow {upstream.host}")
    console.wait_for_selector("text=may call")
    assert "3125.5" in console.inner_text("#trial-result")
    console.click("text=Open the App")


def add_document(console: "Page") -> None:
    console.click("#steps >> text=Upload a document")
    console.set_input_files("#id_uploads", ABOUT)
    console.click("text=Add the documents")
    console.wait_for_selector("#chunks >> text=0.35 percent")  # the page refreshes itself during the ingest
    console.click("text=Search this App's documents")
    console.fill("#id_q", "What does holding the index cost?")
    console.click("button:has-text('Search')")
    assert "0.35 percent" in console.inner_text("#passages")
    console.go_back()
    console.go_back()
    console.click("text=Open the App")


def issue_key(console: "Page") -> str:
    """Return the command that is shown, with a question in it."""
    console.click("#steps >> text=Issue a key")
    console.fill("#id_label", factories.unique("tour"))
    console.click("text=Issue the key")
    return console.inner_text("#ready-curl").replace(GREETING, QUESTION)


def check_export(console: "Page", app: App, upstream: Upstream) -> None:
    with console.expect_download() as download:
        console.click("text=Export as a file")
    data = yaml.safe_load(download.value.path().read_text())
    assert (data["slug"], data["allowed_hosts"]) == (app.slug, [upstream.host])
    (tool,), (document,) = data["http_tools"], data["documents"]
    assert (tool["name"], tool["parameters"]["required"]) == ("get_price", ["symbol"])
    assert document["name"] == "about.md"
