"""Filters of the list of sessions: by an error of their turns, or by their App key."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps_registry.values import OPERATORS_CHANNEL
from sessions_app.models import ChatSession, Turn

# The error codes that the filter offers; the URL may contain any other code.
ERRORS = ("model_error", "model_timeout", "worker_lost", "interrupted")
ANY = "any"
# A longer list would be useless; a key's own page links to its sessions.
KEYS_OFFERED = 30


class ErrorFilter(admin.SimpleListFilter):
    """Keeps the sessions with a turn that ended with an error."""

    title = "error"
    parameter_name = "error"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer "any error" and the usual error codes."""
        chosen = self.used_parameters.get(self.parameter_name)
        more = [(chosen, chosen)] if chosen and chosen not in {ANY, *ERRORS} else []
        return [(ANY, "any error"), *((word, word) for word in ERRORS), *more]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ChatSession]) -> QuerySet[ChatSession]:
        """Keep the sessions with a turn of the chosen error."""
        if not self.value():
            return queryset
        failed = Turn.objects.exclude(error_code="")
        if self.value() != ANY:
            failed = failed.filter(error_code=self.value())
        return queryset.filter(pk__in=failed.values("session_id"))


class KeyFilter(admin.SimpleListFilter):
    """Keeps the sessions that an App key has used."""

    title = "key"
    parameter_name = "key"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the keys that were used last, and the chosen one; none to operators who may not see keys."""
        if not (request.user.has_perm("keys.view_appkey") or request.user.has_perm("keys.change_appkey")):
            return []
        used = keys().filter(last_used_at__isnull=False).order_by("-last_used_at")
        offered = list(used.values_list("pk", flat=True)[:KEYS_OFFERED])
        chosen = self.used_parameters.get(self.parameter_name) or ""
        if is_id(chosen) and int(chosen) not in offered:
            offered.insert(0, int(chosen))
        names = keys().filter(pk__in=offered).names()
        return [(str(pk), names[pk]) for pk in offered if pk in names]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ChatSession]) -> QuerySet[ChatSession]:
        """Keep the sessions with a turn of the chosen key."""
        chosen = self.value() or ""
        if not is_id(chosen):
            return queryset
        return queryset.filter(pk__in=Turn.objects.filter(app_key_id=int(chosen)).values("session_id"))


class PlaygroundFilter(admin.SimpleListFilter):
    """Keeps the sessions of callers, or those that operators began in the playground."""

    title = "from"
    parameter_name = "from"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer callers and operators."""
        return [("callers", "callers"), ("playground", "operators' playground")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ChatSession]) -> QuerySet[ChatSession]:
        """Keep the sessions of the chosen ones."""
        if self.value() == "playground":
            return queryset.filter(channel__startswith=OPERATORS_CHANNEL)
        return queryset.exclude(channel__startswith=OPERATORS_CHANNEL) if self.value() == "callers" else queryset


def keys() -> Any:
    """Return the App keys, an AppKeyQuerySet.

    This app must not import the keys app, so it looks the model up by name.
    """
    rows: Any = apps.get_model("keys", "AppKey")._default_manager.all()
    return rows


def is_id(text: str) -> bool:
    """Whether a text is a number that a key's id can be."""
    return text.isascii() and text.isdigit() and len(text) < 19
