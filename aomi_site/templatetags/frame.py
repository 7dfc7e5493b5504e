"""Template tags of the console's frame: navigation, icons, and lists that become cards on a phone."""

from collections.abc import Iterator, Sequence
from typing import Any

from django import template
from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from aomi_site.console.navigation import VisibleEntry, entries_for
from aomi_site.health.heartbeat import heartbeat

register = template.Library()


@register.simple_tag(takes_context=True)
def navigation(context: dict[str, Any]) -> list[VisibleEntry]:
    """Return the pages that the operator may see; none without a login."""
    request = context.get("request")
    user = getattr(request, "user", None)
    if request is None or user is None or not (user.is_active and user.is_staff):
        return []
    return entries_for(user, request.path)


@register.inclusion_tag("admin/aomi/serving.html")
def serving() -> dict[str, Any]:
    """Show the environment, and how many workers serve as far as this one knows; no query."""
    return {"environment": settings.AOMI_ENV, "workers": heartbeat.workers}


@register.simple_tag
def icon(name: str) -> SafeString:
    """Show an icon of the sprite in templates/admin/aomi/sprite.html, hidden from screen readers."""
    return format_html('<svg class="aomi-icon" aria-hidden="true" focusable="false"><use href="#icon-{}"/></svg>', name)


@register.simple_tag
def labelled_rows(
    headers: Sequence[dict[str, Any]], rows: Sequence[Sequence[SafeString]]
) -> Iterator[list[SafeString]]:
    """Yield the rows of a list of Django's admin with each cell's column in `data-label`, which cards show.

    Args:
        headers: the headers of Django's `result_list`.
        rows: its rows; each cell is the HTML of a `td` or a `th`.
    """
    labels = [header["text"] for header in headers]
    for row in rows:
        yield [_labelled(cell, str(label)) for cell, label in zip(row, labels, strict=False)]


def _labelled(cell: SafeString, label: str) -> SafeString:
    if "<" in label:  # the checkbox that selects all rows
        return cell
    attribute = format_html(' data-label="{}"', label[:1].upper() + label[1:])
    return mark_safe(cell[:3] + attribute + cell[3:])  # noqa: S308 - Django made the cell, and it begins with <td or <th
