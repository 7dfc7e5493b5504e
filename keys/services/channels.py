"""Channels as operators write them: live, draft, or release:N."""

import re

from django.core.exceptions import ValidationError

from apps_registry.models import App, AppRelease
from keys.models import AppKey

_RELEASE = re.compile(r"release:([1-9][0-9]{0,8})", re.ASCII)


def channel_named(text: str, apps: list[App]) -> tuple[str, AppRelease | None]:
    """Return the channel and the release that a text names.

    Args:
        text: live, draft, or release:N with the number of a release.
        apps: the scope of the key; a release is looked up in its first App.

    Raises:
        ValidationError: it names no channel, or a release that does not exist.
    """
    if text in {AppKey.Channel.LIVE, AppKey.Channel.DRAFT}:
        return text, None
    match = _RELEASE.fullmatch(text)
    if match is None:
        raise ValidationError({"channel": f"{text!r} is not a channel. Write live, draft, or release:N."})
    release = AppRelease.objects.filter(app=apps[0] if apps else None, number=int(match[1])).first()
    if release is None:
        slug = apps[0].slug if apps else "The App"
        raise ValidationError({"release": f"{slug} has no release {match[1]}."})
    return AppKey.Channel.RELEASE, release
