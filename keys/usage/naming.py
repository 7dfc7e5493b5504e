"""Finds the Apps and keys that an operator names, including deleted ones, whose names only the roll-up still has."""

from collections.abc import Iterable

from django.db.models import Q

from apps_registry.models import App
from apps_registry.values import OPERATORS_KEY_ID
from keys.models import NO_KEY, AppKey, Usage
from keys.usage.reading import OPERATORS

WITHOUT_KEY = "none"
WITHOUT_KEYS = {WITHOUT_KEY: NO_KEY, OPERATORS: OPERATORS_KEY_ID}
ID_DIGITS = 18  # more do not fit into a bigint


def app_ids(slug: str) -> list[int]:
    """Return the ids of the Apps with this slug: the current one, and deleted ones that have usage."""
    present = App.objects.filter(slug=slug).values_list("pk", flat=True)
    return _distinct([*present, *Usage.objects.filter(app_slug=slug).values_list("app_id", flat=True).distinct()])


def key_ids(named: str) -> list[int]:
    """Return the ids of the keys with this label, beginning or id; also of usage that has none: see WITHOUT_KEYS."""
    if named in WITHOUT_KEYS:
        return [WITHOUT_KEYS[named]]
    if not named:
        return []
    is_present, was_used = Q(label=named) | Q(prefix=named), Q(app_key_label=named)
    if named.isascii() and named.isdecimal() and len(named) <= ID_DIGITS:
        is_present, was_used = is_present | Q(pk=int(named)), was_used | Q(app_key_id=int(named))
    present = AppKey.objects.filter(is_present).values_list("pk", flat=True)
    used = Usage.objects.filter(was_used).values_list("app_key_id", flat=True).distinct()
    return _distinct([*present, *used])


def _distinct(ids: Iterable[int]) -> list[int]:
    return list(dict.fromkeys(ids))
