"""Isolation of Apps: every statement names its App, and an App cannot reach anything of another App."""

import json
import re
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from apps_registry.models import App, Document, DocumentChunk, OutboundCall
from tests import factories
from tests.client import Client
from tests.model_server import ModelServer, ScriptedModel, calls, refuses, says, tool_results
from tests.product import Server
from tests.sql_proxy import SqlProxy
from tests.upstream import Upstream, echo
from tests.waiting import wait_until

# Rows of these tables belong to one App; a statement that does not name the App could reach another App's rows.
OF_AN_APP = re.compile(
    r"apps_registry_(tool|secret|mcpserver|openapi\w+|document\w*|chunk\w+|appmodel|outboundcall)\b|sessions_app_turn\b"
)
# `+ 0` keeps the planner from an index; the filter is the same.
NAMES_THE_APP = re.compile(
    r'\bapp_id"?( \+ 0)?\s*(=|IN)\s*\(?\s*(\$\d+|\d+)|\bapps_registry_app a\b.*\ba\.id = \$\d+', re.DOTALL
)
# Session ids are unique among all Apps; the App is compared before anything of a session is shown or changed.
NAMES_THE_SESSION = re.compile(r"\b(id|session_id|running_turn)\s*=\s*\$\d+|unnest\(\$1::uuid\[\]")
# The ingest takes any App's document, and names its App from then on. The upkeep, which runs during longer tests,
# finds the expired turns of all Apps.
LOOKS_FOR_WORK = re.compile(r"SKIP LOCKED|\bpaused_until < clock_timestamp\(\)")


@pytest.fixture
def furnish(upstream: Upstream) -> Callable[[App, str], None]:
    """Gives an App a tool, a secret and a document, with the same names in each App: furnish(app, "its own word")."""
    upstream.handle = echo

    def give(app: App, word: str) -> None:
        App.objects.filter(pk=app.pk).update(allowed_hosts=upstream.host)
        factories.make_secret(app, "TOKEN", f"secret-of-{word}", hosts=upstream.host)
        url = f"{upstream.url}/{word}"
        factories.make_http_tool(app, url, name="look_up", headers={"X-Token": "{{ secrets.TOKEN }}"})
        document = factories.make_document(app, f"The password is {word}.", name="notes.txt")
        wait_until(lambda: Document.objects.filter(pk=document.pk, state=Document.State.READY).exists())

    return give


def model_of(app: App, model_server: ModelServer) -> ScriptedModel:
    return ScriptedModel(model_server, app.default_model.provider_model_id)


def talk(server: Server, app: App) -> Client:
    return Client(server.url, app=app.slug, key=factories.make_key(app).plain)


@pytest.fixture
def apps(furnish: Callable[[App, str], None], app: App, other_app: App) -> dict[str, App]:
    """Two furnished Apps, by their own words."""
    by_word = {"aardvark": app, "badger": other_app}
    for word, one in by_word.items():
        furnish(one, word)
    return by_word


@pytest.fixture
def recorded(start: Callable[..., Server], database: str) -> Iterator[tuple[Server, SqlProxy]]:
    """A separate server whose statements are recorded."""
    proxy = SqlProxy(database)
    yield start(DATABASE_URL=proxy.url), proxy
    proxy.close()


def test_every_statement_of_a_run_names_its_app(
    recorded: tuple[Server, SqlProxy], apps: dict[str, App], model_server: ModelServer, upstream: Upstream
) -> None:
    server, proxy = recorded
    for one in apps.values():
        searched = calls(("look_up", {}), ("search_documents", {"query": "password"}))
        model_of(one, model_server).will(searched, says("Done."), searched, says("Done."))
    proxy.statements.clear()

    def run(client: Client) -> None:
        with client:
            client.chat("What is the password?")
            client.chat("And again?")
            client.state()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run, [talk(server, one) for one in apps.values()]))

    for word, one in apps.items():
        other = next(iter(apps.keys() - {word}))
        prompts = json.dumps(model_of(one, model_server).prompts)
        assert f"The password is {word}" in prompts
        assert other not in prompts
        sent = [request.headers["X-Token"] for request in upstream.received if request.path == f"/{word}"]
        assert sent == [f"secret-of-{word}"] * 2

    about = {text for text in proxy.statements if OF_AN_APP.search(text) and not LOOKS_FOR_WORK.search(text)}
    for table in ("tool", "secret", "documentchunk", "appmodel", "outboundcall"):
        assert any(f"apps_registry_{table}" in text for text in about), f"no statement reads {table}"
    nameless = [text for text in about if not NAMES_THE_APP.search(text) and not _is_otherwise_bound(text)]
    assert nameless == []


def _is_otherwise_bound(text: str) -> bool:
    """Inserted rows contain their App; ids of turns and sessions are unique among all Apps."""
    is_insert = re.search(r'INSERT INTO \S+\s+(AS session )?\([^)]*\bapp_id"?[,)]', text) is not None
    return is_insert or ("sessions_app_" in text and NAMES_THE_SESSION.search(text) is not None)


def test_a_tool_of_another_app_cannot_be_named(
    server: Server, app: App, other_app: App, furnish: Callable[[App, str], None], model_server: ModelServer
) -> None:
    furnish(app, "cormorant")
    model = model_of(other_app, model_server)
    model.will(calls(("look_up", {}), ("search_documents", {"query": "password"})), says("No."))
    with talk(server, other_app) as client:
        client.chat("Try")
    results = tool_results(model.prompts[-1])
    assert [json.loads(result)["error"].split(";")[0] for result in results] == [
        "there is no tool 'look_up'",
        "there is no tool 'search_documents'",
    ]
    assert not OutboundCall.objects.filter(app=app).exists()


def test_a_document_of_another_app_cannot_be_reached_by_its_ids(
    server: Server, app: App, other_app: App, furnish: Callable[[App, str], None], model_server: ModelServer
) -> None:
    furnish(app, "dormouse")
    furnish(other_app, "elk")
    chunk = DocumentChunk.objects.get(app=app)
    queries = ["dormouse", f"[{chunk.pk}]", f"document {chunk.document_id}", f"\x01{app.pk}"]
    model = model_of(other_app, model_server)
    model.will(calls(*(("search_documents", {"query": query}) for query in queries)), says("No."))
    with talk(server, other_app) as client:
        client.chat("Try")
    results = [message["content"] for message in model.prompts[-1] if message["role"] == "tool"]
    assert len(results) == len(queries)
    assert "The password is dormouse" not in "".join(results)


def test_a_template_cannot_use_a_secret_of_another_app(
    server: Server, app: App, other_app: App, model_server: ModelServer, upstream: Upstream
) -> None:
    factories.make_secret(app, "ONLY_MINE", "secret-of-ferret", hosts=upstream.host)
    App.objects.filter(pk=other_app.pk).update(allowed_hosts=upstream.host)
    factories.make_http_tool(other_app, f"{upstream.url}/x", name="steal", headers={"X": "{{ secrets.ONLY_MINE }}"})
    model = model_of(other_app, model_server)
    model.will(calls(("steal", {})), says("No."))
    with talk(server, other_app) as client:
        client.chat("Try")
    (result,) = [message["content"] for message in model.prompts[-1] if message["role"] == "tool"]
    assert "error" in result
    assert "ferret" not in result
    assert upstream.received == []


def test_a_session_of_another_app_cannot_be_touched(
    server: Server, app: App, other_app: App, model_server: ModelServer
) -> None:
    model_of(app, model_server).will(says("The word is gazelle."))
    session_id = str(uuid.uuid4())
    with talk(server, app) as mine, talk(server, other_app) as theirs:
        mine.session_id = theirs.session_id = session_id
        mine.chat("Tell me")
        for method, path in [
            ("POST", "/api/chat?message=hi"),
            ("POST", f"/api/chat?message=hi&app={other_app.slug}"),
            ("GET", "/api/state"),
            ("GET", "/api/events"),
            ("GET", "/api/updates"),
            ("POST", "/api/interrupt"),
            ("GET", "/api/control/models"),
            ("POST", "/api/control/model?rig=x"),
            ("POST", f"/api/sessions/{session_id}/archive"),
            ("PATCH", f"/api/sessions/{session_id}"),
            ("DELETE", f"/api/sessions/{session_id}"),
        ]:
            answer = theirs.request(method, path)
            assert answer.status_code in {400, 401, 403, 404, 409, 422}, (method, path, answer.status_code)
            assert "gazelle" not in answer.text, (method, path)
        assert "gazelle" in json.dumps(mine.state())


def test_a_turn_of_another_app_is_not_repeated_by_its_key(
    server: Server, app: App, other_app: App, model_server: ModelServer
) -> None:
    """Its text is not shown, and a failed one is not repeated with another App's instructions and tools."""
    own, others = model_of(app, model_server), model_of(other_app, model_server)
    with talk(server, app) as owner, talk(server, other_app) as intruder, Client(server.url) as nobody:
        intruder.session_id = nobody.session_id = owner.session_id

        def ask(client: Client, key: str) -> int:
            query = {"message": "Hi", **({"app": client.app} if client.app else {})}
            return client.request("POST", "/api/chat", params=query, headers={"Idempotency-Key": key}).status_code

        own.will(says("Between us."), refuses(400), says("At last."))
        assert [ask(owner, key) for key in ("said", "failed")] == [200, 502]
        assert [ask(intruder, key) for key in ("said", "failed")] == [403, 403]
        assert ask(nobody, "said") == 401
        nobody.app = App.objects.get(is_default=True).slug
        assert [ask(nobody, key) for key in ("said", "failed")] == [403, 403]
        assert ask(owner, "failed") == 200
    assert (len(own.requests), len(others.requests)) == (3, 0)
