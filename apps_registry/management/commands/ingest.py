"""`manage.py ingest`: adds files, folders and zip archives to the documents of an App."""

import asyncio
import os
from argparse import ArgumentParser, ArgumentTypeError
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from apps_registry.extraction.blocks import MAX_FILE_BYTES, MIB
from apps_registry.extraction.names import ARCHIVE, KINDS, is_ignored, suffix
from apps_registry.management.base import TeachingCommand, apps_named, first_message
from apps_registry.models import App, Document
from apps_registry.models.document import LANGUAGES, validate_tag
from apps_registry.retrieval.ingest import ingest_next
from apps_registry.retrieval.uploads import Outcome, add_upload, cancel, outdated, requeue
from apps_registry.support import database
from apps_registry.support.text.charsets import codec_of

POLL_SECONDS = 0.3


class Command(TeachingCommand):
    """Queues documents, and with --wait ingests them."""

    help = """\
Add files to the documents of an App: text, HTML, PDF, Office, OpenDocument, RTF, books, messages and data
(docs/documents.md lists them), zips of these, and folders with everything readable below them.

A running server ingests them in the background; --wait ingests them in this command and reports the result of each. A
file with the name of an existing document replaces it after its ingest; a file whose content the App already has is
skipped.

--again reads the documents again that an older version of the server read, of one App or of all: their stored files,
no paths. Releases keep the texts that they were published with. --cancel ends the ingest of an App's documents that
are not read yet.
"""
    examples = """\
examples:
  python manage.py ingest mycoindex handbook.pdf faq.md
  python manage.py ingest mycoindex docs/ --tag docs --tag v2 --wait
  python manage.py ingest mycoindex manuals.zip --wait --json
  python manage.py ingest mycoindex prices.csv --encoding shift_jis
  python manage.py ingest --again --wait
  python manage.py ingest mycoindex --cancel
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("app", nargs="?", metavar="APP", help="slug of the App; may be left out with --again")
        parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="a file, a folder or a zip")
        parser.add_argument("--tag", action="append", default=[], help="a tag for the documents; may be repeated")
        parser.add_argument(
            "--language", choices=LANGUAGES, default="", metavar="NAME", help="their language, if not as the App says"
        )
        parser.add_argument(
            "--encoding",
            type=_codec,
            metavar="NAME",
            help="the encoding of texts that are not Unicode, such as shift_jis or windows-1252; default: detected",
        )
        parser.add_argument("--wait", action="store_true", help="ingest them now, and report the result of each")
        instead = parser.add_mutually_exclusive_group()
        instead.add_argument("--again", action="store_true", help="read again what an older version of the server read")
        instead.add_argument(
            "--cancel", action="store_true", help="cancel the ingest of documents that are not read yet"
        )
        self.add_json_argument(parser)

    def handle(self, *_args: object, **options: Any) -> None:
        """Queue the files, wait if requested, and report; the exit code is 1 if a file has no document."""
        if options["again"] or options["cancel"]:
            self._handle_stored(**options)
            return
        if not options["app"] or not options["paths"]:
            raise CommandError("Name an App, and files, folders or zips; or use --again.")
        (app,) = apps_named([options["app"]])
        try:
            for tag in options["tag"]:
                validate_tag(tag)
        except ValidationError as error:
            raise CommandError(first_message(error)) from None
        outcomes = [outcome for path in options["paths"] for outcome in _add(app, path, options)]
        if options["wait"]:
            asyncio.run(_ingest_all([outcome.document.pk for outcome in outcomes if outcome.document], app))
        self._report([_row(outcome) for outcome in outcomes], as_json=options["json"])

    def _handle_stored(self, **options: Any) -> None:
        """Read documents again, or cancel their ingest."""
        if options["paths"] or (options["cancel"] and not options["app"]):
            raise CommandError("--again takes an App or nothing, --cancel takes an App; neither takes paths.")
        app = apps_named([options["app"]])[0] if options["app"] else None
        documents = Document.objects.filter(app=app) if app else Document.objects.all()
        if options["cancel"]:
            pending = documents.filter(state__in=[Document.State.QUEUED, Document.State.PROCESSING])
            chosen = list(pending.order_by("app__slug", "name"))
            cancel(Document.objects.filter(pk__in=[row.pk for row in chosen]))
        else:
            chosen = list(outdated(documents).order_by("app__slug", "name"))
            requeue(Document.objects.filter(pk__in=[row.pk for row in chosen]))
        # A document that a release searches has a new row by now, with the same name.
        rows = [Document.objects.filter(app=row.app_id, name=row.name).first() or row for row in chosen]
        if options["wait"]:
            asyncio.run(_ingest_all([row.pk for row in rows], app))
        self._report([_row(Outcome(row.name, row)) for row in rows], as_json=options["json"])

    def _report(self, rows: list[dict[str, Any]], *, as_json: bool) -> None:
        if as_json:
            self.write_json(rows)
        else:
            for row in rows:
                detail = row["note"] or (f"{row['chunks']} chunks" if row["state"] == "ready" else "")
                self.stdout.write(f"{row['state']:<10}  {row['name']}{'  ' if detail else ''}{detail}")
                for loss in row["losses"] or ():
                    self.stdout.write(f"{'':<10}  - {loss['note']}")
            counts = Counter(row["state"] for row in rows)
            self.stdout.write((", ".join(f"{number} {state}" for state, number in counts.items()) or "None") + ".")
        if failed := [row for row in rows if row["state"] in {"refused", "failed"}]:
            raise CommandError(f"{len(failed)} of {len(rows)} files could not be added.")


def _codec(charset: str) -> str:
    try:
        return codec_of(charset)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def _add(app: App, path: Path, options: Mapping[str, Any]) -> Iterator[Outcome]:
    for file, name in _files(path):
        try:
            too_large = file.stat().st_size > MAX_FILE_BYTES
            if too_large:
                yield Outcome(name, None, f"The file is larger than {MAX_FILE_BYTES // MIB} MB.")
            else:
                about = {"tags": options["tag"], "language": options["language"], "encoding": options["encoding"] or ""}
                yield from add_upload(app, name=name, data=file.read_bytes(), **about)
        except OSError as error:
            yield Outcome(name, None, f"The file cannot be opened: {error.strerror}.")


def _files(path: Path) -> Iterator[tuple[Path, str]]:
    """Yield the file at a path, or the files of known types in a folder, sorted, each with its document name."""
    if not path.is_dir():
        yield path, path.name
        return
    top = path.resolve().name
    for folder, folders, names in os.walk(path):
        folders.sort()
        for name in sorted(names):
            relative = (Path(folder) / name).relative_to(path).as_posix()
            if not is_ignored(relative) and suffix(name) in {*KINDS, ARCHIVE}:
                yield Path(folder) / name, f"{top}/{relative}"


async def _ingest_all(document_ids: list[int], app: App | None) -> None:
    """Ingest, in parallel to a running server, until every document is finished; `app`: only those of this App."""
    await database.open_pool()
    try:
        while await _has_pending(document_ids):
            if not await ingest_next(app.pk if app else None):
                await asyncio.sleep(POLL_SECONDS)  # a server's worker is processing the rest
    finally:
        await database.close_pool()


async def _has_pending(document_ids: list[int]) -> bool:
    rows = await database.read(
        """SELECT 1 FROM apps_registry_document d JOIN apps_registry_app a ON a.id = d.app_id
        WHERE d.id = ANY(%(document_ids)s) AND (
            d.state IN ('queued', 'processing')
            OR d.state = 'ready' AND d.warning = '' AND d.embedding_model_id IS DISTINCT FROM a.embedding_model_id
        ) LIMIT 1""",
        {"document_ids": document_ids},
    )
    return bool(rows)


def _row(outcome: Outcome) -> dict[str, Any]:
    """Return the current state of a file's document; losses are None while its ingest has not ended."""
    document = outcome.document and Document.objects.filter(pk=outcome.document.pk).first()
    if document is None:
        return {"name": outcome.name, "id": None, "state": "refused", "chunks": 0, "note": outcome.note, "losses": []}
    note = document.error or outcome.note or document.warning
    is_pending = document.state in {Document.State.QUEUED, Document.State.PROCESSING}
    losses = document.losses if document.state == Document.State.READY else []
    return {
        "name": outcome.name,
        "id": document.pk,
        "state": str(document.state),
        "chunks": document.chunk_count,
        "note": note,
        "losses": None if is_pending else losses,
    }
