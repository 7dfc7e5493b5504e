"""The admin pages for the limits of an App key, and of an App as a whole."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse

from apps_registry.admin.base import ConsoleAdmin
from apps_registry.models import App
from keys.limits.reading import limits_of, standings
from keys.limits.services import key_apps, set_limits
from keys.limits.values import Limits, app_subject, key_subject
from keys.models import AppKey, LimitSet

NAMES = tuple(Limits.__dataclass_fields__)
MONEY_NAMES = ("money_per_day", "money_per_month")


class LimitsForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """All limits of one subject; an empty field is no limit."""

    class Meta:
        model = LimitSet
        fields = NAMES

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in MONEY_NAMES:
            self.fields[name].label = f"{self.fields[name].label}, in dollars"

    def limits(self) -> Limits:
        """Return the limits that a valid form holds."""
        return Limits(**{name: self.cleaned_data[name] for name in NAMES})


@dataclass(frozen=True, slots=True)
class _LimitedRow:
    """The key or the App of a page of limits.

    Attributes:
        row: the key or the App, in whose history changes are recorded.
        subject: see keys/limits/values.py.
        apps: the Apps that its limits concern.
        back: the URL of its page.
    """

    row: AppKey | App
    subject: str
    apps: Iterable[App]
    back: str


class LimitPages:
    """The pages behind the buttons "Limits" of a key's and an App's page."""

    def __init__(self, admin: ConsoleAdmin[AppKey]) -> None:
        self._admin = admin

    def urls(self) -> list[URLPattern]:
        """Return the URL patterns below that of the keys."""
        guard = self._admin.admin_site.admin_view
        return [
            path("<int:key_id>/limits/", guard(self.key_view), name="keys_appkey_limits"),
            path("of-app/<int:app_id>/limits/", guard(self.app_view), name="keys_app_limits"),
        ]

    def key_view(self, request: HttpRequest, key_id: int) -> HttpResponse:
        """Show a key's limits with what is left of them (GET), or set them (POST)."""
        key = self._admin.changeable(request, key_id)
        apps = key_apps(list(key.apps.values_list("pk", flat=True)))
        back = reverse("admin:keys_appkey_change", args=[key.pk])
        return self._answer(request, _LimitedRow(key, key_subject(key.pk), apps, back))

    def app_view(self, request: HttpRequest, app_id: int) -> HttpResponse:
        """Show the limits of an App as a whole (GET), or set them (POST)."""
        if not request.user.has_perm("apps_registry.change_app"):
            raise PermissionDenied
        app = App.objects.filter(pk=app_id).first()
        if app is None:
            raise Http404
        back = reverse("admin:apps_registry_app_keys", args=[app.pk])
        return self._answer(request, _LimitedRow(app, app_subject(app.pk), [app], back))

    def _answer(self, request: HttpRequest, limited: _LimitedRow) -> HttpResponse:
        if request.method != "POST":
            stored = limits_of(limited.subject) or Limits()
            return self._page(request, limited, LimitsForm(initial={name: getattr(stored, name) for name in NAMES}))
        form = LimitsForm(request.POST)
        if not form.is_valid():
            return self._page(request, limited, form)
        before, after = limits_of(limited.subject) or Limits(), form.limits()
        try:
            set_limits(limited.subject, after, apps=limited.apps)
        except ValidationError as error:
            form.add_error(None, error)
            return self._page(request, limited, form)
        if message := _changes(before, after):
            self._admin.done(request, limited.row, message)  # type: ignore[arg-type]  # an App has a history, too
        return redirect(limited.back)

    def _page(self, request: HttpRequest, limited: _LimitedRow, form: LimitsForm) -> HttpResponse:
        context: dict[str, Any] = {"form": form, "standings": standings(limited.subject), "limited": limited}
        obj = limited.row if isinstance(limited.row, AppKey) else None
        return self._admin.page(
            request, "admin/keys/appkey/limits.html", title=f"Limits of “{limited.row}”", obj=obj, **context
        )


def _changes(before: Limits, after: Limits) -> str:
    """Describe the difference for the history; empty if there is none."""
    changed = [name for name in NAMES if getattr(before, name) != getattr(after, name)]
    words = [f"{name.replace('_', ' ')} {_amount(name, getattr(after, name))}" for name in changed]
    return f"Limits changed: {', '.join(words)}." if words else ""


def _amount(name: str, limit: Any) -> str:
    if limit is None:
        return "without a limit"
    return f"${limit:f}" if name in MONEY_NAMES else str(limit)
