"""Writes an App's file: short texts among its documents stand in it, all others beside it."""

import difflib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from apps_registry.app_files.content import AppContent, DocumentContent
from apps_registry.app_files.current import content_of
from apps_registry.app_files.definitions import definitions_of
from apps_registry.app_files.entries import FORMAT
from apps_registry.app_files.yaml_writer import dump
from apps_registry.extraction.names import KINDS, suffix
from apps_registry.models import App, DocumentFile

# A text that people would still read in the file; a file full of them stays far below what is read.
MAX_INLINE_BYTES = 32_000
MAX_INLINE_TOTAL = 1_000_000
CONTEXT_LINES = 2
_INLINE_KINDS = frozenset({"text", "markdown", "html"})


def write_file(app: App, path: Path) -> list[Path]:
    """Write an App's file, and its other documents into a folder beside it.

    Args:
        app: the App.
        path: the file; one that is there is replaced.

    Returns:
        The files written, the App file first.

    Raises:
        OSError: one cannot be written.
    """
    folder = path.parent / f"{path.stem}-documents"
    places: dict[str, str] = {}
    written = [path]
    content = content_of(app)
    texts = _inline_texts(app, content)
    for document in content.documents:
        if document.sha256 not in texts:
            folder.mkdir(exist_ok=True)
            place = folder / f"{document.sha256[:8]}-{PurePosixPath(document.name).name[-80:]}"
            file = DocumentFile.objects.get(document=app.documents.get(content_hash=document.sha256))
            place.write_bytes(bytes(file.data))
            places[document.sha256] = place.relative_to(path.parent).as_posix()
            written.append(place)
    path.write_text(_text(app, content, texts, places), encoding="utf-8")
    return written


def file_text(app: App) -> str:
    """Return an App's file alone; of documents that are no short text it has the SHA-256."""
    content = content_of(app)
    return _text(app, content, _inline_texts(app, content), {})


def content_text(content: AppContent) -> str:
    """Return the text by which two contents are compared for people."""
    return dump(content.as_data())


def content_diff(before: AppContent | None, wanted: AppContent) -> list[str]:
    """Return the lines that differ with some around them, each beginning with -, + or a blank."""
    lines = difflib.unified_diff(
        content_text(before).splitlines() if before else [],
        content_text(wanted).splitlines(),
        n=CONTEXT_LINES,
        lineterm="",
    )
    return [line for line in lines if not line.startswith(("--- ", "+++ "))]


def _text(app: App, content: AppContent, texts: Mapping[str, str], places: Mapping[str, str]) -> str:
    used = [app.default_model, *(row.model for row in app.appmodel_set.select_related("model__provider"))]
    data: dict[str, Any] = {"app_file": FORMAT, **content.as_data()}
    if content.documents:
        data["documents"] = [_document(document, texts, places) for document in content.documents]
    if names := content.secrets():
        data["secrets"] = sorted(names)
    return dump({**data, **definitions_of(used, app.embedding_model).as_data()})


def _document(document: DocumentContent, texts: Mapping[str, str], places: Mapping[str, str]) -> dict[str, Any]:
    data = document.as_data()
    if document.sha256 in texts:
        del data["sha256"]
        data["text"] = texts[document.sha256]
    elif document.sha256 in places:
        del data["sha256"]
        data["file"] = places[document.sha256]
    return data


def _inline_texts(app: App, content: AppContent) -> dict[str, str]:
    """Return the documents that stand in the file, by digest."""
    names = [each.name for each in content.documents if KINDS.get(suffix(each.name)) in _INLINE_KINDS]
    short = app.documents.filter(name__in=names, size_bytes__lte=MAX_INLINE_BYTES)
    files = DocumentFile.objects.filter(document__app=app, document__in=short)
    texts: dict[str, str] = {}
    left = MAX_INLINE_TOTAL
    for digest, data in files.order_by("document__name").values_list("document__content_hash", "data"):
        left -= len(data)
        if left >= 0 and (text := _readable(bytes(data))) is not None:
            texts[digest] = text
    return texts


def _readable(data: bytes) -> str | None:
    """Return the text of a file that YAML can hold; None for any other."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text
