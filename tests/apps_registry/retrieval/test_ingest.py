"""The background ingest: visible, resumed after a crash, replaced in one step, with nothing lost or repeated."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection
from django.db.models.functions import Now

from apps_registry.models import App, Document, DocumentChunk, DocumentFile
from apps_registry.retrieval.uploads import add_upload, requeue
from tests.apps_registry.retrieval import files
from tests.apps_registry.retrieval.conftest import Ingest
from tests.commands import Result, run_manage
from tests.product import Server
from tests.waiting import wait_until


def only(app: App) -> Document:
    return Document.objects.get(app=app)


def test_a_server_ingests_what_is_queued(
    server: Server, manage: Callable[..., Result], app: App, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("alpha")
    done = manage("ingest", app.slug, str(tmp_path / "a.txt"))
    assert "queued      a.txt" in done.out or "ready" in done.out
    wait_until(lambda: (only(app).state, only(app).lease_id) == (Document.State.READY, None))  # the lease ends last
    document = only(app)
    assert (document.chunk_count, document.progress, document.error) == (1, 100, "")
    assert document.ingested_at is not None


def test_the_same_content_is_not_added_twice(ingest: Ingest, app: App) -> None:
    ingest({"a.txt": "alpha"})
    before = only(app).ingested_at
    (again,) = ingest({"a.txt": "alpha"}, "--tag", "new")
    assert again["note"] == "The App already has this file, unchanged."
    (copy,) = ingest({"copy.txt": "alpha"})
    assert copy["note"] == "The App already has this content as a.txt."
    assert (only(app).ingested_at, only(app).tags) == (before, ["new"])


def test_another_app_may_have_the_same_file(ingest: Ingest, app: App, other_app: App) -> None:
    ingest({"a.txt": "alpha"})
    (row,) = ingest({"a.txt": "alpha"}, into=other_app)
    assert (row["state"], row["note"]) == ("ready", "")
    assert row["id"] != only(app).pk


def test_a_new_version_replaces_the_old_in_one_step(ingest: Ingest, app: App) -> None:
    """At every moment, a reader sees either all old chunks or all new ones."""
    ingest({"a.txt": "\n\n".join(["old " * 300] * 5)})
    identity, seen = only(app).pk, set()

    def look() -> None:
        chunks = DocumentChunk.objects.filter(app=app).values_list("text", flat=True)
        seen.add((len(chunks), "".join(sorted({text[:3] for text in chunks}))))

    add_upload(app, name="a.txt", data="\n\n".join(["new " * 300] * 3).encode())
    assert only(app).pk == identity
    look()
    (row,) = ingest({"b.txt": "later"})  # the worker ingests this after the other one
    wait_until(lambda: only_named(app, "a.txt").state == Document.State.READY)
    Document.objects.filter(pk=row["id"]).delete()
    look()
    assert seen == {(5, "old"), (3, "new")}


def only_named(app: App, name: str) -> Document:
    return Document.objects.get(app=app, name=name)


def test_a_failed_new_version_leaves_the_old_one_found(ingest: Ingest, app: App) -> None:
    ingest({"a.pdf": files.pdf("Good.")})
    (row,) = ingest({"a.pdf": b"%PDF-1.4 nonsense"})
    assert row["state"] == "failed"
    assert DocumentChunk.objects.get(app=app).text == "Good."
    ingest({"a.pdf": files.pdf("Better.")})
    assert DocumentChunk.objects.get(app=app).text == "Better."
    assert only(app).error == ""


@pytest.mark.thorough
def test_an_ingest_that_died_is_continued_by_another_worker(
    start: Callable[..., Server], environment: dict[str, str], app: App
) -> None:
    """kill -9 of a worker during an ingest; after the lease, another worker repeats it."""
    lease = {"INGEST_LEASE_SECONDS": "2"}
    doomed = start(workers=1, **lease)
    pages = [f"Page {number}. " + "Words and more words. " * 120 for number in range(150)]
    add_upload(app, name="long.pdf", data=files.pdf(*pages))
    wait_until(lambda: only(app).state == Document.State.PROCESSING or only(app).chunk_count > 0)
    doomed.kill()
    done = run_manage("ingest", app.slug, str(write(doomed, "b.txt")), "--wait", environment={**environment, **lease})
    assert done.code == 0, done.err
    wait_until(lambda: settle(app, {**environment, **lease}))
    assert only_named(app, "long.pdf").state == Document.State.READY
    positions = DocumentChunk.objects.filter(document__name="long.pdf", app=app).values_list("position", flat=True)
    assert sorted(positions) == list(range(len(positions)))


def write(server: Server, name: str) -> Path:
    path = server.log_path.parent / name
    path.write_text("beside")
    return path


def settle(app: App, environment: dict[str, str]) -> bool:
    """Ingest as a worker would; return whether the long document is done."""
    path = Path(environment["AOMI_DATA_DIR"]) / "settle.txt"
    path.write_text(str(time.monotonic()))
    run_manage("ingest", app.slug, str(path), "--wait", environment=environment)
    return only_named(app, "long.pdf").state == Document.State.READY


def test_a_file_that_crashes_its_reader_is_abandoned(ingest: Ingest, app: App) -> None:
    document = Document.objects.create(
        app=app, name="deadly.txt", title="d", content_hash="x", size_bytes=1, queued_at=Now(), attempts=3
    )
    DocumentFile.objects.create(document=document, data=b"x")
    ingest({"b.txt": "later"})
    wait_until(lambda: only_named(app, "deadly.txt").state == Document.State.FAILED)
    assert "abandoned" in only_named(app, "deadly.txt").error


def test_ingesting_again_keeps_what_is_found(ingest: Ingest, app: App) -> None:
    ingest({"a.txt": "alpha"})
    requeue(Document.objects.filter(app=app))
    assert DocumentChunk.objects.filter(app=app).count() == 1
    ingest({"b.txt": "later"})
    wait_until(lambda: only_named(app, "a.txt").state == Document.State.READY)
    assert DocumentChunk.objects.filter(app=app, document__name="a.txt").count() == 1


def test_invalid_files_and_tags_are_refused(manage: Callable[..., Result], app: App, tmp_path: Path) -> None:
    assert "There is no App" in manage("ingest", "no-such-app", str(tmp_path)).err
    missing = manage("ingest", app.slug, str(tmp_path / "absent.txt"), "--json")
    assert missing.code == 1
    assert "cannot be opened" in json.loads(missing.out)[0]["note"]
    assert "A tag has" in manage("ingest", app.slug, str(tmp_path), "--tag", "a,b!").err


@pytest.mark.thorough
def test_without_pgvector_the_tables_are_made_and_search_is_by_words(
    environment: dict[str, str], database: str, tmp_path: Path
) -> None:
    """A role that may not create extensions simulates a PostgreSQL without pgvector."""
    name = "no_extension_" + tmp_path.name.replace("-", "_")[-20:].lower()
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'plain'")
        cursor.execute(f"CREATE DATABASE {name}")
        cursor.execute(f"REVOKE CREATE ON DATABASE {name} FROM {name}, PUBLIC")
    own = {**environment, "DATABASE_URL": as_role(database, connection.settings_dict["NAME"], name)}
    try:
        grant(own, database, name)
        assert run_manage("migrate", "-v0", environment=own).err == ""
        seed = (
            "from tests.factories import make_app as m; from apps_registry.models import *; e = EmbeddingModel.objects"
        )
        run_manage(
            "shell", "-c", f"{seed}; m(slug='plain-app', embedding_model=e.get(provider_model_id=''))", environment=own
        )
        (tmp_path / "a.txt").write_text("alpha")
        done = run_manage("ingest", "plain-app", str(tmp_path / "a.txt"), "--wait", "--json", environment=own)
        (row,) = json.loads(done.out)
        assert (row["state"], row["chunks"]) == ("ready", 1)
        assert "does not have pgvector" in row["note"]
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
            cursor.execute(f"DROP ROLE {name}")


def as_role(url: str, database_name: str, name: str) -> str:
    """The address of the role's database, as that role."""
    rest = url.split("://", 1)[1].split("@", 1)[1]
    return f"postgresql://{name}:plain@{rest}".replace(f"/{database_name}", f"/{name}", 1)


def grant(own: dict[str, str], url: str, name: str) -> None:
    """Let the role create tables, but no extensions."""
    import psycopg

    with psycopg.connect(url.replace(f"/{connection.settings_dict['NAME']}", f"/{name}", 1), autocommit=True) as admin:
        admin.execute(f"GRANT ALL ON SCHEMA public TO {name}")
