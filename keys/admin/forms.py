"""The forms about App keys: issue, edit, rotate, revoke."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps_registry.models import App, AppRelease
from apps_registry.support.http.request_sources import parse_networks, parse_origins
from keys.models import AppKey
from keys.models.app_key import NOTE_MAX, REASON_MAX
from keys.services import OVERLAP_MAX_HOURS, Selection
from keys.services.rules import NAME_MAX, check_channel
from keys.usability import is_over

ON_A_DATE = "date"
EXPIRIES = {"": "Never", "30": "In 30 days", "90": "In 90 days", "365": "In a year"}
OVERLAPS = {"0": "None: it expires now", "1": "1 hour", "24": "24 hours", str(OVERLAP_MAX_HOURS): "72 hours"}
TEXT = {"class": "vTextField", "autocomplete": "off"}


class AppsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # not subscriptable at run time
    """Checkboxes, one per App."""

    widget = forms.CheckboxSelectMultiple

    def label_from_instance(self, obj: App) -> SafeString:
        """Show the slug, the name, and warnings that matter before granting the App."""
        notes = ["default App: needs no key"] * obj.is_default + ["turned off"] * (not obj.is_active)
        note = f"({', '.join(notes)})" if notes else ""
        return format_html("<code>{}</code> <span>{} {}</span>", obj.slug, obj.name, note)


class ReleaseField(forms.ModelChoiceField):  # type: ignore[type-arg]  # not subscriptable at run time
    """A choice of releases, by App and number; of all Apps until `offer` narrows it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(queryset=AppRelease.objects.none(), required=False, label="Release", **kwargs)
        self.offer(App.objects.all())

    def offer(self, apps: QuerySet[App]) -> None:
        """Offer the releases of these Apps only."""
        releases = AppRelease.objects.select_related("app").defer("content", "app__preamble")
        self.queryset = releases.filter(app__in=apps).order_by("app__slug", "-number")

    def label_from_instance(self, obj: AppRelease) -> str:
        """Show the App and the number."""
        return f"{obj.app.slug}, release {obj.number}"


class ChannelFields(forms.Form):
    """The choice of a channel, as a part of forms that also have a field `apps`."""

    channel = forms.ChoiceField(
        required=False,
        choices=AppKey.Channel.choices,
        initial=AppKey.Channel.LIVE,
        help_text="What the key talks with. The draft is for those who build and test an App. A session that began in "
        "one channel is not continued in another.",
    )
    release = ReleaseField(help_text="For “One release”: the key then opens the release's App and no other.")

    def clean(self) -> dict[str, Any]:
        """Check that the channel fits the scope; a release without its channel does not count."""
        data = super().clean() or {}
        data["channel"] = data.get("channel") or AppKey.Channel.LIVE
        if data["channel"] != AppKey.Channel.RELEASE:
            data["release"] = None
        if "apps" in data:
            try:
                check_channel(data["channel"], data.get("release"), list(data["apps"]))
            except ValidationError as error:
                self.add_error(None, ValidationError(error.messages))
        return data


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


class IssueKeyForm(ChannelFields):
    """What an operator decides when issuing a key."""

    label = forms.CharField(
        max_length=NAME_MAX,
        help_text="Who or what will use this key, such as “checkout service, production”. You can change it later.",
        widget=forms.TextInput(attrs=TEXT),
    )
    owner = forms.CharField(
        required=False,
        max_length=NAME_MAX,
        help_text="The person or team that answers for it. You can revoke all keys of an owner at once.",
        widget=forms.TextInput(attrs=TEXT),
    )
    note = forms.CharField(
        required=False,
        max_length=NOTE_MAX,
        help_text="For operators. Callers never see it.",
        widget=forms.Textarea(attrs={"rows": 2, "class": "vLargeTextField"}),
    )
    apps = AppsField(
        label="Apps",
        queryset=App.objects.order_by("slug"),
        help_text="The key opens these Apps and no others. You can change this later.",
        error_messages={"required": "Tick at least one App."},
    )
    expiry = forms.ChoiceField(label="Expires", required=False, widget=forms.RadioSelect)
    expires_on = forms.DateField(
        label="Last day", required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    allowed_origins = SourcesField(parse_origins, "allowed_origins")
    allowed_networks = SourcesField(parse_networks, "allowed_networks")
    # Identifies this instance of the form, so that submitting it twice issues only one key.
    form_id = forms.UUIDField(initial=uuid.uuid4, widget=forms.HiddenInput)

    def __init__(self, *args: Any, apps: QuerySet[App], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        default = str(settings.KEY_LIFETIME_DAYS or "")
        expiries = EXPIRIES if default in EXPIRIES else {**EXPIRIES, default: f"In {default} days"}
        expiry, scope, release = self.fields["expiry"], self.fields["apps"], self.fields["release"]
        expiry.initial = default
        if isinstance(expiry, forms.ChoiceField):
            expiry.choices = [*expiries.items(), (ON_A_DATE, "At the end of this day (UTC):")]
        if isinstance(scope, AppsField):
            scope.queryset = apps.order_by("slug")
        if isinstance(release, ReleaseField):
            release.offer(apps)

    @property
    def sources(self) -> list[forms.BoundField]:
        """The fields that say where the key may be used."""
        return [self["allowed_origins"], self["allowed_networks"]]

    def clean(self) -> dict[str, Any]:
        """Convert the chosen expiry to `expires_at`."""
        data = super().clean()
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


class AppKeyForm(ChannelFields, forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
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
        fields = (
            "label",
            "owner",
            "note",
            "apps",
            "channel",
            "release",
            "expires_at",
            "allowed_origins",
            "allowed_networks",
        )
        widgets = {"note": forms.Textarea(attrs={"rows": 2, "class": "vLargeTextField"})}

    def clean_channel(self) -> str:
        """Keep the channel, if a form of an earlier version is sent, which has none."""
        return str(self.cleaned_data["channel"] or self.instance.channel)

    def clean_expires_at(self) -> datetime | None:
        """Refuse to move the expiry into the past; revoking does that."""
        expires_at: datetime | None = self.cleaned_data["expires_at"]
        if "expires_at" in self.changed_data and is_over(expires_at, timezone.now()):
            raise ValidationError("That is in the past. To close the key now, revoke it.")
        return expires_at


class RotateKeyForm(forms.Form):
    """How long the old key works on."""

    overlap = forms.TypedChoiceField(
        label="The old key works on for",
        choices=tuple(OVERLAPS.items()),
        initial="24",
        widget=forms.RadioSelect,
        coerce=lambda hours: timedelta(hours=int(hours)),
    )


class RevokeForm(forms.Form):
    """Why keys are revoked."""

    reason = forms.CharField(
        max_length=REASON_MAX,
        help_text="For the record, such as “leaked in a log” or “contract ended”. Do not paste a key.",
        error_messages={"required": "Say why, for the record."},
        widget=forms.TextInput(attrs=TEXT),
    )


class SelectKeysForm(forms.Form):
    """Which keys to revoke together."""

    label = forms.CharField(
        required=False, max_length=NAME_MAX, label="Label contains", widget=forms.TextInput(attrs=TEXT)
    )
    owner = forms.CharField(required=False, max_length=NAME_MAX, label="Owner is", widget=forms.TextInput(attrs=TEXT))
    app = forms.ModelChoiceField(
        queryset=App.objects.order_by("slug"), required=False, label="Opens the App", empty_label="any"
    )

    def selection(self) -> Selection:
        """Return what a valid form describes."""
        data = self.cleaned_data
        return Selection(label=data["label"], owner=data["owner"], app=data["app"])
