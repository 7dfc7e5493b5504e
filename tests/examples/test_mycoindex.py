"""The README's tour: import the example App, start its price API, issue a key, ask."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from apps_registry.models import App, Document, DocumentChunk, OutboundCall
from tests import factories
from tests.client import Client
from tests.commands import Result
from tests.model_server import ModelServer, ScriptedModel, calls, says, tool_results
from tests.product import Server, free_port
from tests.root import ROOT
from tests.waiting import wait_until

EXAMPLE = ROOT / "examples" / "mycoindex"


@pytest.fixture
def price_api() -> Iterator[str]:
    """The example's price API in a separate process; yields its host and port."""
    port = free_port()
    command = [sys.executable, str(EXAMPLE / "prices.py"), "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert b"/v1/prices/ETH" in process.stderr.readline()
        yield f"127.0.0.1:{port}"
        process.terminate()


@pytest.fixture
def imported(manage: Callable[..., Result], model_server: ModelServer, price_api: str, tmp_path: Path) -> App:
    """The example App, with the test's slug and its own model."""
    slug = factories.unique("mycoindex")
    model = factories.make_model(model_server.base_url)
    text = (EXAMPLE / "mycoindex.yaml").read_text().replace("127.0.0.1:9000", price_api)
    text = text.replace("slug: mycoindex", f"slug: {slug}\ndefault_model: {model.name}\nmakes_titles: false")
    (tmp_path / "app.yaml").write_text(text)
    (tmp_path / "about.md").write_bytes((EXAMPLE / "about.md").read_bytes())
    done = manage("import_app", str(tmp_path / "app.yaml"), "--apply")
    assert done.code == 0, done.err
    app = App.objects.get(slug=slug)
    wait_until(lambda: Document.objects.filter(app=app, state=Document.State.READY).exists())
    return app


def test_the_tour(
    imported: App, server: Server, model_server: ModelServer, manage: Callable[..., Result], other_app: App
) -> None:
    key = manage("issue_key", imported.slug, "--label", "the tour").out.strip()
    model = ScriptedModel(model_server, imported.default_model.provider_model_id)
    marker = DocumentChunk.objects.get(app=imported, text__contains="0.35 percent").pk
    model.will(
        calls(("get_price", {"symbol": "ETH"}), ("search_documents", {"query": "What does holding the index cost?"})),
        says(f"ETH is at 3125.50 dollars; holding the index costs 0.35 percent a year [{marker}]."),
    )
    with Client(server.url, app=imported.slug, key=key) as client:
        snapshot = client.chat("What is ETH at, and what does the index cost?")
    price, passages = tool_results(model.prompts[-1])
    assert json.loads(price)["usd"] == 3125.5
    assert "0.35 percent a year" in passages
    (citation,) = snapshot["messages"][-1]["citations"]
    assert (citation["document"], citation["place"].split(",")[0]) == ("MyCoin Index", "MyCoin Index > Fees")
    call = OutboundCall.objects.get(app=imported)
    assert (call.tool, call.status, call.verdict) == ("get_price", 200, "answered")


def test_another_app_has_none_of_it(imported: App, server: Server, model_server: ModelServer, other_app: App) -> None:
    other = ScriptedModel(model_server, other_app.default_model.provider_model_id)
    marker = DocumentChunk.objects.filter(app=imported).values_list("pk", flat=True)[0]
    other.will(
        calls(("get_price", {"symbol": "ETH"}), ("search_documents", {"query": f"fees [{marker}]"})), says("I cannot.")
    )
    with Client(server.url, app=other_app.slug, key=factories.make_key(other_app).plain) as client:
        client.chat("What is ETH at, and what does the index cost?")
    offered = {tool["function"]["name"] for tool in other.requests[0]["tools"]}
    assert not offered & {"get_price", "search_documents"}
    results = [message["content"] for message in other.prompts[-1] if message["role"] == "tool"]
    assert all("no tool" in result for result in results), results
    assert not OutboundCall.objects.filter(app=other_app).exists()
