"""Accepts uploads: each file, or each file in a zip archive, becomes a queued document of its App."""

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from asgiref.sync import async_to_sync
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet, Sum
from django.db.models.functions import Now

from apps_registry.extraction import READER_VERSION
from apps_registry.extraction.blocks import MAX_FILE_BYTES, MIB, UnreadableError, clean_line
from apps_registry.extraction.child import unpack_to
from apps_registry.extraction.names import ARCHIVE, KINDS, MAX_NAME_CHARS, READABLE, suffix
from apps_registry.extraction.unpack import read_frames
from apps_registry.models import App, Document, DocumentFile
from apps_registry.retrieval.conversion import to_utf8
from apps_registry.retrieval.versions import drop_file, successor_of


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of an upload of one file.

    Attributes:
        name: name of the file.
        document: its document; None if the file was refused.
        note: why the file was not queued; empty if it was.
    """

    name: str
    document: Document | None
    note: str = ""

    @property
    def is_queued(self) -> bool:
        return self.document is not None and self.document.state == Document.State.QUEUED


def add_upload(
    app: App, *, name: str, data: bytes, tags: Sequence[str] = (), language: str = "", encoding: str = ""
) -> list[Outcome]:
    """Queue a file, or all readable files of a zip archive.

    Args:
        app: the App that gets the documents.
        name: name of the file, with or without folders; a document with this name is replaced after the ingest.
        data: content of the file.
        tags: tags for new documents, and for existing ones unless empty.
        language: one of LANGUAGES, for new documents, and for existing ones unless empty; empty: the App's language.
        encoding: Python's codec of texts that are not Unicode; empty: it is declared or detected.
    """
    about: dict[str, Any] = {"tags": list(tags)} if tags else {}
    about |= {"language_choice": language} if language else {}
    try:
        if suffix(name) == ARCHIVE:
            return _add_archive(app, name, data, about, encoding)
        return [_add_file(app, name, data, about, encoding)]
    except UnreadableError as error:
        return [Outcome(name, None, str(error))]


def outdated(documents: QuerySet[Document]) -> QuerySet[Document]:
    """Return those of the documents that an older version of the reader read, or could not read."""
    finished = [Document.State.READY, Document.State.FAILED]
    return documents.filter(state__in=finished, reader_version__lt=READER_VERSION)


def cancel(documents: QuerySet[Document]) -> int:
    """Cancel the ingest of documents that wait for it or are being read, and return their number.

    The worker that reads one notices at the next renewal of its lease, at most a second later, and ends the child
    process. Search finds the text of the last successful ingest.

    Args:
        documents: documents in any state.
    """
    pending = documents.filter(state__in=[Document.State.QUEUED, Document.State.PROCESSING])
    return pending.update(
        state=Document.State.CANCELLED, progress=0, lease_id=None, lease_expires_at=None, attempts=0, retry_at=None
    )


@transaction.atomic
def requeue(documents: QuerySet[Document]) -> int:
    """Queue documents for another ingest of their stored files, and return their number.

    Search finds the old chunks until the new ones are stored.

    A document that a release searches gets a new version.

    Args:
        documents: documents in any state.
    """
    apps = App.objects.filter(pk__in=documents.values("app"))
    list(apps.select_for_update(no_key=True).order_by("pk"))  # prevents publishing in the meantime
    renewed = sum(_queue_new_version(document) for document in documents.filter(state=Document.State.READY))
    return renewed + documents.update(
        state=Document.State.QUEUED,
        progress=0,
        error="",
        warning="",
        lease_id=None,
        lease_expires_at=None,
        attempts=0,
        retry_at=None,
        queued_at=Now(),
    )


def _queue_new_version(document: Document) -> bool:
    """Queue a new version of a document that a release searches; return False if no release does."""
    new_version = successor_of(document)
    if new_version.pk == document.pk:
        return False
    DocumentFile.objects.filter(document=document, document__app=document.app_id).update(document=new_version)
    return True


def _add_archive(app: App, name: str, data: bytes, about: Mapping[str, Any], encoding: str) -> list[Outcome]:
    _check_size(data)
    prefix = name[: -len(ARCHIVE)]
    with tempfile.TemporaryFile() as out:
        async_to_sync(unpack_to)(data, out)
        outcomes = []
        taken: set[str] = set()
        for member, can_be_read, offset, length in read_frames(out):
            out.seek(offset)
            name = _free_name(f"{prefix}/{member}"[-MAX_NAME_CHARS:], taken)
            content = out.read(length)
            try:
                if not can_be_read:
                    raise UnreadableError(content.decode())
                outcomes.append(_add_file(app, name, content, about, encoding))
            except UnreadableError as error:
                outcomes.append(Outcome(name, None, str(error)))
    if not outcomes:
        raise UnreadableError(f"The zip contains no readable file: {READABLE}.")
    return outcomes


def _free_name(name: str, taken: set[str]) -> str:
    """Return the name, with a number if another file of the zip archive has it, and reserve it.

    A zip archive may contain a name twice; the second file would then replace the first.
    """
    ending = PurePosixPath(name).suffix
    free, number = clean_line(name), 1
    while free in taken:
        number += 1
        numbered = f" ({number}){ending}"
        free = clean_line(name.removesuffix(ending))[: MAX_NAME_CHARS - len(numbered)] + numbered
    taken.add(free)
    return free


def _add_file(app: App, name: str, data: bytes, about: Mapping[str, Any], encoding: str) -> Outcome:
    name = clean_line(name)[-MAX_NAME_CHARS:]
    if suffix(name) not in KINDS:
        raise UnreadableError(f"Files of this type cannot be read. Supported types: {READABLE}.")
    _check_size(data)
    data = to_utf8(name, data, encoding)
    digest = hashlib.sha256(data).hexdigest()
    with transaction.atomic():
        app = App.objects.select_for_update(no_key=True).get(pk=app.pk)  # serialises uploads of the same file
        twin = Document.objects.filter(app=app, content_hash=digest).first()
        if twin and twin.name != name:
            return Outcome(name, twin, f"The App already has this content as {twin.name}.")
        if twin and twin.state not in {Document.State.FAILED, Document.State.CANCELLED}:
            changed = {field: value for field, value in about.items() if value != getattr(twin, field)}
            if changed:
                Document.objects.filter(pk=twin.pk).update(**changed)
            return Outcome(name, twin, "The App already has this file, unchanged.")
        _check_limit(app, name, len(data))
        return Outcome(name, _queue(app, name, data, digest, about))


def _check_limit(app: App, name: str, size: int) -> None:
    """Refuse a file that would take the App's files over its limit; the file that it replaces does not count."""
    limit = settings.DOCUMENTS_LIMIT_MB if app.documents_limit_mb is None else app.documents_limit_mb
    others = Document.objects.filter(app=app).exclude(name=name)
    total = size + (others.aggregate(total=Sum("size_bytes"))["total"] or 0)
    if total > limit * MIB:
        raise UnreadableError(
            f"With this file, the App's documents would have {total / MIB:,.1f} MB; its limit is {limit:,} MB. Delete "
            "some, or raise the limit on the App's page."
        )


def _queue(app: App, name: str, data: bytes, digest: str, about: Mapping[str, Any]) -> Document:
    values = {"content_hash": digest, "size_bytes": len(data), **about}
    existing = Document.objects.filter(app=app, name=name).first()
    if existing and successor_of(existing).pk != existing.pk:
        drop_file(existing)
    document, _ = Document.objects.update_or_create(
        app=app, name=name, defaults=values, create_defaults={**values, "title": name[:200], "queued_at": Now()}
    )
    DocumentFile.objects.update_or_create(document=document, defaults={"data": data})
    requeue(Document.objects.filter(app=app, pk=document.pk))
    document.state = Document.State.QUEUED
    return document


def _check_size(data: bytes) -> None:
    if not data:
        raise UnreadableError("The file is empty.")
    if len(data) > MAX_FILE_BYTES:
        raise UnreadableError(f"The file is larger than {MAX_FILE_BYTES // MIB} MB.")


def split_tags(text: str) -> list[str]:
    """Return the tags in a comma-separated text without duplicates."""
    return list(dict.fromkeys(filter(None, map(clean_line, text.split(",")))))
