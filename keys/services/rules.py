"""The rules that every new or changed key must satisfy."""

from collections.abc import Callable, Sequence
from datetime import datetime

from django.core.exceptions import ValidationError
from django.utils import timezone

from apps_registry.models import App, AppRelease
from keys.models import AppKey
from keys.models.app_key import NOTE_MAX
from keys.usability import is_over

NAME_MAX = 100


def check_names(*, label: str, owner: str, note: str) -> None:
    """Refuse an empty label, and texts that are too long or cannot be stored.

    Raises:
        ValidationError: by field.
    """
    if not label.strip():
        raise ValidationError({"label": "Say who or what will use the key."})
    for name, text, limit in (("label", label, NAME_MAX), ("owner", owner, NAME_MAX), ("note", note, NOTE_MAX)):
        if len(text) > limit:
            raise ValidationError({name: f"The {name} has {len(text):,} characters; the limit is {limit:,}."})
        if "\x00" in text:
            raise ValidationError({name: "Null characters are not allowed."})


def check_scope(scope: Sequence[App]) -> None:
    """Refuse a key without an App.

    Raises:
        ValidationError: the scope is empty.
    """
    if not scope:
        raise ValidationError({"apps": "Name at least one App."})


def check_expiry(expires_at: datetime | None) -> None:
    """Refuse an expiry in the past: keys are ended by revoking them.

    Raises:
        ValidationError: the expiry is in the past.
    """
    if is_over(expires_at, timezone.now()):
        raise ValidationError({"expires_at": "The expiry is in the past."})


def check_channel(channel: str, release: AppRelease | None, scope: Sequence[App]) -> None:
    """Refuse a channel that does not fit the scope: a release belongs to one App.

    Raises:
        ValidationError: the release is missing, not needed, or another App's; or the key has several Apps.
    """
    if channel != AppKey.Channel.RELEASE:
        if release is not None:
            raise ValidationError({"release": "Only the channel “one release” takes a release."})
        return
    if release is None:
        raise ValidationError({"release": "Choose the release that the key follows."})
    if [app.pk for app in scope] != [release.app_id]:
        raise ValidationError(
            {"release": "A key that follows one release opens one App: the one that the release belongs to."}
        )


def entries(parse: Callable[[str], list[str]], field: str, text: str) -> str:
    """Return origins or networks in canonical form, one per line.

    Raises:
        ValidationError: one of them is malformed; the error is of this field.
    """
    try:
        return "\n".join(parse(text))
    except ValueError as error:
        raise ValidationError({field: str(error)}) from None
