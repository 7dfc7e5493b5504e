"""Search by meaning in several languages, and what an embedding model for one language does with others."""

import json
from collections.abc import Callable

import pytest
from django.test import Client as AdminClient

from apps_registry.models import App, EmbeddingModel
from apps_registry.retrieval.analysis.languages import possible_languages
from tests.apps_registry.retrieval.conftest import Ingest
from tests.apps_registry.retrieval.embedding_server import EmbeddingServer
from tests.commands import Result

Manage = Callable[..., Result]
HANDBOOK = {
    "a.txt": "Die Kündigungsfrist beträgt vier Wochen zum Monatsende.",
    "b.txt": "Der Tarif für Elektroautos ist nachts um die Hälfte günstiger.",
    "c.txt": "SIMカードを盗まれたときは、電話窓口で停止できます。",
    "d.txt": "每次催款收取手续费两元五角。",
}


def asked(manage: Manage, app: App, query: str) -> tuple[list[str], str]:
    result = json.loads(manage("search_documents", app.slug, query, "--json").out)
    return [passage["document"] for passage in result["passages"]], result["warning"]


@pytest.mark.thorough
def test_the_embedded_multilingual_model_finds_by_meaning_across_languages(
    ingest: Ingest, manage: Manage, app: App
) -> None:
    model = EmbeddingModel.objects.get(provider=None, provider_model_id="use-multilingual-v3")
    App.objects.filter(pk=app.pk).update(embedding_model=model)
    assert {row["note"] for row in ingest(HANDBOOK)} == {""}
    for query, document in {
        "How long is the notice period to cancel my contract?": "a.txt",
        "¿Cuánto cuesta cargar el coche por la noche?": "b.txt",
        "Mein Handy wurde gestohlen": "c.txt",
        "What is the fee for a reminder of payment?": "d.txt",
    }.items():
        documents, warning = asked(manage, app, query)
        assert (documents[0], warning) == (document, ""), query
    documents, warning = asked(manage, app, "Πόσο διαρκεί η προθεσμία;")
    assert documents == []
    assert "does not know the language of the query" in warning


def test_a_model_of_one_language_is_not_asked_in_another(
    ingest: Ingest, manage: Manage, app: App, embedding_model: EmbeddingModel, embedding_server: EmbeddingServer
) -> None:
    EmbeddingModel.objects.filter(pk=embedding_model.pk).update(languages=["english"])
    App.objects.filter(pk=app.pk).update(embedding_model=embedding_model)
    ingest({"a.txt": "The doctor buys a car."})
    embedding_server.requests.clear()
    for query in ("保险费", "Was kostet das Auto und wer kauft es?", "стоимость"):
        documents, warning = asked(manage, app, query)
        assert (documents, "does not know the language" in warning) == ([], True), query
    assert embedding_server.requests == []
    for query in ("physician automobile", "4711 AX"):
        documents, warning = asked(manage, app, query)
        assert (documents, warning) == (["a.txt"], ""), query


def test_the_languages_of_a_model_are_set_on_its_page(
    admin_client: AdminClient, embedding_model: EmbeddingModel
) -> None:
    page = f"/admin/apps_registry/embeddingmodel/{embedding_model.pk}/change/"
    assert admin_client.post(page, {"name": embedding_model.name, "languages": "english, german"}).status_code == 302
    embedding_model.refresh_from_db()
    assert embedding_model.languages == ["english", "german"]
    refused = admin_client.post(page, {"name": embedding_model.name, "languages": "klingon"}).content.decode()
    assert "Search does not recognise a language &#x27;klingon&#x27;" in refused


def test_one_frequent_word_does_not_determine_the_language_of_a_query() -> None:
    assert possible_languages("Gebühr pro Mahnung") > {"german", "english"}
    assert "english" in possible_languages("Do programs stop after a while, do they?")
    assert possible_languages("Wie lange ist die Frist?") == {"german"}
    assert possible_languages("解約") == {"chinese", "japanese"}
    assert possible_languages("4711") > {"german", "chinese"}
