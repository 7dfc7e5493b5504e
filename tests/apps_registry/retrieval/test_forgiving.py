"""Search forgives typing errors, and knows parts of compounds."""

from apps_registry.models import App
from tests.apps_registry.retrieval.conftest import Ask, Ingest

GERMAN = {
    "a.txt": "Die Kündigungsfrist beträgt vier Wochen zum Monatsende, und das Schreiben ist zu unterschreiben.",
    "b.txt": "Den Zählerstand lesen Sie selbst ab und tragen ihn in das Formular ein.",
    "c.txt": "Der Termin mit dem Techniker ist nicht kostenlos, wenn er verschoben wird.",
    "d.txt": "Die Öffnungszeiten der Häuser stehen im Fenster und auf der Seite.",
}
DUTCH = "De opzegtermijn is een maand en de verzekeringspolis ligt bij het kantoor."
ENGLISH = "The certificate of the gateway expires in May. Renew the certificates for each address."


def first(ask: Ask, query: str) -> str:
    passages = ask(query)["passages"]
    assert passages, query
    return str(passages[0]["text"])


def test_parts_of_compounds_find_each_other(ingest: Ingest, ask: Ask) -> None:
    ingest({**GERMAN, "nl.txt": DUTCH})
    for query in ("Frist", "Fristen", "Kündigung", "Kuendigungsfrist", "Kündigungsfristen"):
        assert first(ask, query) == GERMAN["a.txt"], query
    assert first(ask, "Zähler") == GERMAN["b.txt"]
    assert first(ask, "Technikertermin") == GERMAN["c.txt"]
    for query in ("Oeffnungszeiten", "Zeiten", "Haus"):
        assert first(ask, query) == GERMAN["d.txt"], query
    for query in ("termijn", "verzekering", "polis"):
        assert first(ask, query) == DUTCH, query


def test_typing_errors_are_forgiven_if_words_find_little(ingest: Ingest, ask: Ask, app: App, other_app: App) -> None:
    ingest({**GERMAN, "en.txt": ENGLISH})
    ingest({"x.txt": "The certifikate is unknown to the others."}, into=other_app)
    for query in ("certifcate", "gatway", "certifcate of the gatway", "adress"):
        assert first(ask, query) == ENGLISH, query
    for query in ("Kündigungsfirst", "Zaehlerstnad"):
        assert ask(query)["passages"][0]["text"] in {GERMAN["a.txt"], GERMAN["b.txt"]}, query
    assert ask("zygote")["passages"] == []
    assert "gateway" in first(ask, "gateway certifcate")
