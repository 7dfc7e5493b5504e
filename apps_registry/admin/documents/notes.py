"""Notes of the admin about the ingest of a document: its state, its problem, and what was not read."""

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from apps_registry.admin.display import NOTHING, badge
from apps_registry.extraction import READER_VERSION
from apps_registry.models import Document
from apps_registry.retrieval.analysis import INDEX_VERSION

OLDER_INDEX = (
    "An older version of the server indexed it. It is being indexed again; until then, some words do not find it."
)
OLDER_READER = "An older version of the server read it, and may have missed some of its text: ingest it again."

NOT_KNOWN_YET = mark_safe('<span class="aomi-none">not known yet</span>')

STILL_FOUND = " Search still finds the text of the last successful ingest."


def state_line(document: Document) -> SafeString:
    """Return the state with the most important note, for lists."""
    shown = badge(document.state)
    if document.state == Document.State.PROCESSING:
        return format_html('{} <span class="aomi-sub">{} %</span>', shown, document.progress)
    if note := document.error or document.warning or _loss_line(document):
        shown = format_html('{} <span class="aomi-sub aomi-wrap">{}</span>', shown, note)
    if is_outdated(document):
        shown = format_html('{} <span class="aomi-sub aomi-wrap">{}</span>', shown, OLDER_READER)
    if has_older_index(document):
        shown = format_html('{} <span class="aomi-sub aomi-wrap">{}</span>', shown, OLDER_INDEX)
    return shown


def problem(document: Document) -> str | SafeString:
    """Return the error of the ingest, or a warning."""
    if document.state == Document.State.CANCELLED:
        return f"The ingest was cancelled.{STILL_FOUND if document.chunk_count else ''}"
    if document.error and document.chunk_count:
        return document.error + STILL_FOUND
    notes = [
        document.error or document.warning,
        OLDER_READER if is_outdated(document) and not document.error else "",
        OLDER_INDEX if has_older_index(document) else "",
    ]
    return " ".join(filter(None, notes)) or NOTHING


def loss_list(document: Document) -> SafeString:
    """Return the loss report; "not known" unless the last ingest succeeded, because only that one recorded it."""
    if is_pending(document):
        return NOT_KNOWN_YET
    if document.state != Document.State.READY:
        return mark_safe("Not known: the ingest did not finish.")
    if not document.losses:
        return NOTHING if is_outdated(document) else mark_safe("Everything was read.")
    notes = format_html_join("", "<li>{}</li>", ((loss["note"],) for loss in document.losses))
    return format_html('<ul class="aomi-consequences">{}</ul>', notes)


def chunk_count(document: Document) -> str | SafeString:
    """Return the number of chunks that search finds; "not known yet" during a document's first ingest."""
    return NOT_KNOWN_YET if is_pending(document) and not document.chunk_count else f"{document.chunk_count:,}"


def is_pending(document: Document) -> bool:
    """Tell whether the ingest has not ended yet."""
    return document.state in {Document.State.QUEUED, Document.State.PROCESSING}


def is_outdated(document: Document) -> bool:
    """Tell whether an older version of the reader read the document."""
    finished = {Document.State.READY, Document.State.FAILED}
    return document.state in finished and document.reader_version < READER_VERSION


def has_older_index(document: Document) -> bool:
    """Tell whether an older version of the server indexed the document's chunks."""
    is_found = document.state == Document.State.READY and document.chunk_count > 0
    return is_found and document.index_version < INDEX_VERSION


def _loss_line(document: Document) -> str:
    if not document.losses:
        return ""
    more = len(document.losses) - 1
    note = str(document.losses[0]["note"])
    return f"{note} And {more} more note{'s' if more > 1 else ''}." if more else note
