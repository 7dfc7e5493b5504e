"""`manage.py search_documents` prints what the model would get."""

import json
from collections.abc import Callable

from apps_registry.models import App
from tests.apps_registry.retrieval.conftest import Ask, Ingest
from tests.commands import Result

Manage = Callable[..., Result]


def test_the_passages_of_the_model_are_printed_best_first(ingest: Ingest, ask: Ask, manage: Manage, app: App) -> None:
    ingest({"a.md": "# Ferries\n\nThe ferry leaves at noon.", "b.md": "# Trains\n\nThe train meets the ferry."})
    done = manage("search_documents", app.slug, "ferry", "--json")
    assert done.code == 0, done.err
    result = json.loads(done.out)
    expected = ask("ferry")
    assert result["warning"] == ""
    assert result["note"] == expected["note"]
    passages = [{key: passage[key] for key in expected["passages"][0]} for passage in result["passages"]]
    assert passages == expected["passages"]
    assert result["passages"][0]["by_words"] > result["passages"][1]["by_words"]
    assert result["passages"][0]["by_meaning"] is None
    printed = manage("search_documents", app.slug, "ferry").out
    assert printed.index("Ferries (Ferries, line 3), found by words") < printed.index("The train meets the ferry.")


def test_tags_and_releases_narrow_the_search(ingest: Ingest, manage: Manage, app: App) -> None:
    ingest({"a.txt": "The gate opens at nine."}, "--tag", "old")
    assert manage("publish_app", app.slug).code == 0
    ingest({"a.txt": "The gate opens at ten."})
    assert "ten" in manage("search_documents", app.slug, "gate").out
    assert "nine" in manage("search_documents", app.slug, "gate", "--release", "1").out
    assert "Nothing was found." in manage("search_documents", app.slug, "gate", "--tag", "new").out


def test_what_is_wrong_is_named(manage: Manage, app: App) -> None:
    assert "There is no App 'none'" in manage("search_documents", "none", "x").err
    assert "has no release 7. Releases: none yet." in manage("search_documents", app.slug, "x", "--release", "7").err
    assert "Write a question" in manage("search_documents", app.slug, " ").err


def test_a_document_cannot_command_the_terminal(ingest: Ingest, manage: Manage, app: App) -> None:
    ingest({"a.txt": "The gate \x1b[2J\x9b31m is red."})
    printed = manage("search_documents", app.slug, "gate").out
    assert "is red." in printed
    assert not {"\x1b", "\x9b"} & {*printed}
