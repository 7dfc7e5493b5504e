"""The admin pages for documents: upload, ingest state, and a test search."""

from typing import Any

from asgiref.sync import async_to_sync
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from apps_registry.admin.base import deletion_summary
from apps_registry.admin.display import NOTHING, moment
from apps_registry.admin.documents.filters import KeptFilter, TagFilter
from apps_registry.admin.documents.ingest import IngestPages
from apps_registry.admin.documents.notes import chunk_count, is_pending, loss_list, problem, state_line
from apps_registry.admin.forms.document import SearchForm, UploadForm
from apps_registry.extraction.blocks import MAX_FILE_BYTES
from apps_registry.models import App, Document
from apps_registry.retrieval.passages import for_model
from apps_registry.retrieval.search import search
from apps_registry.retrieval.uploads import Outcome, add_upload
from apps_registry.retrieval.versions import draft_ids, pinned, remove

CHUNKS_SHOWN = 20
REFRESH_SECONDS = "3"


@admin.register(Document)
class DocumentAdmin(IngestPages):
    """Documents of Apps. Their content comes from files; operators can edit only the tags."""

    list_display = ("title", "app", "standing", "chunk_total", "tag_list", "size", "ingested")
    list_filter = ("app", "state", TagFilter, KeptFilter)
    list_select_related = ("app",)
    search_fields = ("title", "name")
    ordering = ("-queued_at", "-id")
    change_form_template = "admin/apps_registry/document/change_form.html"
    change_list_template = "admin/apps_registry/document/change_list.html"
    readonly_fields = (
        *(
            "title",
            "name",
            "app",
            "releases",
            "standing",
            "trouble",
            "loss_report",
            "size",
            "language",
            "chunk_total",
            "ingested",
        ),
    )
    fieldsets = (
        ("Document", {"fields": ("title", "name", "app", "tags", "size", "releases")}),
        (
            "Ingest",
            {
                "fields": (
                    *("standing", "trouble", "loss_report", "language", "language_choice", "chunk_total", "ingested"),
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Document]:
        """Include the versions that are kept for releases, which KeptFilter hides by default."""
        return Document.versions.all().order_by(*self.ordering)

    def has_change_permission(self, request: HttpRequest, obj: Document | None = None) -> bool:
        """Refuse changes of versions that are kept for releases."""
        return super().has_change_permission(request, obj) and (obj is None or obj.replaced_at is None)

    def has_delete_permission(self, request: HttpRequest, obj: Document | None = None) -> bool:
        """Refuse deletion of versions that are kept for releases; they are deleted with the releases."""
        return super().has_delete_permission(request, obj) and (obj is None or obj.replaced_at is None)

    @admin.display(description="releases")
    def releases(self, document: Document) -> str | SafeString:
        """The releases that search the document, and the consequences for edits."""
        names = _release_names(pinned(document.app_id, [document.pk]).get(document.pk, []))
        if document.replaced_at is not None:
            return f"Kept unchanged for {names}; deleted with them. It is no longer part of the draft."
        if not names:
            return "No release searches it: a new file replaces it permanently."
        return (
            f"Searched by {names}, which keep this version unchanged. A new file or another ingest creates a new "
            "version for the draft. If you delete it, it is only removed from the draft."
        )

    @admin.display(description="state", ordering="state")
    def standing(self, document: Document) -> SafeString:
        return state_line(document)

    @admin.display(description="problem")
    def trouble(self, document: Document) -> str | SafeString:
        return problem(document)

    @admin.display(description="not read")
    def loss_report(self, document: Document) -> SafeString:
        return loss_list(document)

    @admin.display(description="chunks", ordering="chunk_count")
    def chunk_total(self, document: Document) -> str | SafeString:
        return chunk_count(document)

    @admin.display(description="tags")
    def tag_list(self, document: Document) -> SafeString:
        return format_html_join(" ", '<code class="aomi-code">{}</code>', ((tag,) for tag in document.tags)) or NOTHING

    @admin.display(description="size", ordering="size_bytes")
    def size(self, document: Document) -> str:
        return filesizeformat(document.size_bytes)

    @admin.display(description="ingested", ordering="ingested_at")
    def ingested(self, document: Document) -> SafeString:
        return moment(document.ingested_at)

    def get_urls(self) -> list[URLPattern]:
        """Add the search page."""
        view = self.admin_site.admin_view(self.search_view)
        return [path("search/", view, name="apps_registry_document_search"), *super().get_urls()]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Show the upload form, and queue the uploaded files."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = UploadForm(request.POST or None, request.FILES or None, initial={"app": request.GET.get("app")})
        if request.method == "POST" and form.is_valid():
            app, outcomes = form.cleaned_data["app"], []
            for file in form.cleaned_data["uploads"]:
                data = file.read(
                    MAX_FILE_BYTES + 1
                )  # one byte too many is enough to refuse a file without loading all of it
                about = {"tags": form.cleaned_data["tags"], "encoding": form.cleaned_data["encoding"]}
                outcomes += add_upload(app, name=file.name, data=data, **about)
            self._report(request, outcomes)
            if any(outcome.is_queued for outcome in outcomes):
                self.tell_of_draft(request, app)
            return self._after_upload(request, app, outcomes)
        return self.page(request, "admin/apps_registry/document/upload.html", title="Add documents", form=form)

    def _after_upload(self, request: HttpRequest, app: App, outcomes: list[Outcome]) -> HttpResponse:
        """Redirect to the document, whose page shows its ingest, or to the list if there are several."""
        documents = [outcome.document for outcome in outcomes if outcome.document]
        if len(documents) == 1 and self.has_view_or_change_permission(request, documents[0]):
            return redirect("admin:apps_registry_document_change", documents[0].pk)
        return redirect(f"{reverse('admin:apps_registry_document_changelist')}?app__id__exact={app.pk}")

    def _report(self, request: HttpRequest, outcomes: list[Outcome]) -> None:
        """Report the results: one message for all queued files, and one for each other file."""
        queued = [outcome for outcome in outcomes if outcome.is_queued and not outcome.note]
        for outcome in queued:
            if outcome.document:
                self.log_addition(request, outcome.document, [{"added": {}}])
        if queued:
            names = f"“{queued[0].name}”" if len(queued) == 1 else f"{len(queued)} files"
            self.message_user(request, f"{names}: the ingest will start in a moment.", messages.SUCCESS)
        for outcome in outcomes:
            if outcome.note:
                level = messages.WARNING if outcome.document else messages.ERROR
                self.message_user(request, f"{outcome.name}: {outcome.note}", level)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the chunks, and refresh the page until the ingest has finished."""
        document = self.get_object(request, unquote(object_id))
        panels: dict[str, Any] = {}
        if document:
            chunks = document.chunks.filter(app=document.app).defer("search").order_by("position")
            panels["chunks"] = Paginator(chunks, CHUNKS_SHOWN).get_page(request.GET.get("page"))
        response = super().change_view(request, object_id, form_url, {**(extra_context or {}), **panels})
        if document and is_pending(document):
            response.headers["Refresh"] = REFRESH_SECONDS
        return response

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Name the documents that releases continue to search."""
        rows = [row for row in objs if row.replaced_at is None]
        chunks = sum(row.chunk_count for row in rows)
        _, counts, lacking, protected = deletion_summary(
            request, rows, {"documents": len(rows), "chunks": chunks}, {"documents": "apps_registry.delete_document"}
        )
        return [_deletion_line(row) for row in rows], counts, lacking, protected

    def delete_model(self, request: HttpRequest, obj: Document) -> None:
        """Delete a document from the draft; releases that search it keep it."""
        self.delete_queryset(request, Document.objects.filter(pk=obj.pk))

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Document]) -> None:
        """Delete documents from the drafts; releases that search them keep them."""
        chosen = list(queryset.filter(replaced_at=None))
        apps = App.objects.select_for_update(no_key=True).order_by("pk")  # the same order everywhere prevents deadlocks
        for app in apps.filter(pk__in={row.app_id for row in chosen}):
            remove(Document.objects.filter(app=app, pk__in=[row.pk for row in chosen]))

    def search_view(self, request: HttpRequest) -> HttpResponse:
        """Show the passages that the model would get."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = SearchForm(request.GET if "app" in request.GET else None)
        context: dict[str, Any] = {}
        if form.is_valid() and form.cleaned_data["q"]:
            app, tag = form.cleaned_data["app"], form.cleaned_data["tag"] or None
            results = async_to_sync(search)(app.pk, form.cleaned_data["q"], tag=tag, documents=draft_ids(app))
            context = {"results": results, "shown": for_model(results.passages)}
        return self.page(
            request, "admin/apps_registry/document/search.html", title="Search documents", form=form, **context
        )


def _deletion_line(document: Document) -> str:
    names = _release_names(pinned(document.app_id, [document.pk]).get(document.pk, []))
    kept = f": removed from the draft only, since it is searched by {names}" if names else ""
    return f"document: {document}{kept}"


def _release_names(numbers: list[int]) -> str:
    if not numbers:
        return ""
    return f"release{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"
