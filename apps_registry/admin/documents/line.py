"""The line about documents on an App's page."""

from django.db import connection
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps_registry.models import App
from apps_registry.retrieval.ingest_sql import ENABLE_VECTORS


def documents_line(app: App) -> SafeString:
    """Return the line about documents on an App's page, with links to them."""
    total = app.documents.count()
    lacking = (
        "" if _can_store_vectors() else " Search is by words only: this PostgreSQL does not have pgvector 0.8 or newer."
    )
    list_url = reverse("admin:apps_registry_document_changelist")
    add_url = reverse("admin:apps_registry_document_add")
    search_url = reverse("admin:apps_registry_document_search")
    return format_html(
        '{} document{}. <a href="{}?app__id__exact={}">See them</a>, <a href="{}?app={}">add some</a>, '
        '<a href="{}?app={}">search them</a>.{}',
        total,
        "" if total == 1 else "s",
        *(list_url, app.pk, add_url, app.pk, search_url, app.pk, lacking),
    )


def _can_store_vectors() -> bool:
    """Tell whether this PostgreSQL has pgvector, and enable it if it was installed since."""
    with connection.cursor() as cursor:
        cursor.execute(ENABLE_VECTORS)
        return bool(cursor.fetchone()[0])
