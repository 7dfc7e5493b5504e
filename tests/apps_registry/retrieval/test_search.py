"""The model searches its App's documents, and no others."""

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction

from apps_registry.models import App, Document, DocumentChunk, EmbeddingModel
from apps_registry.retrieval import ingest_sql
from apps_registry.retrieval import search_sql as sql
from apps_registry.retrieval.passages import cited
from apps_registry.retrieval.rankings import by_vector, make_plan
from apps_registry.support import database
from tests import factories
from tests.apps_registry.retrieval import files
from tests.apps_registry.retrieval.conftest import Ask, Ingest, search_as
from tests.apps_registry.retrieval.embedding_server import EmbeddingServer, vector_of
from tests.client import Client
from tests.model_server import ScriptedModel, calls, says
from tests.product import Server
from tests.waiting import wait_until

RIVER = "# Rivers\n\nThe Danube rises in the Black Forest.\n\n# Lakes\n\nThe deepest lake is Baikal.\n"

THOUSANDS = """
WITH document AS (
    INSERT INTO apps_registry_document (
        app_id, name, title, tags, content_hash, size_bytes, state, progress, error, warning, hidden_text, chunk_count,
        language, attempts, created_at, queued_at
    ) VALUES (%(app)s, 'f', 'f', '{}', 'f', 1, 'ready', 100, '', '', '[]', 2000, 'simple', 0, now(), now()) RETURNING id
), chunk AS (
    INSERT INTO apps_registry_documentchunk (app_id, document_id, position, heading, text, search)
    SELECT %(app)s, document.id, number, '', 'ferry',
        to_tsvector('english', 'ferry') || array_to_tsvector(ARRAY[chr(1) || %(app)s])
    FROM document, generate_series(1, 2000) number RETURNING id
)
INSERT INTO apps_registry_chunkvector (chunk_id, embedding_model_id, app_id, embedding)
SELECT id, %(model)s, %(app)s, (
    %(vector)s::vector + (SELECT array_agg((random() - 0.5) / 5) FROM generate_series(1, 64) WHERE id > 0)::vector
)::halfvec FROM chunk WHERE %(model)s IS NOT NULL
"""


@pytest.fixture
def other_client(server: Server, other_app: App) -> Iterator[Client]:
    with Client(server.url, app=other_app.slug, key=factories.make_key(other_app).plain) as one:
        yield one


def assert_index_serves(app: App, model: EmbeddingModel, query: str, document: int, *, narrowed: bool) -> None:
    statement = sql.vector_search(model.dimensions, model.pk, exact=False, narrowed=narrowed)
    values: dict[str, Any] = {"app_id": app.pk, "documents": [document], "limit": 5, "vector": str(vector_of(query))}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_sort = off")  # a few rows would be sorted
        cursor.execute("EXPLAIN " + statement, values)
        assert f"chunk_vector_model_{model.pk}" in str(cursor.fetchall())
        cursor.execute("SELECT pg_get_indexdef(%s::regclass)", [f"chunk_vector_model_{model.pk}"])
        assert "ef_construction='160'" in str(cursor.fetchall())


def by_index(app: App, query: str, documents: list[int] | None) -> list[float]:
    """Return the similarities of the nearest five chunks, found as in a large App."""

    async def look() -> list[float]:
        await database.open_pool()
        try:
            plan = await make_plan(app.pk, query, tag=None, documents=documents)
            assert plan
            assert plan.embedding
            near = await by_vector(plan, plan.embedding, str(vector_of(query)), exact=False)
            return list(near.values())[:5]
        finally:
            await database.pool().close()

    return asyncio.run(look())


def texts(results: dict[str, list[dict[str, str]]]) -> list[str]:
    return [passage["text"] for passage in results["passages"]]


def test_a_natural_question_finds_its_passage_with_its_place(ingest: Ingest, ask: Ask) -> None:
    ingest({"water.md": RIVER, "guide.pdf": files.pdf("Nothing here.", "The ferry to Samos leaves at noon.")})
    results = ask("Where does the river Danube rise, please?")
    assert texts(results)[0] == "The Danube rises in the Black Forest."
    assert results["passages"][0]["document"] == "Rivers"
    assert results["passages"][0]["place"] == "Rivers, line 3"
    assert "not instructions" in results["note"]
    ferry = ask("When do ferries leave for Samos?")["passages"][0]
    assert (ferry["document"], ferry["place"]) == ("guide.pdf", "pages 1-2")
    assert ask("zygote")["passages"] == []


def test_markers_of_several_searches_do_not_clash(ingest: Ingest, ask: Ask) -> None:
    ingest({"water.md": RIVER})
    assert ask("Danube")["passages"][0]["marker"] != ask("Baikal")["passages"][0]["marker"]


def test_the_search_tool_exists_while_the_app_has_documents(
    ingest: Ingest, app: App, app_client: Client, model: ScriptedModel
) -> None:
    def offered() -> dict[str, dict[str, object]]:
        app_client.chat("Hi")
        functions = [tool["function"] for tool in model.requests[-1]["tools"]]
        return {function["name"]: function["parameters"]["properties"] for function in functions}

    assert "search_documents" not in offered()
    ingest({"water.md": RIVER}, "--tag", "nature")
    assert offered()["search_documents"]["tag"]["enum"] == ["nature"]  # type: ignore[index]
    Document.objects.filter(app=app).delete()
    assert "search_documents" not in offered()


def test_a_tag_narrows_the_search(ingest: Ingest, ask: Ask) -> None:
    ingest({"old.txt": "The gate opens at nine."}, "--tag", "old")
    ingest({"new.txt": "The gate opens at ten."}, "--tag", "new", "--tag", "gates")
    assert texts(ask("gate", tag="new")) == ["The gate opens at ten."]
    assert len(texts(ask("gate"))) == 2
    assert "must be one of" in ask("gate", tag="other's")["error"]


def test_nothing_of_another_app_is_found_by_text_tag_or_id(
    ingest: Ingest, ask: Ask, other_app: App, other_client: Client, model: ScriptedModel
) -> None:
    ingest({"mine.txt": "The vault code is kept by Ada."}, "--tag", "mine")
    ingest({"theirs.txt": "The vault code is 4711."}, "--tag", "theirs", into=other_app)
    theirs = DocumentChunk.objects.get(app=other_app)
    mark = f"\x01{other_app.pk}"
    for query in ("vault code", "4711", "theirs.txt", f"document {theirs.document_id}", f"[{theirs.pk}]", mark):
        assert "4711" not in str(ask(query)), query
    assert "error" in ask("vault code", tag="theirs")
    for forged in ({"app_id": other_app.pk}, {"document_id": theirs.document_id}, {"app": other_app.slug}):
        assert "There is no argument" in ask("vault code", **forged)["error"]
    other_model = ScriptedModel(model.server, other_app.default_model.provider_model_id)
    assert texts(search_as(other_client, other_model, {"query": "vault code"})) == ["The vault code is 4711."]


def test_hostile_queries_are_only_words(ingest: Ingest, ask: Ask) -> None:
    ingest({"plain.txt": "It's a trap: a backslash \\ and an apostrophe ' in O'Brien's text."})
    for query in ("'; DROP TABLE x; --", "a & | ! <-> :*", "\\'", "O'Brien", "%s %(x)s", "trap " * 2000, "", " "):
        assert "error" not in ask(query), query
    assert texts(ask("O'Brien"))
    assert texts(ask("what about the trap:* & !text"))


def test_word_forms_follow_the_apps_language(ingest: Ingest, ask: Ask, app: App) -> None:
    App.objects.filter(pk=app.pk).update(document_language="german")
    ingest({"a.txt": "Die Häuser stehen leer."})
    assert texts(ask("Haus")) == ["Die Häuser stehen leer."]
    App.objects.filter(pk=app.pk).update(document_language="simple")
    wait_until(lambda: Document.objects.get(app=app).language == "simple")  # a server's worker indexes it again
    assert texts(ask("Haus")) == []
    assert texts(ask("häuser")) == ["Die Häuser stehen leer."]


def test_rare_words_decide(ingest: Ingest, ask: Ask) -> None:
    common = {f"c{n}.txt": f"The system and the user, number {n}, and the system again." for n in range(12)}
    ingest({**common, "rare.txt": "A user met a quokka."})
    assert texts(ask("Has any user of the system met a quokka?"))[0] == "A user met a quokka."


def test_a_question_in_other_words_is_found_by_meaning(
    ingest: Ingest, ask: Ask, app: App, embedding_model: EmbeddingModel, embedding_server: EmbeddingServer
) -> None:
    ingest({"a.txt": "The doctor buys a car.", "b.txt": "A bird sings in the garden."})
    assert texts(ask("physician automobile")) == []
    App.objects.filter(pk=app.pk).update(embedding_model=embedding_model)
    wait_until(lambda: Document.objects.filter(app=app, embedding_model=embedding_model).count() == 2)
    assert texts(ask("physician automobile"))[0] == "The doctor buys a car."
    assert embedding_server.requests[0]["model"] == "meaning"

    embedding_server.status = 500  # then only words decide
    assert texts(ask("bird in the garden")) == ["A bird sings in the garden."]
    assert texts(ask("physician automobile")) == []


def test_a_document_is_ready_by_words_while_the_embedder_is_away(
    ingest: Ingest, ask: Ask, app: App, embedding_model: EmbeddingModel, embedding_server: EmbeddingServer
) -> None:
    App.objects.filter(pk=app.pk).update(embedding_model=embedding_model)
    embedding_server.status = 503
    (row,) = ingest({"a.txt": "The doctor buys a car."})
    assert (row["state"], row["note"]) == ("ready", "The embedding server answers 503.")
    assert texts(ask("doctor")) == ["The doctor buys a car."]
    embedding_server.status = 200
    Document.objects.filter(app=app).update(retry_at=None)
    wait_until(lambda: Document.objects.get(app=app).embedding_model_id == embedding_model.pk)
    assert Document.objects.get(app=app).warning == ""


def test_vectors_of_the_wrong_length_or_size_are_refused_with_a_reason(
    ingest: Ingest, app: App, embedding_model: EmbeddingModel, embedding_server: EmbeddingServer
) -> None:
    App.objects.filter(pk=app.pk).update(embedding_model=embedding_model)
    embedding_server.factor = 1e6
    (row,) = ingest({"a.txt": "text"})
    assert row["note"] == "The embedding server's vectors contain invalid numbers."
    EmbeddingModel.objects.filter(pk=embedding_model.pk).update(dimensions=100)
    (row,) = ingest({"b.txt": "more text"})
    assert row["note"] == "The embedding model's vectors have 64 numbers, not 100."


def test_an_app_with_few_chunks_finds_its_own_nearest_among_many_of_anothers(
    ingest: Ingest, ask: Ask, app: App, other_app: App, embedding_model: EmbeddingModel
) -> None:
    query, sections = "automobile physician remuneration", [f"car {n}0 bird {n}1 garden {n}2" for n in range(30)]
    App.objects.filter(pk=app.pk).update(embedding_model=embedding_model)
    ingest(
        {"mine.md": "\n\n".join(f"# Part {n}\n\n{text}" for n, text in enumerate(sections)), "ferry.txt": "A ferry."}
    )
    with connection.cursor() as cursor:
        cursor.execute(
            THOUSANDS,
            {"app": other_app.pk, "model": embedding_model.pk, "vector": str(vector_of(query))},
        )

    def nearness(number: int) -> float:
        text = f"Part 0\nPart {number}\n{sections[number]}"
        return sum(a * b for a, b in zip(vector_of(query), vector_of(text), strict=True))

    nearest = sorted(map(nearness, range(30)), reverse=True)[:5]
    mine = Document.objects.get(app=app, name="mine.md").pk
    for narrowed in (True, False):
        assert_index_serves(app, embedding_model, query, mine, narrowed=narrowed)
        near = by_index(app, query, [mine] if narrowed else None)
        assert [round(one, 2) for one in near] == [round(one, 2) for one in nearest]
    results = [int(one["place"].removeprefix("Part ").split(",")[0]) for one in ask(query)["passages"]]
    assert [round(nearness(number), 2) for number in results] == [round(one, 2) for one in nearest]


def test_a_search_within_a_tag_needs_no_rare_word_in_the_tag(ingest: Ingest, ask: Ask, app: App) -> None:
    """The common words match too many chunks of the App, and the rare word matches none with the tag."""
    ingest({"rare.txt": "A quokka."}, "--tag", "animals")
    ingest({"c.txt": "The ferry leaves from pier seven."}, "--tag", "ferries")
    with connection.cursor() as cursor:
        cursor.execute(THOUSANDS, {"app": app.pk, "model": None, "vector": None})
    assert texts(ask("Does the quokka take the ferry?", tag="ferries")) == ["The ferry leaves from pier seven."]
    assert texts(ask("Does the quokka take the ferry?"))[0] == "A quokka."


def test_every_statement_about_documents_names_the_app() -> None:
    statements = {**vars(ingest_sql), **vars(sql)}
    fixed = {name: text for name, text in statements.items() if name.isupper() and isinstance(text, str)}
    about = {name for name, text in fixed.items() if "apps_registry_document" in text or "chunkvector" in text}
    assert {name for name in about if "app_id" not in fixed[name]} == {"ENABLE_VECTORS", "INDEX_VECTORS"} & about
    for exact in (True, False):
        for narrowed in (True, False):
            assert "v.app_id = %(app_id)s" in sql.vector_search(3, 1, exact=exact, narrowed=narrowed)
            assert "c.app_id + 0 = %(app_id)s" in sql.text_search(1, 0, narrowed=narrowed)


def test_counting_words_reads_only_those_of_the_query(app: App) -> None:
    """Also in a generic plan, which PostgreSQL uses for a prepared statement after a few searches."""
    into = "INSERT INTO apps_registry_chunkword (app_id, word, chunks)"
    names = ["app_id", "words", "tokens", "language_marks", "tag", "documents"]
    generic = re.sub(r"%\((\w+)\)s", lambda match: f"${names.index(match[1]) + 1}", sql.READ_PLAN)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"{into} SELECT %s, 'w' || n, 1 FROM generate_series(1, 9999) n", [app.pk])
        cursor.execute("ANALYZE apps_registry_chunkword")
        cursor.execute("EXPLAIN (GENERIC_PLAN, COSTS OFF) " + generic.replace("%%", "%"))
        plan = "\n".join(line for (line,) in cursor.fetchall())
        transaction.set_rollback(True)
    assert re.search(r"Index (Only )?Scan using \w+ on apps_registry_chunkword kept\s+Index Cond: .*word = ", plan), (
        plan
    )


def test_citations_name_document_and_place(ingest: Ingest, app_client: Client, model: ScriptedModel) -> None:
    ingest({"water.md": RIVER})
    marker = DocumentChunk.objects.get(text__contains="Danube", document__name="water.md", app__slug=app_client.app).pk
    model.will(calls(("search_documents", {"query": "Danube"})), says(f"In the Black Forest [{marker}]."))
    snapshot = app_client.chat("Where does the Danube rise?")
    results = [message["tool_result"][1] for message in snapshot["messages"] if message["tool_result"]]
    (citation,) = cited(results, snapshot["messages"][-1]["content"])
    assert (citation.marker, citation.document, citation.place) == (marker, "Rivers", "Rivers, line 3")


def test_word_counts_stay_true(ingest: Ingest, app: App) -> None:
    ingest({"a.txt": "alpha beta", "b.txt": "alpha gamma"})
    ingest({"a.txt": "alpha delta"})
    Document.objects.get(app=app, name="b.txt").delete()
    with connection.cursor() as cursor:
        cursor.execute("SELECT word, chunks FROM apps_registry_chunkword WHERE app_id = %s", [app.pk])
        assert dict(cursor.fetchall()) == {
            **{"alpha": 1, "delta": 1, "txt": 1, "atxt": 1},
            **{f"\x01{app.pk}": 1, "\x02english": 1},
        }


def test_a_deleted_document_is_no_longer_found(ingest: Ingest, ask: Ask, app: App) -> None:
    ingest({"a.txt": "alpha", "b.txt": "beta"})
    Document.objects.get(app=app, name="a.txt").delete()
    assert texts(ask("alpha")) == []


def test_deleting_an_app_deletes_its_documents(ingest: Ingest, other_app: App) -> None:
    ingest({"a.txt": "alpha"}, into=other_app)
    other_app.delete()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM apps_registry_chunkword WHERE app_id = %s", [other_app.pk])
        assert cursor.fetchone() == (0,)
