"""The console's pages for documents: upload them, follow their ingest, look at what search finds."""

from typing import Any

from asgiref.sync import async_to_sync
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps_registry.admin_display import NOTHING, AppPartAdmin, ConsoleAdmin, badge, code, moment
from apps_registry.document_forms import SearchForm, UploadForm
from apps_registry.models import App, Document, EmbeddingModel
from apps_registry.retrieval.blocks import MAX_FILE_BYTES
from apps_registry.retrieval.passages import for_model
from apps_registry.retrieval.search import search
from apps_registry.retrieval.sql import ENABLE_VECTORS
from apps_registry.retrieval.uploads import Outcome, add_upload, requeue

CHUNKS_SHOWN = 20
REFRESH_SECONDS = "3"


class TagFilter(admin.SimpleListFilter):
    """The tags that documents bear."""

    title = "tag"
    parameter_name = "tag"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Each tag once."""
        used = Document.objects.exclude(tags=[]).values_list("tags", flat=True)[:10_000]
        return [(tag, tag) for tag in sorted({tag for tags in used for tag in tags})][:100]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Document]) -> QuerySet[Document]:
        """The documents with the chosen tag."""
        return queryset.filter(tags__contains=[self.value()]) if self.value() else queryset


@admin.register(Document)
class DocumentAdmin(AppPartAdmin[Document]):
    """Documents of Apps. Their content comes from files; operators edit the tags."""

    list_display = ("title", "app", "standing", "chunk_total", "tag_list", "size", "ingested")
    list_filter = ("app", "state", TagFilter)
    list_select_related = ("app",)
    search_fields = ("title", "name")
    ordering = ("-queued_at", "-id")
    actions = ("ingest_again",)
    change_form_template = "admin/apps_registry/document/change_form.html"
    change_list_template = "admin/apps_registry/document/change_list.html"
    readonly_fields = ("title", "name", "app", "standing", "trouble", "size", "language", "chunk_total", "ingested")
    fieldsets = (
        ("Document", {"fields": ("title", "name", "app", "tags", "size")}),
        ("Ingest", {"fields": ("standing", "trouble", "language", "chunk_total", "ingested")}),
    )

    @admin.display(description="state", ordering="state")
    def standing(self, document: Document) -> SafeString:
        """How far the ingest is."""
        shown = badge(document.state)
        if document.state == Document.State.PROCESSING:
            return format_html('{} <span class="aomi-sub">{} %</span>', shown, document.progress)
        if trouble := document.error or document.warning:
            return format_html('{} <span class="aomi-sub aomi-wrap">{}</span>', shown, trouble)
        return shown

    @admin.display(description="problem")
    def trouble(self, document: Document) -> str | SafeString:
        """Why it failed, or what does not work."""
        if document.error and document.chunk_count:
            return f"{document.error} What was ingested before is still found."
        return document.error or document.warning or NOTHING

    @admin.display(description="chunks", ordering="chunk_count")
    def chunk_total(self, document: Document) -> int:
        """How many pieces search can find."""
        return document.chunk_count

    @admin.display(description="tags")
    def tag_list(self, document: Document) -> SafeString:
        """Its tags."""
        return format_html_join(" ", '<code class="aomi-code">{}</code>', ((tag,) for tag in document.tags)) or NOTHING

    @admin.display(description="size", ordering="size_bytes")
    def size(self, document: Document) -> str:
        """The file's."""
        return filesizeformat(document.size_bytes)

    @admin.display(description="ingested", ordering="ingested_at")
    def ingested(self, document: Document) -> SafeString:
        """When its chunks were made."""
        return moment(document.ingested_at)

    def get_urls(self) -> list[URLPattern]:
        """Add the search page and the button of the document's page."""
        view = self.admin_site.admin_view
        own = [
            path("search/", view(self.search_view), name="apps_registry_document_search"),
            path("<path:object_id>/ingest/", view(self.ingest_view), name="apps_registry_document_ingest"),
        ]
        return [*own, *super().get_urls()]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Take files in."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = UploadForm(request.POST or None, request.FILES or None, initial={"app": request.GET.get("app")})
        if request.method == "POST" and form.is_valid():
            app, outcomes = form.cleaned_data["app"], []
            for file in form.cleaned_data["uploads"]:
                data = file.read(MAX_FILE_BYTES + 1)  # one byte too many is refused; more is not taken into memory
                outcomes += add_upload(app, name=file.name, data=data, tags=form.cleaned_data["tags"])
            self._tell(request, outcomes)
            return self._after_upload(request, app, outcomes)
        return self.page(request, "admin/apps_registry/document/upload.html", title="Add documents", form=form)

    def _after_upload(self, request: HttpRequest, app: App, outcomes: list[Outcome]) -> HttpResponse:
        """Lead to the document, whose page follows its ingest, or to the list if there are several."""
        taken = [outcome.document for outcome in outcomes if outcome.document]
        if len(taken) == 1 and self.has_view_or_change_permission(request, taken[0]):
            return redirect("admin:apps_registry_document_change", taken[0].pk)
        return redirect(f"{reverse('admin:apps_registry_document_changelist')}?app__id__exact={app.pk}")

    def _tell(self, request: HttpRequest, outcomes: list[Outcome]) -> None:
        """Say what became of the files: one line for those that are queued, one for each other."""
        queued = [outcome for outcome in outcomes if outcome.is_queued and not outcome.note]
        for outcome in queued:
            if outcome.document:
                self.log_addition(request, outcome.document, [{"added": {}}])
        if queued:
            names = f"“{queued[0].name}”" if len(queued) == 1 else f"{len(queued)} files"
            self.message_user(request, f"{names}: will be read in a moment.", messages.SUCCESS)
        for outcome in outcomes:
            if outcome.note:
                level = messages.WARNING if outcome.document else messages.ERROR
                self.message_user(request, f"{outcome.name}: {outcome.note}", level)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the chunks; the page comes again by itself while the document is being read."""
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
        """Read the file again (POST)."""
        document = self.get_object(request, unquote(object_id))
        if document is None:
            raise Http404
        if not self.has_change_permission(request, document):
            raise PermissionDenied
        if request.method == "POST":
            self._ingest(request, Document.objects.filter(pk=document.pk))
        return redirect("admin:apps_registry_document_change", document.pk)

    @admin.action(description="Ingest again from the stored files", permissions=["change"])
    def ingest_again(self, request: HttpRequest, queryset: QuerySet[Document]) -> None:
        """Queue the chosen documents."""
        self._ingest(request, queryset)

    def _ingest(self, request: HttpRequest, documents: QuerySet[Document]) -> None:
        chosen = list(documents)
        requeue(Document.objects.filter(pk__in=[document.pk for document in chosen]))
        for document in chosen:
            self.log_change(request, document, "Ingested again.")
        number = f"{len(chosen)} document{'s' if len(chosen) != 1 else ''}"
        text = f"{number} will be read again in a moment; what was found before is found until then."
        self.message_user(request, text, messages.SUCCESS)

    def search_view(self, request: HttpRequest) -> HttpResponse:
        """Show what the model would get."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = SearchForm(request.GET if "app" in request.GET else None)
        context: dict[str, Any] = {}
        if form.is_valid() and form.cleaned_data["q"]:
            app, tag = form.cleaned_data["app"], form.cleaned_data["tag"] or None
            found = async_to_sync(search)(app.pk, form.cleaned_data["q"], tag=tag)
            context = {"found": found, "shown": for_model(found.passages)}
        return self.page(
            request, "admin/apps_registry/document/search.html", title="Search documents", form=form, **context
        )


@admin.register(EmbeddingModel)
class EmbeddingModelAdmin(ConsoleAdmin[EmbeddingModel]):
    """Models that turn text into vectors. What their vectors depend on stays as it is once they exist."""

    list_display = ("name", "server", "model_id", "dimensions", "used_by")
    list_select_related = ("provider",)
    search_fields = ("name", "provider_model_id")
    ordering = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[EmbeddingModel]:
        """Models with the Apps that use them."""
        return super().get_queryset(request).prefetch_related("apps")

    def get_readonly_fields(self, request: HttpRequest, obj: EmbeddingModel | None = None) -> tuple[str, ...]:
        """Vectors of another model or length do not compare: make another row for it."""
        return ("provider", "provider_model_id", "dimensions") if obj else ()

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A new one is a provider's; the embedded one is there already."""
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if field is not None:
            field.required = True
        return field

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A provider's model has an id there."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and db_field.name == "provider_model_id":
            field.required = True
        return field

    @admin.display(description="server", ordering="provider")
    def server(self, model: EmbeddingModel) -> str:
        """Who computes the vectors."""
        return str(model.provider) if model.provider else "embedded: this server"

    @admin.display(description="provider's model id", ordering="provider_model_id")
    def model_id(self, model: EmbeddingModel) -> SafeString:
        """What the provider calls it."""
        return code(model.provider_model_id)

    @admin.display(description="used by")
    def used_by(self, model: EmbeddingModel) -> str | SafeString:
        """The Apps whose documents it finds."""
        return ", ".join(sorted(app.slug for app in model.apps.all())) or NOTHING

    def has_delete_permission(self, request: HttpRequest, obj: EmbeddingModel | None = None) -> bool:
        """The embedded one stays."""
        return super().has_delete_permission(request, obj) and (obj is None or obj.provider is not None)


def _can_store_vectors() -> bool:
    """Tell whether this PostgreSQL has pgvector, and take it into use if it has just come."""
    with connection.cursor() as cursor:
        cursor.execute(ENABLE_VECTORS)
        return bool(cursor.fetchone()[0])


def documents_line(app: App) -> SafeString:
    """Return what an App's page says of its documents, with the ways to them."""
    total = app.documents.count()
    lacking = "" if _can_store_vectors() else " Only by words: this PostgreSQL does not have pgvector 0.8 or newer."
    listed = reverse("admin:apps_registry_document_changelist")
    added = reverse("admin:apps_registry_document_add")
    searched = reverse("admin:apps_registry_document_search")
    return format_html(
        '{} document{}. <a href="{}?app__id__exact={}">See them</a>, <a href="{}?app={}">add some</a>, '
        '<a href="{}?app={}">search them</a>.{}',
        total,
        "" if total == 1 else "s",
        *(listed, app.pk, added, app.pk, searched, app.pk, lacking),
    )
