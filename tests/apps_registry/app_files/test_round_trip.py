"""Every App that the database can hold survives export and import."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps_registry.app_files.current import content_of
from apps_registry.app_files.reading import no_files, read_app_file
from apps_registry.app_files.writing import file_text
from apps_registry.mcp.definition import McpToolDefinition
from apps_registry.models import App, Model, Tool
from apps_registry.models.mcp import McpServer
from tests import factories
from tests.commands import Result
from tests.definitions import make_definition
from tests.made_examples import examples

# Everything that PostgreSQL stores: no NUL, no half of a surrogate pair. Braces would be placeholders.
ODD = [
    *("yes", "NO", "~", "null", "0x1f", "1_000", "012", "1e5", ".inf", ".NaN", "12:30", "2024-01-01", "<<", "=", ""),
    *("- a", "? b", "a: b", "# c", "%d", "@e", "`f", "!g", "&h", "*i", "|", ">", "'", '"', "\t", " lead", "trail "),
    *("a\r\nb\r", "\x1b[31m", "\x7f\x85\u2028\ufeff\ufffe", "\U0001f600", "x" * 2000, "---", "...", "a\n\n b\n", "\n"),
]
TEXT = st.one_of(
    st.sampled_from(ODD), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0{}"), max_size=60)
)
FLOATS = st.floats(-(2**62), 2**62)
DATA = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), FLOATS, TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXT, inner, max_size=4)),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def odd_app(database: str) -> App:
    app = factories.make_app()
    factories.make_http_tool(app, "https://api.example.com/")
    server = McpServer.objects.create(app=app, slug="m", url="https://mcp.example.com")
    Tool.objects.create(app=app, kind="mcp", name="m_t", mcp_server=server)
    return app


@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.tuples(TEXT, TEXT), data=st.tuples(DATA, DATA), price=st.decimals(0, 999_999, places=6), at=FLOATS)
def test_a_file_reads_back_as_the_app(
    odd_app: App, texts: tuple[str, str], data: tuple[Any, Any], price: Decimal, at: float
) -> None:
    (preamble, title), (body, options) = texts, data
    App.objects.filter(pk=odd_app.pk).update(preamble=preamble, name=title[:100] or "x", temperature=abs(at) % 2)
    Model.objects.filter(pk=odd_app.default_model_id).update(prompt_price=price, request_options={"a": options})
    definition = make_definition(
        "https://api.example.com/", description=f"x{title}", method="POST", body_type="json", body=body
    )
    http = odd_app.tools.get(kind="http")
    http.set_http_definition(definition)
    http.save()
    remote = McpToolDefinition("t", f"x{preamble}", {"type": "object", "properties": {}})
    odd_app.tools.filter(kind="mcp").update(definition=remote.as_text())
    app = App.objects.get(pk=odd_app.pk)
    file = read_app_file(file_text(app).encode(), no_files)
    assert file.content == content_of(app)
    model = Model.objects.get(pk=app.default_model_id)
    read = file.definitions.models[model.name]
    assert (Decimal(read["prompt_price"]), read["request_options"]) == (price, model.request_options)


def test_an_app_whose_model_has_prices_can_be_imported(manage: Callable[..., Result], app: App, tmp_path: Path) -> None:
    admin_client = Client()
    admin_client.force_login(factories.make_operator())
    model = app.default_model
    Model.objects.filter(pk=model.pk).update(prompt_price=Decimal("0.150000"), completion_price=Decimal("999999.5"))
    answer = admin_client.get(f"/admin/apps_registry/app/{app.pk}/export/")
    assert answer.status_code == 200
    assert "prompt_price: '0.15'" in answer.content.decode()
    name, file = factories.unique("priced"), tmp_path / "app.yaml"
    for written, price in (("'0.15'", "0.150000"), ("0.15", "0.150000"), ("2", "2.000000")):
        text = answer.content.decode().replace(model.name, f"{name}-{price}{len(written)}")
        text = text.replace(app.slug, f"{name}-{len(written)}").replace(
            "prompt_price: '0.15'", f"prompt_price: {written}"
        )
        file.write_text(text)
        done = manage("import_app", str(file), "--apply")
        assert done.code == 0, done.err
        made = App.objects.get(slug=f"{name}-{len(written)}").default_model
        assert (str(made.prompt_price), str(made.completion_price)) == (price, "999999.500000")
    exported = manage("export_app", app.slug)
    assert (exported.code, exported.out) == (0, answer.content.decode())
