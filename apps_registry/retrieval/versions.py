"""Versions of documents: a release keeps searching the published version when the document changes.

A document that no release searches changes in place. A document that a release searches never changes: a new row gets
its name, and the old row is kept until the last such release is deleted. Callers lock the App's row, as publishing
does.
"""

from collections.abc import Collection

from django.db.models import F, QuerySet
from django.db.models.functions import Now

from apps_registry.models import App, AppRelease, Document, DocumentFile


def successor_of(document: Document) -> Document:
    """Return the row for a document's next content: the same row, or a new one if a release searches it."""
    if not pinned(document.app_id, [document.pk]):
        return document
    _set_aside(document.app_id, [document.pk])
    return Document.objects.create(
        app_id=document.app_id,
        name=document.name,
        title=document.title,
        tags=document.tags,
        language_choice=document.language_choice,
        content_hash=document.content_hash,
        size_bytes=document.size_bytes,
        queued_at=Now(),
    )


def drop_file(document: Document) -> None:
    """Delete the file of a version that is kept for releases after its ingest: releases only need its chunks."""
    if document.state == Document.State.READY:
        DocumentFile.objects.filter(document=document, document__app=document.app_id).delete()


def remove(documents: QuerySet[Document]) -> None:
    """Delete documents; those that releases search are only removed from the draft.

    Args:
        documents: documents of one App.
    """
    rows = list(documents)
    if not rows:
        return
    app_id = rows[0].app_id
    kept = pinned(app_id, [row.pk for row in rows])
    _set_aside(app_id, kept)
    for row in rows:
        if row.pk in kept:
            drop_file(row)
    Document.objects.filter(app=app_id, pk__in=[row.pk for row in rows]).delete()


def pinned(app_id: int, ids: Collection[int]) -> dict[int, list[int]]:
    """Return the numbers of the releases that search a document, by the document's id."""
    releases = AppRelease.objects.filter(app=app_id, document_ids__overlap=list(ids)).order_by("number")
    numbers_by_id: dict[int, list[int]] = {}
    for number, document_ids in releases.values_list("number", "document_ids"):
        for id_ in set(ids) & set(document_ids):
            numbers_by_id.setdefault(id_, []).append(number)
    return numbers_by_id


def draft_ids(app: App) -> list[int] | None:
    """Return the ids of the documents that the draft searches; None: all documents of the App.

    Until a new document has been ingested, its last ingested version is used.
    """
    versions = Document.versions.filter(app=app)
    if not versions.exclude(replaced_at=None).exists():
        return None
    names = versions.filter(replaced_at=None).values("name")
    newest = versions.filter(chunk_count__gt=0, name__in=names).order_by(
        "name", F("replaced_at").desc(nulls_first=True)
    )
    return list(newest.distinct("name").values_list("pk", flat=True))


def prune(app: App) -> int:
    """Delete versions that neither a release nor the draft searches; return their number."""
    needed = {id_ for ids in app.releases.values_list("document_ids", flat=True) for id_ in ids}
    needed |= set(draft_ids(app) or ())
    obsolete = Document.versions.filter(app=app).exclude(replaced_at=None).exclude(pk__in=needed)
    number = obsolete.count()
    obsolete.delete()
    return number


def _set_aside(app_id: int, ids: Collection[int]) -> None:
    Document.objects.filter(app=app_id, pk__in=list(ids)).update(replaced_at=Now())
