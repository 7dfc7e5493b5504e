"""The forms that issue an App key and edit one."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps_registry.models import App
from apps_registry.support.request_sources import parse_networks, parse_origins
from keys.models import AppKey
from keys.usability import is_over

ON_A_DATE = "date"
EXPIRIES = (
    ("", "Never"),
    ("30", "In 30 days"),
    ("90", "In 90 days"),
    ("365", "In a year"),
    (ON_A_DATE, "At the end of this day (UTC):"),
)


class AppsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # not subscriptable at run time
    """Checkboxes, one per App."""

    widget = forms.CheckboxSelectMultiple

    def label_from_instance(self, obj: App) -> SafeString:
        """Show the slug, the name, and warnings that matter before granting the App."""
        notes = ["default App: needs no key"] * obj.is_default + ["turned off"] * (not obj.is_active)
        note = f"({', '.join(notes)})" if notes else ""
        return format_html("<code>{}</code> <span>{} {}</span>", obj.slug, obj.name, note)


class SourcesField(forms.CharField):
    """Origins or networks, one per line, which are stored in canonical form."""

    def __init__(self, parse: Callable[[str], list[str]], column: str, **kwargs: Any) -> None:
        field: Any = AppKey._meta.get_field(column)
        widget = forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField", "spellcheck": "false"})
        shown = {"label": str(field.verbose_name).capitalize(), "help_text": field.help_text, "widget": widget}
        super().__init__(required=False, **{**shown, **kwargs})
        self._parse = parse

    def clean(self, value: Any) -> str:
        """Return the entries in canonical form; refuse what is not one, by name."""
        try:
            return "\n".join(self._parse(str(super().clean(value))))
        except ValueError as error:
            raise ValidationError(str(error)) from None


class IssueKeyForm(forms.Form):
    """What an operator decides when issuing a key."""

    label = forms.CharField(
        max_length=100,
        help_text="Who or what will use this key, such as “checkout service, production”. You can change it later.",
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
    )
    apps = AppsField(
        label="Apps",
        queryset=App.objects.order_by("slug"),
        help_text="The key opens these Apps and no others. You can change this later.",
        error_messages={"required": "Tick at least one App."},
    )
    expiry = forms.ChoiceField(label="Expires", required=False, choices=EXPIRIES, widget=forms.RadioSelect)
    expires_on = forms.DateField(
        label="Last day", required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    allowed_origins = SourcesField(parse_origins, "allowed_origins")
    allowed_networks = SourcesField(parse_networks, "allowed_networks")
    # Identifies this instance of the form, so that submitting it twice issues only one key.
    form_id = forms.UUIDField(initial=uuid.uuid4, widget=forms.HiddenInput)

    def __init__(self, *args: Any, apps: QuerySet[App], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["apps"]
        if isinstance(field, AppsField):
            field.queryset = apps.order_by("slug")

    @property
    def sources(self) -> list[forms.BoundField]:
        """The fields that say where the key may be used."""
        return [self["allowed_origins"], self["allowed_networks"]]

    def clean(self) -> dict[str, Any]:
        """Convert the chosen expiry to `expires_at`."""
        data = super().clean() or {}
        data["expires_at"] = self._expires_at(data.get("expiry", ""), data.get("expires_on"))
        return data

    def _expires_at(self, expiry: str, day: Any) -> datetime | None:
        if expiry == ON_A_DATE:
            if day is None:
                if "expires_on" not in self.errors:
                    self.add_error("expires_on", "Choose the last day on which the key works.")
                return None
            end = datetime.combine(day, time(23, 59, 59), tzinfo=UTC)
            if is_over(end, timezone.now()):
                self.add_error("expires_on", "That day is over (in UTC).")
            return end
        return timezone.now().replace(microsecond=0) + timedelta(days=int(expiry)) if expiry else None


class AppKeyForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """The fields of an issued key that can still change."""

    apps = AppsField(
        label="Apps",
        queryset=App.objects.order_by("slug"),
        help_text="The key opens these Apps and no others. A change holds from the next request on.",
        error_messages={"required": "Tick at least one App; to close the key altogether, revoke it."},
    )

    allowed_origins = SourcesField(parse_origins, "allowed_origins")
    allowed_networks = SourcesField(parse_networks, "allowed_networks")

    class Meta:
        model = AppKey
        fields = ("label", "apps", "expires_at", "allowed_origins", "allowed_networks")

    def clean_expires_at(self) -> datetime | None:
        """Refuse to move the expiry into the past; revoking does that."""
        expires_at: datetime | None = self.cleaned_data["expires_at"]
        if "expires_at" in self.changed_data and is_over(expires_at, timezone.now()):
            raise ValidationError("That is in the past. To close the key now, revoke it.")
        return expires_at
