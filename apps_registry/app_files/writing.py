"""Writes App files. Short text documents are inlined; all others are written to files next to the App file."""

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
from apps_registry.support.text.outside_text import is_storable

# The limit of a text that is still readable inside the file. Many such texts stay well below the limit for files.
MAX_INLINE_BYTES = 32_000
MAX_INLINE_TOTAL = 1_000_000
CONTEXT_LINES = 2
_INLINE_KINDS = frozenset({"text", "markdown", "html"})


def write_file(app: App, path: Path) -> list[Path]:
    """Write an App's file, and its other documents into a folder next to it.

    Args:
        app: the App.
        path: the file; an existing one is replaced.

    Returns:
        The files written, the App file first.

    Raises:
        OSError: one cannot be written.
    """
    folder = path.parent / f"{path.stem}-documents"
    paths: dict[str, str] = {}
    written = [path]
    content = content_of(app)
    texts = _inline_texts(app, content)
    for document in content.documents:
        if document.sha256 not in texts:
            folder.mkdir(exist_ok=True)
            document_path = folder / f"{document.sha256[:8]}-{PurePosixPath(document.name).name[-80:]}"
            file = DocumentFile.objects.get(document=app.documents.get(content_hash=document.sha256))
            document_path.write_bytes(bytes(file.data))
            paths[document.sha256] = document_path.relative_to(path.parent).as_posix()
            written.append(document_path)
    path.write_text(_text(app, content, texts, paths), encoding="utf-8")
    return written


def file_text(app: App) -> str:
    """Return an App's file without other files; documents that are not short text appear as their SHA-256."""
    content = content_of(app)
    return _text(app, content, _inline_texts(app, content), {})


def content_text(content: AppContent) -> str:
    """Return the text that shows a content in a diff."""
    return dump(content.as_data())


def content_diff(before: AppContent | None, after: AppContent) -> list[str]:
    """Return the lines that differ, with context, each beginning with -, + or a space."""
    lines = difflib.unified_diff(
        content_text(before).splitlines() if before else [],
        content_text(after).splitlines(),
        n=CONTEXT_LINES,
        lineterm="",
    )
    return [line for line in lines if not line.startswith(("--- ", "+++ "))]


def _text(app: App, content: AppContent, texts: Mapping[str, str], paths: Mapping[str, str]) -> str:
    used = [app.default_model, *(row.model for row in app.appmodel_set.select_related("model__provider"))]
    data: dict[str, Any] = {"app_file": FORMAT, **content.as_data()}
    if content.documents:
        data["documents"] = [_document(document, texts, paths) for document in content.documents]
    if names := content.secrets():
        data["secrets"] = sorted(names)
    return dump({**data, **definitions_of(used, app.embedding_model).as_data()})


def _document(document: DocumentContent, texts: Mapping[str, str], paths: Mapping[str, str]) -> dict[str, Any]:
    data = document.as_data()
    if document.sha256 in texts:
        del data["sha256"]
        data["text"] = texts[document.sha256]
    elif document.sha256 in paths:
        del data["sha256"]
        data["file"] = paths[document.sha256]
    return data


def _inline_texts(app: App, content: AppContent) -> dict[str, str]:
    """Return the texts of the documents that are inlined, by digest."""
    names = [document.name for document in content.documents if KINDS.get(suffix(document.name)) in _INLINE_KINDS]
    short = app.documents.filter(name__in=names, size_bytes__lte=MAX_INLINE_BYTES)
    files = DocumentFile.objects.filter(document__app=app, document__in=short)
    texts: dict[str, str] = {}
    remaining = MAX_INLINE_TOTAL
    for digest, data in files.order_by("document__name").values_list("document__content_hash", "data"):
        remaining -= len(data)
        if remaining >= 0 and (text := _readable(bytes(data))) is not None:
            texts[digest] = text
    return texts


def _readable(data: bytes) -> str | None:
    """Return the content of a file as text if YAML can hold it; otherwise None."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return text if is_storable(text) else None
