"""What the admin pages of documents do about their ingest: read again, and cancel."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse

from apps_registry.admin.base import AppPartAdmin
from apps_registry.models import Document
from apps_registry.retrieval.uploads import cancel, outdated, requeue


class IngestPages(AppPartAdmin[Document]):
    """Ingests documents again, and cancels ingests: from a document's page, and for many from the list."""

    actions = ("ingest_again", "cancel_ingest")

    def get_urls(self) -> list[URLPattern]:
        """Add what the buttons of the pages call."""
        view = self.admin_site.admin_view
        own = [
            path("again/", view(self.again_view), name="apps_registry_document_again"),
            path("<path:object_id>/cancel/", view(self.cancel_view), name="apps_registry_document_cancel"),
            path("<path:object_id>/ingest/", view(self.ingest_view), name="apps_registry_document_ingest"),
        ]
        return [*own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Offer to read the documents again that an older version read."""
        number = outdated(self._listed(request)).count() if self.has_change_permission(request) else 0
        return super().changelist_view(request, {**(extra_context or {}), "outdated": number})

    def ingest_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ingest the file again (POST)."""
        document = self.changeable(request, object_id)
        if request.method == "POST":
            self._ingest(request, Document.objects.filter(pk=document.pk))
        # If a release searches the document, it is kept and the draft gets a new version with the same name.
        current = Document.objects.filter(app=document.app_id, name=document.name).first() or document
        return redirect("admin:apps_registry_document_change", current.pk)

    def again_view(self, request: HttpRequest) -> HttpResponse:
        """Read all documents again that an older version read, of one App if the list shows one (POST)."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            self._ingest(request, outdated(self._listed(request)))
        return redirect(f"{reverse('admin:apps_registry_document_changelist')}?{request.GET.urlencode()}")

    def cancel_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Cancel the ingest of a document (POST)."""
        document = self.changeable(request, object_id)
        if request.method == "POST":
            self._cancel(request, Document.objects.filter(pk=document.pk))
        return redirect("admin:apps_registry_document_change", document.pk)

    @admin.action(description="Ingest again from the stored files", permissions=["change"])
    def ingest_again(self, request: HttpRequest, queryset: QuerySet[Document]) -> None:
        """Queue the selected documents."""
        self._ingest(request, queryset)

    @admin.action(description="Cancel the ingest", permissions=["change"])
    def cancel_ingest(self, request: HttpRequest, queryset: QuerySet[Document]) -> None:
        """Cancel the ingest of the selected documents."""
        self._cancel(request, Document.objects.filter(pk__in=list(queryset.values_list("pk", flat=True))))

    def _cancel(self, request: HttpRequest, documents: QuerySet[Document]) -> None:
        chosen = list(documents)
        number = cancel(documents)
        for document in chosen:
            self.log_change(request, document, "Ingest cancelled.")
        text = f"The ingest of {number} document{'s' if number != 1 else ''} was cancelled."
        self.message_user(request, text, messages.SUCCESS if number else messages.WARNING)

    def _ingest(self, request: HttpRequest, documents: QuerySet[Document]) -> None:
        chosen = list(documents.filter(replaced_at=None))
        requeue(Document.objects.filter(pk__in=[document.pk for document in chosen]))
        for document in chosen:
            self.log_change(request, document, "Ingested again.")
        number = f"{len(chosen)} document{'s' if len(chosen) != 1 else ''}"
        text = f"{number} will be ingested again in a moment; until then search finds the previous text."
        self.message_user(request, text, messages.SUCCESS)

    def _listed(self, request: HttpRequest) -> QuerySet[Document]:
        """Return the current documents, of one App if the list is filtered by it."""
        app_id = request.GET.get("app__id__exact", "")
        return Document.objects.filter(app=int(app_id)) if app_id.isdecimal() else Document.objects.all()
