"""Apps as files: exported, compared, applied once; wrong files are refused."""

import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from django.core.management import CommandError, call_command

from apps_registry.app_files.yaml_writer import dump
from apps_registry.mcp.definition import McpToolDefinition
from apps_registry.models import App, AppModel, Document, EmbeddingModel, Model, Provider, Tool
from apps_registry.models.mcp import McpServer
from apps_registry.support.text.yaml_reader import load_yaml
from tests import factories
from tests.apps_registry.retrieval import files
from tests.commands import Result

Run = Callable[..., Result]


@pytest.fixture
def rich_app(app: App) -> App:
    """An App with an example of everything."""
    App.objects.filter(pk=app.pk).update(
        preamble="Be brief.\n\n  Say 'no' often.  \n- always\n",
        temperature=0.5,
        retention_days=30,
        sessions_keep_release=True,
        allowed_hosts="127.0.0.1:9000\nprices.internal:80",
        only_hosts="api.example.com:443\nmcp.example.com:443",
        allowed_origins="https://www.example.com",
        refuses_other_origins=True,
        allowed_networks="192.0.2.0/24\n2001:db8::/32",
        trusts_backend_wallets=True,
        claimed_wallets_may_sign=True,
        document_language="german",
        embedding_model=EmbeddingModel.objects.get(provider=None, provider_model_id=""),
    )
    AppModel.objects.create(app=app, model=factories.make_model(), position=1)
    Tool.objects.filter(app=app, name="calculate").update(is_enabled=False)
    factories.make_http_tool(
        app,
        "https://api.example.com/v1/{{ secrets.PATH_TOKEN }}",
        method="POST",
        body={"text": "{{ args.text }}", "nested": ["1e5", "yes", 1, None, "2024-01-01"]},
        body_type="json",
        headers={"Authorization": "Bearer {{ secrets.API_TOKEN }}"},
    )
    Tool.objects.filter(app=app, name="fetch").update(needs_confirmation=True)
    server = McpServer.objects.create(app=app, slug="files", url="https://mcp.example.com/mcp", headers={"X": "y"})
    McpServer.objects.filter(pk=server.pk).update(instructions="Read, then write.", keeps_session=True)
    definition = McpToolDefinition("read", "Reads a file.", {"type": "object", "properties": {}})
    Tool.objects.create(
        app=app, kind="mcp", name="files_read", mcp_server=server, definition=definition.as_text(), is_enabled=False
    )
    Tool.objects.filter(app=app, kind__in=["http", "mcp"]).update(needs_confirmation=True)
    of_clients = Tool(app=app, is_enabled=False)
    of_clients.set_client_definition("get_position", "Where the user is.", {"type": "object", "properties": {}})
    of_clients.save()
    Tool.objects.create(app=app, name="wallet_tx_request")
    factories.make_secret(app, "API_TOKEN", "a-secret-value-of-the-tests")
    factories.make_document(app, "# Title\n\nA text.\r\n", name="guide/short.md", tags=["a", "b"])
    factories.make_document(app, "word " * 10_000, name="long.txt")
    factories.make_document(app, name="paper.pdf", data=files.pdf("A page."))
    return App.objects.get(pk=app.pk)


def read(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load(path.read_text())
    return data


def write(path: Path, data: Any) -> str:
    path.write_text(dump(data))
    return str(path)


@pytest.fixture
def exported(manage: Run, rich_app: App, tmp_path: Path) -> Path:
    path = tmp_path / "app.yaml"
    done = manage("export_app", rich_app.slug, "--output", str(path))
    assert done.code == 0, done.err
    return path


def test_a_file_has_all_but_secrets(exported: Path, rich_app: App) -> None:
    text, data = exported.read_text(), read(exported)
    assert "a-secret-value" not in text
    assert data["secrets"] == ["API_TOKEN", "PATH_TOKEN"]
    assert data["preamble"] == rich_app.preamble
    assert data["allowed_hosts"] == ["127.0.0.1:9000", "prices.internal:80"]
    assert data["allowed_networks"] == ["192.0.2.0/24", "2001:db8::/32"]
    assert (data["refuses_other_origins"], data["trusts_backend_wallets"]) == (True, True)
    assert data["only_hosts"] == ["api.example.com:443", "mcp.example.com:443"]
    assert data["mcp_servers"][0]["instructions"] == "Read, then write."
    assert data["mcp_servers"][0]["keeps_session"] is True
    assert "calculate" not in data["builtin_tools"]
    assert (data["claimed_wallets_may_sign"], "wallet_tx_request" in data["builtin_tools"]) == (True, True)
    (of_clients,) = data["client_tools"]
    assert (of_clients["name"], of_clients["is_enabled"]) == ("get_position", False)
    assert data["sessions_keep_release"] is True
    assert [tool["name"] for tool in data["http_tools"]] == ["fetch"]
    (mcp_tool,) = data["mcp_servers"][0]["tools"]
    assert mcp_tool["is_enabled"] is False
    assert (data["http_tools"][0]["needs_confirmation"], mcp_tool["needs_confirmation"]) == (True, True)
    by_name = {document["name"]: document for document in data["documents"]}
    assert by_name["guide/short.md"]["text"] == "# Title\n\nA text.\r\n"
    assert (exported.parent / by_name["paper.pdf"]["file"]).read_bytes().startswith(b"%PDF")
    assert {model["name"] for model in data["models"]} == {data["default_model"], *data["alternative_models"]}


def test_a_file_makes_the_same_app_elsewhere_once(
    exported: Path, manage_empty: Run, manage: Run, rich_app: App
) -> None:
    assert "no changes" in manage("import_app", str(exported), "--check").err
    first = manage_empty("import_app", str(exported))
    assert (first.code, f"+slug: {rich_app.slug}" in first.out) == (0, True)
    assert "nothing is changed without --apply" in first.err
    assert manage_empty("import_app", str(exported), "--check").code == 1
    done = manage_empty("import_app", str(exported), "--apply")
    assert done.code == 0, done.err
    assert (
        "Secrets to set on the App's page: API_TOKEN for api.example.com:443, PATH_TOKEN for api.example.com:443."
        in done.err
    )
    for arguments in (["--check"], ["--apply"]):
        again = manage_empty("import_app", str(exported), *arguments)
        assert (again.code, again.out, "no changes" in again.err) == (0, "", True)
    copy = exported.with_name("copy.yaml")
    assert manage_empty("export_app", rich_app.slug, "--output", str(copy)).code == 0
    assert copy.read_text().replace("copy-documents", "app-documents") == exported.read_text()


def test_a_changed_file_changes_what_differs_and_keeps_the_rest(
    exported: Path, manage: Run, rich_app: App, tmp_path: Path
) -> None:
    tool_id = rich_app.tools.get(name="fetch").pk
    document = rich_app.documents.get(name="long.txt").pk
    data = read(exported)
    data["preamble"] = "Be long."
    data["http_tools"][0]["description"] = "Fetches another thing."
    data["builtin_tools"] = ["calculate"]
    del data["temperature"], data["mcp_servers"]
    data["documents"] = [one for one in data["documents"] if one["name"] == "long.txt"]
    data["documents"].append({"name": "new.md", "text": "New."})
    path = write(exported, data)
    shown = manage("import_app", path)
    for line in ("-temperature: 0.5", "+  - calculate", "-  - name: guide/short.md", "+  - name: new.md"):
        assert line in shown.out.splitlines(), shown.out
    rich_app.refresh_from_db()
    assert rich_app.temperature == 0.5
    assert manage("import_app", path, "--apply").code == 0
    rich_app.refresh_from_db()
    assert rich_app.preamble == "Be long."
    assert App.objects.get(pk=rich_app.pk).temperature is None
    assert rich_app.tools.get(name="fetch").pk == tool_id
    assert "another thing" in rich_app.tools.get(name="fetch").definition
    assert list(rich_app.tools.filter(kind="builtin", is_enabled=True).values_list("name", flat=True)) == ["calculate"]
    assert not rich_app.mcp_servers.exists()
    assert dict(rich_app.documents.values_list("name", "pk"))["long.txt"] == document
    assert set(rich_app.documents.values_list("name", flat=True)) == {"long.txt", "new.md"}
    assert "no changes" in manage("import_app", path, "--apply").err


def test_existing_models_and_providers_are_not_changed(exported: Path, manage: Run, rich_app: App) -> None:
    data = read(exported)
    data["providers"][0]["base_url"] = "https://elsewhere.example.com/v1"
    assert "no changes" in manage("import_app", write(exported, data), "--apply").err
    assert not Provider.objects.filter(base_url__contains="elsewhere").exists()


def test_a_file_without_a_model_uses_the_default_apps(manage: Run, tmp_path: Path) -> None:
    slug = factories.unique("plain")
    path = write(tmp_path / "plain.yaml", {"slug": slug, "name": "Plain"})
    assert manage("import_app", path, "--apply").code == 0
    made = App.objects.get(slug=slug)
    assert made.default_model == App.objects.get(is_default=True).default_model
    App.objects.filter(pk=made.pk).update(default_model=factories.make_model())
    assert "no changes" in manage("import_app", path, "--check").err


LETTERS = "abcdefghij"
BOMB = "a: &a [x]\n" + "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in itertools.pairwise(LETTERS))
HTTP_TOOL = {
    "name": "x",
    "description": "Does x.",
    "parameters": {"type": "object", "properties": {}},
    "method": "GET",
    "url": "https://api.example.com/",
}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"preambel": "x"}, "preambel: there is no such field"),
        ({"name": 5}, "name: this must be text"),
        ({"name": ""}, "name: This field cannot be blank"),
        ({"slug": "No!"}, "slug: Use 2 to 40"),
        ({"temperature": 3}, "temperature: Ensure this value is less than or equal to 2"),
        ({"temperature": "0.5"}, "temperature: this must be a number"),
        ({"max_tool_rounds": True}, "max_tool_rounds: this must be a whole number"),
        ({"makes_titles": "yes"}, "makes_titles: this must be true or false"),
        ({"allowed_hosts": "127.0.0.1:9000"}, "allowed_hosts: this must be a list"),
        ({"allowed_hosts": ["nonsense"]}, "allowed_hosts: Write one host with its port"),
        ({"default_model": "no-such-model"}, "There is no model 'no-such-model'"),
        ({"embedding_model": "no-such-model"}, "embedding_model: there is no 'no-such-model'"),
        ({"builtin_tools": ["fly"]}, "builtin_tools: there is no fly"),
        ({"http_tools": [{**HTTP_TOOL, "colour": "red"}]}, "http_tools[0].colour: there is no such field"),
        (
            {"http_tools": [{"name": "x"}]},
            "http_tools[0].description: this is missing. http_tools[0].parameters: this is",
        ),
        ({"http_tools": [{**HTTP_TOOL, "method": "FLY"}]}, "http_tools[0].method: Use one of"),
        ({"http_tools": [{**HTTP_TOOL, "retries": "1"}]}, "http_tools[0].retries: this must be a whole number"),
        ({"http_tools": [HTTP_TOOL, {**HTTP_TOOL, "name": "X"}]}, "tools: x is listed twice"),
        ({"client_tools": [{"name": "x"}], "http_tools": [{**HTTP_TOOL, "name": "X"}]}, "tools: x is listed twice"),
        ({"client_tools": [{"name": "x y"}]}, "client_tools[0]: a name must have"),
        ({"client_tools": [{"name": "x", "parameters": {"type": "array"}}]}, "client_tools[0]: the parameters of 'x'"),
        ({"http_tools": {"a": 1}}, "http_tools: this must be a list"),
        ({"http_tools": ["a"]}, "http_tools[0]: this must be a mapping"),
        ({"mcp_servers": [{"prefix": "a", "url": "ftp://x"}]}, "mcp_servers[0].url: Write http"),
        ({"mcp_servers": [{"prefix": "a", "url": "https://x.example/", "color": 1}]}, "mcp_servers[0].color: there is"),
        ({"documents": [{"name": "a.md"}]}, "documents[0]: give one of text, file and sha256"),
        ({"documents": [{"name": "a.exe", "text": "x"}]}, "documents[0].name: this must be the name"),
        ({"documents": [{"name": "a.md", "file": "../../etc/passwd"}]}, "documents[0].file: the file ../../etc/passwd"),
        ({"documents": [{"name": "a.md", "file": "/etc/passwd"}]}, "is not below the App file's folder"),
        ({"documents": [{"name": "a.md", "file": "out.md"}]}, "is not below the App file's folder"),
        ({"documents": [{"name": "a.md", "file": "loop.md"}]}, "documents[0].file: the file loop.md cannot be read"),
        ({"documents": [{"name": "a.md", "file": "missing.md"}]}, "cannot be read: No such file"),
        ({"documents": [{"name": "a.md", "sha256": "0" * 64}]}, "the file does not contain a.md"),
        ({"documents": [{"name": "a.md", "text": "x", "tags": ["<b>"]}]}, "documents[0].tags: A tag has"),
        ({"preamble": "a\0b"}, "preamble: this contains characters"),
        ({"max_reply_tokens": 10**40}, "max_reply_tokens: this contains characters or a number"),
        ({"app_file": 2}, "app_file: this server reads files of format 1"),
        ({"models": [{"name": "m", "provider": "nobody", "provider_model_id": "m"}], "default_model": "m"}, "nobody"),
        ({"providers": [{"slug": "p", "base_url": "x", "api_key": "sk-1"}]}, "providers[0].api_key: there is no such"),
    ],
)
def test_what_is_wrong_is_refused_by_its_name(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    slug = factories.unique("wrong")
    data = {"slug": slug, "name": "Wrong", **changes}
    (tmp_path / "out.md").symlink_to("/etc/passwd")
    (tmp_path / "loop.md").symlink_to("loop.md")
    with pytest.raises(CommandError, match=re.escape(words)):
        call_command("import_app", write(tmp_path / "app.yaml", data), "--apply")
    assert not App.objects.filter(slug=slug).exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"slug: a\nname: [1,\n", "it is not YAML in line 3"),
        (b"slug: one\nname: x\nslug: two\n", "'slug' occurs twice, the second time in line 3"),
        (b"slug: ab\nname: \xff\n", "line 2 is not UTF-8"),
        (b"- a\n", "The file must be a mapping"),
        (b"", "it is empty"),
        (b"slug: !!python/object:os.system x\n", "a tag without a JSON type"),
        (b"1: 2\n", "the name 1 must be text"),
        (BOMB.encode(), "its aliases or its nesting make it too large"),
        (b"name: " + b"x" * (5 * 2**20), "larger than 4 MB"),
    ],
    ids=range(9),
)
def test_a_file_that_is_not_an_app_file_is_refused_with_its_line(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "app.yaml").write_bytes(content)
    with pytest.raises(CommandError, match=re.escape(words)):
        call_command("import_app", str(tmp_path / "app.yaml"), "--apply")


def test_a_failed_import_changes_nothing(manage: Run, rich_app: App, exported: Path) -> None:
    """If the last step fails (a document that cannot be moved), all earlier steps are undone."""
    data = read(exported)
    one, two = data["documents"][0], data["documents"][1]
    one["name"], two["name"] = "swapped.md", one["name"]
    data["preamble"] = "Not to be seen."
    data["models"].append({"name": factories.unique("m"), "provider": data["providers"][0]["slug"]})
    data["models"][-1] |= {"provider_model_id": "m", "context_window": 1}
    done = manage("import_app", write(exported, data), "--apply")
    assert "context_window" in done.err
    rich_app.refresh_from_db()
    assert rich_app.preamble != "Not to be seen."
    assert not Model.objects.filter(name=data["models"][-1]["name"]).exists()
    assert not Document.objects.filter(app=rich_app, name="swapped.md").exists()


def test_every_text_can_be_read_back() -> None:
    texts = ["", " a", "a\n", "\na", "a\r\nb", "yes", "1e5", "0o7", "1_000", ".5", "~", "null", "- a", "a: b", "# a"]
    texts += ["a #b", "<<", "=", "2024-01-01", "12:30", "\ufeffa", "a\u2028b", "a\x85b", "\x1b[31m", "  a\n b\n"]
    texts += ["a  \nb", "a\n\n\n", "|", "é\n😀", "x" * 300, "word " * 60, "%YAML", "---", "...", "a\n---\nb"]
    texts += ["'", '"', "\t", "a\tb\n"]
    data = {"list": texts, **{f"k{index}": text for index, text in enumerate(texts)}, "numbers": [1, 1.5, 1e20, True]}
    assert load_yaml(dump(data), unique_keys=True) == data
    assert orjson.dumps(load_yaml(dump(texts))) == orjson.dumps(texts)
