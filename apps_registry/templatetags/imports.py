"""Template filters that show changes of imported tools and MCP tools."""

from django import template
from django.utils.safestring import SafeString

from apps_registry.admin.display import badge
from apps_registry.openapi import report
from apps_registry.openapi.diff import FieldChange

register = template.Library()
STATE_TONES = {"the same": "active", "changed": "processing", "gone": "revoked", "unusable": "missing"}
TONES = {"added": "active", "changed": "processing", "removed": "revoked", "turned off": "expired"}


@register.filter
def change_badge(kind: str) -> SafeString:
    """Return the kind of a change, such as removed, as a coloured badge."""
    return badge(TONES.get(kind, "quiet"), kind)


@register.filter
def state_badge(state: str) -> SafeString:
    """Return the state of an MCP server's tool as a badge."""
    return badge(STATE_TONES.get(state, "quiet"), state)


@register.filter
def shown(value: object) -> str:
    """Return shortened JSON data."""
    return report.shown(value)


@register.filter
def field_line(field: FieldChange) -> str:
    """Return the change of a field in one line."""
    return report.field_line(field)


@register.filter
def labelled(word: str, text: str) -> SafeString:
    """Return a badge with a custom text in the colour of a status."""
    return badge(word, text)
