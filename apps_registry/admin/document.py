"""The admin pages for documents: upload, ingest state, and a test search."""

from typing import Any

from asgiref.sync import async_to_sync
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import connection, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps_registry.admin.base import AppPartAdmin, deletion_summary
from apps_registry.admin.display import NOTHING, moment
from apps_registry.admin.document_filters import KeptFilter, TagFilter
from apps_registry.admin.document_notes import loss_list, problem, state_line
from apps_registry.admin.forms.document import SearchForm, UploadForm
from apps_registry.extraction.blocks import MAX_FILE_BYTES
from apps_registry.models import App, Document
from apps_registry.retrieval.passages import for_model
from apps_registry.retrieval.search import search
from apps_registry.retrieval.sql import ENABLE_VECTORS
from apps_registry.retrieval.uploads import Outcome, add_upload, cancel, outdated, requeue
from apps_registry.retrieval.versions import draft_ids, pinned, remove

CHUNKS_SHOWN = 20
REFRESH_SECONDS = "3"


@admin.register(Document)
class DocumentAdmin(AppPartAdmin[Document]):
    """Documents of Apps. Their content comes from files; operators can edit only the tags."""

    list_display = ("title", "app", "standing", "chunk_total", "tag_list", "size", "ingested")
    list_filter = ("app", "state", TagFilter, KeptFilter)
    list_select_related = ("app",)
    search_fields = ("title", "name")
    ordering = ("-queued_at", "-id")
    actions = ("ingest_again", "cancel_ingest")
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
            f"Searched by {names}, which keep this version unchanged. A new file or another ingest makes a new version "
            "for the draft, and deleting it removes it from the draft only."
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
    def chunk_total(self, document: Document) -> int:
        return document.chunk_count

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
        """Add the search page and the action that ingests a document again."""
        view = self.admin_site.admin_view
        own = [
            path("search/", view(self.search_view), name="apps_registry_document_search"),
            path("again/", view(self.again_view), name="apps_registry_document_again"),
            path("<path:object_id>/cancel/", view(self.cancel_view), name="apps_registry_document_cancel"),
            path("<path:object_id>/ingest/", view(self.ingest_view), name="apps_registry_document_ingest"),
        ]
        return [*own, *super().get_urls()]

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
                outcomes += add_upload(app, name=file.name, data=data, tags=form.cleaned_data["tags"])
            self._report(request, outcomes)
            return self._after_upload(request, app, outcomes)
        return self.page(request, "admin/apps_registry/document/upload.html", title="Add documents", form=form)

    def _after_upload(self, request: HttpRequest, app: App, outcomes: list[Outcome]) -> HttpResponse:
        """Redirect to the document, whose page shows its ingest, or to the list if there are several."""
        taken = [outcome.document for outcome in outcomes if outcome.document]
        if len(taken) == 1 and self.has_view_or_change_permission(request, taken[0]):
            return redirect("admin:apps_registry_document_change", taken[0].pk)
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
        if document and document.state in {Document.State.QUEUED, Document.State.PROCESSING}:
            response.headers["Refresh"] = REFRESH_SECONDS
        return response

    def ingest_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ingest the file again (POST)."""
        document = self.changeable(request, object_id)
        if request.method == "POST":
            self._ingest(request, Document.objects.filter(pk=document.pk))
        # If a release searches the document, it is kept and the draft gets a new version with the same name.
        current = Document.objects.filter(app=document.app_id, name=document.name).first() or document
        return redirect("admin:apps_registry_document_change", current.pk)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Offer to read the documents again that an older version read."""
        number = outdated(self._listed(request)).count() if self.has_change_permission(request) else 0
        return super().changelist_view(request, {**(extra_context or {}), "outdated": number})

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

    def _listed(self, request: HttpRequest) -> QuerySet[Document]:
        """Return the current documents, of one App if the list is filtered by it."""
        app_id = request.GET.get("app__id__exact", "")
        return Document.objects.filter(app=int(app_id)) if app_id.isdecimal() else Document.objects.all()

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
        apps = App.objects.select_for_update(no_key=True).order_by(
            "pk"
        )  # the same lock order everywhere, against deadlocks
        for app in apps.filter(pk__in={row.app_id for row in chosen}):
            remove(Document.objects.filter(app=app, pk__in=[row.pk for row in chosen]))

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


def _can_store_vectors() -> bool:
    """Tell whether this PostgreSQL has pgvector, and enable it if it was installed since."""
    with connection.cursor() as cursor:
        cursor.execute(ENABLE_VECTORS)
        return bool(cursor.fetchone()[0])


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
