"""Template tags of the admin console: a command to copy, a badge, a time."""

from datetime import datetime
from typing import Any

from django import template
from django.conf import settings
from django.utils.safestring import SafeString

from apps_registry.admin import display
from apps_registry.models import Model
from apps_registry.services.call_examples import CallExample, call_examples, chat_curl
from apps_registry.services.client_settings import ClientSettings, mcp_clients, openai_clients

register = template.Library()


@register.inclusion_tag("admin/aomi/copyable.html", takes_context=True)
def ready_curl(context: dict[str, Any], *, app_slug: str | None = None, app_key: str | None = None) -> dict[str, Any]:
    """Show a chat call with a copy button.

    Args:
        context: the template context; the command uses the address of its request.
        app_slug: the App to talk to; None: the default App.
        app_key: the key to send, or a placeholder for it; None: no key.
    """
    command = chat_curl(
        base_url=context["request"].build_absolute_uri("/"),
        app_slug=app_slug,
        app_key=app_key,
        key_header=settings.APP_KEY_HEADERS[0],
    )
    return {"text": command, "id": "ready-curl", "what": "the command"}


@register.simple_tag(takes_context=True)
def ready_calls(context: dict[str, Any], *, app_slug: str | None, app_key: str) -> list[CallExample]:
    """Return a chat call for curl, Python and JavaScript; arguments as for `ready_curl`."""
    return call_examples(
        base_url=context["request"].build_absolute_uri("/"),
        app_slug=app_slug,
        app_key=app_key,
        key_header=settings.APP_KEY_HEADERS[0],
    )


@register.simple_tag(takes_context=True)
def ready_clients(context: dict[str, Any], *, app_slug: str, app_key: str) -> list[ClientSettings]:
    """Return the settings of known clients; arguments as for `ready_curl`."""
    values = {"base_url": context["request"].build_absolute_uri("/"), "app_slug": app_slug, "app_key": app_key}
    return [*openai_clients(**values), *mcp_clients(**values)]


@register.simple_tag
def any_model_calls_tools() -> bool:
    """Tell whether there is a model that can call tools."""
    return Model.objects.filter(supports_tools=True).exists()


@register.filter
def badge(word: str) -> SafeString:
    """Show a status as a badge in its colour."""
    return display.badge(word)


@register.filter
def moment(value: datetime | None) -> SafeString:
    """Show a point in time, in UTC."""
    return display.moment(value)
