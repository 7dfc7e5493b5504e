"""The admin pages that issue an App key and show it once."""

from uuid import UUID

from django.conf import settings
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.debug import sensitive_variables

from apps_registry.admin.base import ConsoleAdmin
from apps_registry.admin.grants import apps_to_open
from keys.admin.forms import IssueKeyForm
from keys.models import AppKey
from keys.services import IssuedKey, issue_key


class IssuePages:
    """The form for a new key, and the page that shows it."""

    def __init__(self, admin: ConsoleAdmin[AppKey]) -> None:
        self._admin = admin

    def add_view(self, request: HttpRequest) -> HttpResponse:
        """Ask what the key is for (GET), then issue it and show it once, in this response (POST)."""
        if not self._admin.has_add_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            form = IssueKeyForm(apps=apps_to_open(request.user), initial={"apps": request.GET.getlist("apps")})
            return self._form_page(request, form)
        form = IssueKeyForm(request.POST, apps=apps_to_open(request.user))
        return self._issue(request, form) if form.is_valid() else self._form_page(request, form)

    def _form_page(self, request: HttpRequest, form: IssueKeyForm) -> HttpResponse:
        return self._admin.page(request, "admin/keys/appkey/issue.html", title="Issue an App key", form=form)

    @sensitive_variables("issued")
    def _issue(self, request: HttpRequest, form: IssueKeyForm) -> HttpResponse:
        """Issue a key, unless this instance of the form has already issued one (reload, back button, double click)."""
        data = form.cleaned_data
        form_id: UUID = data["form_id"]
        try:
            with transaction.atomic():
                # Lock per operator, so that the second of two identical submissions sees the record of the first.
                get_user_model().objects.select_for_update(no_key=True).get(pk=operator_id(request))
                if earlier := _issued_by(request, form_id):
                    return self._replay_page(request, earlier)
                names = ("label", "owner", "note", "apps", "expires_at", "channel", "release")
                operator = request.user if request.user.is_authenticated else None
                issued = issue_key(
                    **{name: data[name] for name in names},
                    origins=data["allowed_origins"],
                    networks=data["allowed_networks"],
                    created_by=operator,
                )
                self._admin.log_addition(request, issued.app_key, [{"added": {}}, {"form": str(form_id)}])
        except ValidationError as error:
            form.add_error(None, error.messages)
            return self._form_page(request, form)
        return issued_page(self._admin, request, issued)

    def _replay_page(self, request: HttpRequest, app_key: AppKey) -> HttpResponse:
        page = self._admin.page(
            request,
            "admin/keys/appkey/already_issued.html",
            title="This key was already issued",
            app_key=app_key,
        )
        page.status_code = 409
        return page


@sensitive_variables("issued")
def issued_page(
    admin: ConsoleAdmin[AppKey], request: HttpRequest, issued: IssuedKey, *, old: AppKey | None = None
) -> HttpResponse:
    """Return the page that shows a new key, once.

    Args:
        admin: whose page it is.
        request: the request that issued the key.
        issued: the key.
        old: the key that it succeeds, if any.
    """
    apps = sorted(issued.app_key.apps.all(), key=lambda app: (not app.is_active, app.slug))
    response = admin.page(
        request,
        "admin/keys/appkey/issued.html",
        title="Copy the key now",
        issued=issued,
        old=old,
        apps=apps,
        example=apps[0],
        key_header=settings.APP_KEY_HEADERS[0],
    )
    response["Cache-Control"] = "no-store"
    return response


def _issued_by(request: HttpRequest, form_id: UUID) -> AppKey | None:
    """Return the key that this operator has issued with this form instance, according to the audit log."""
    records = LogEntry.objects.filter(
        user_id=operator_id(request),
        content_type=ContentType.objects.get_for_model(AppKey),
        action_flag=ADDITION,
        change_message__contains=str(form_id),
    )
    record = records.first()
    return AppKey.objects.filter(pk=int(record.object_id)).first() if record and record.object_id else None


def operator_id(request: HttpRequest) -> int:
    """Return the id of the operator who sent the request."""
    if request.user.pk is None:  # cannot happen: the admin requires a login
        raise PermissionDenied
    return request.user.pk
