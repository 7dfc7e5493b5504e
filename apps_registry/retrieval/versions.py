"""Versions of documents: what a release searches stays as it was published, whatever becomes of the document.

A document that no release searches changes in place. One that a release searches is never touched: a new row takes
its name, and the old one is kept until the last such release is deleted. The callers hold the App's row, as those
who publish do.
"""

from collections.abc import Collection

from django.db.models import F, QuerySet
from django.db.models.functions import Now

from apps_registry.models import App, AppRelease, Document, DocumentFile


def successor_of(document: Document) -> Document:
    """Return the row that a document's next content goes into: its own, or a new one beside what a release searches."""
    if not pinned(document.app_id, [document.pk]):
        return document
    _set_aside(document.app_id, [document.pk])
    return Document.objects.create(
        app_id=document.app_id,
        name=document.name,
        title=document.title,
        tags=document.tags,
        content_hash=document.content_hash,
        size_bytes=document.size_bytes,
        queued_at=Now(),
    )


def drop_file(document: Document) -> None:
    """Delete the file of a version that is kept for releases, once it is read: they search its chunks."""
    if document.state == Document.State.READY:
        DocumentFile.objects.filter(document=document, document__app=document.app_id).delete()


def remove(documents: QuerySet[Document]) -> None:
    """Delete documents; those that releases search are only taken from the draft.

    Args:
        documents: of one App.
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
    """Return those of an App's documents that releases search, with the numbers of the releases."""
    releases = AppRelease.objects.filter(app=app_id, document_ids__overlap=list(ids)).order_by("number")
    found: dict[int, list[int]] = {}
    for number, document_ids in releases.values_list("number", "document_ids"):
        for id_ in set(ids) & set(document_ids):
            found.setdefault(id_, []).append(number)
    return found


def draft_ids(app: App) -> list[int] | None:
    """Return the ids of what the draft searches; None: everything that the App has.

    A document that is not read yet is stood in for by its last version that was.
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
    """Delete the versions that neither a release nor the draft searches any more; return how many."""
    needed = {id_ for ids in app.releases.values_list("document_ids", flat=True) for id_ in ids}
    needed |= set(draft_ids(app) or ())
    gone = Document.versions.filter(app=app).exclude(replaced_at=None).exclude(pk__in=needed)
    number = gone.count()
    gone.delete()
    return number


def _set_aside(app_id: int, ids: Collection[int]) -> None:
    Document.objects.filter(app=app_id, pk__in=list(ids)).update(replaced_at=Now())
