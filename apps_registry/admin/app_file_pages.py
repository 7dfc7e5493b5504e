"""The admin pages for App files: export an App, or preview and apply an import."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.views.decorators.http import require_safe

from apps_registry.admin.base import ConsoleAdmin
from apps_registry.app_files.errors import AppFileError
from apps_registry.app_files.reading import AppFile, no_files, read_app_file
from apps_registry.app_files.services import apply_import, plan_import
from apps_registry.app_files.writing import file_text
from apps_registry.models import App
from apps_registry.services.plan import PlanChanged

MAX_FORM_BYTES = 2**20  # the second step sends the file again, as a form field
# What an import may add, change and delete.
_VERBS_BY_KIND = {
    "app": ("add", "change"),
    **dict.fromkeys(("tool", "mcpserver", "document"), ("add", "change", "delete")),
    **dict.fromkeys(("provider", "model", "embeddingmodel"), ("add",)),
}
# Permissions to see an App file, or a comparison with one.
VIEW_PERMISSIONS = [f"apps_registry.view_{kind}" for kind in ("app", "tool", "mcpserver", "document", "model")]
IMPORT_PERMISSIONS = [f"apps_registry.{verb}_{kind}" for kind, verbs in _VERBS_BY_KIND.items() for verb in verbs]


class AppFileForm(forms.Form):
    """The upload of an App file."""

    file = forms.FileField(
        label="App file",
        help_text="YAML of up to 1 MB. Use manage.py import_app to import an App file together with its documents.",
    )

    text = b""

    def clean_file(self) -> AppFile:
        """Parse the file and check that it can be imported."""
        upload = self.cleaned_data["file"]
        if upload.size > MAX_FORM_BYTES:
            raise forms.ValidationError("The file is larger than 1 MB: import it with manage.py import_app.")
        self.text = upload.read()
        try:
            file = read_app_file(self.text, no_files)
            plan_import(file)
        except AppFileError as error:
            raise forms.ValidationError(str(error)) from None
        return file


class AppFilePages:
    def __init__(self, admin: ConsoleAdmin[App]) -> None:
        self._admin = admin

    def urls(self) -> list[URLPattern]:
        """Return the URL patterns below that of the Apps."""
        guard = self._admin.admin_site.admin_view
        return [
            path("import/", guard(self.import_view), name="apps_registry_app_import"),
            path("<int:app_id>/export/", guard(require_safe(self.export_view)), name="apps_registry_app_export"),
        ]

    def export_view(self, request: HttpRequest, app_id: int) -> HttpResponse:
        """Download the App file of an App."""
        app = App.objects.filter(pk=app_id).first()
        if app is None:
            raise Http404
        if not request.user.has_perms(VIEW_PERMISSIONS):
            raise PermissionDenied
        name = f'attachment; filename="{app.slug}.yaml"'
        return HttpResponse(file_text(app), "application/yaml", headers={"Content-Disposition": name})

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """Show the upload form (GET), preview the changes, then apply them (POST)."""
        if not request.user.has_perms(IMPORT_PERMISSIONS):
            raise PermissionDenied
        if "digest" in request.POST:
            return self._confirmed(request)
        is_sent = request.method == "POST"
        form = AppFileForm(request.POST if is_sent else None, request.FILES if is_sent else None)
        if form.is_valid():
            return self._shown(request, form.cleaned_data["file"], form.text.decode("utf-8-sig"))
        return self._page(request, "file", "Import an App file", form=form)

    def _confirmed(self, request: HttpRequest) -> HttpResponse:
        text = request.POST.get("text", "")
        try:
            file = read_app_file(text.encode(), no_files)
            plan = apply_import(file, digest=request.POST["digest"])
        except AppFileError as error:
            self._admin.message_user(request, str(error), messages.ERROR)
            return redirect("admin:apps_registry_app_import")
        except PlanChanged:
            self._admin.message_user(
                request, "The App has changed in the meantime. Review the changes again.", messages.WARNING
            )
            return self._shown(request, file, text)
        app = App.objects.get(slug=plan.slug)
        self._admin.log_change(request, app, "Imported from an App file.")
        self._admin.message_user(request, f"“{plan.slug}” was imported.", messages.SUCCESS)
        if plan.secrets:
            self._admin.message_user(request, f"Secrets to set: {', '.join(plan.secrets)}.", messages.WARNING)
        return redirect("admin:apps_registry_app_change", app.pk)

    def _shown(self, request: HttpRequest, file: AppFile, text: str) -> HttpResponse:
        plan = plan_import(file)
        title = f"Changes by importing “{plan.slug}”"
        return self._page(request, "file_plan", title, plan=plan, text=text, digest=plan.digest())

    def _page(self, request: HttpRequest, name: str, title: str, **context: Any) -> HttpResponse:
        return self._admin.page(request, f"admin/apps_registry/app_{name}.html", title=title, **context)
