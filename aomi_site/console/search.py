"""The console's one search (Ctrl-K): Apps and their parts, keys, models, sessions, wallets and ids.

A page that shows other things registers a source: `register(Source(…))`.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from aomi_site.console.navigation import entries_for
from apps_registry.models import App, Document, Model, OutboundCall, Tool
from apps_registry.support.wallet_addresses import both_ends, shortened
from keys.models import AppKey, Refusal
from sessions_app.models import ChatSession, Turn

HITS_PER_SOURCE = 6
QUERY_MAX_CHARS = 200


@dataclass(frozen=True, slots=True)
class Hit:
    """One result.

    Attributes:
        title: the thing's name.
        url: its page.
        detail: what distinguishes it from others of its kind.
    """

    title: str
    url: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """A kind of thing that the search finds.

    Attributes:
        kind: its name, in the plural.
        permissions: one of these is needed to find anything.
        find: returns the hits for a text of the operator, best first.
    """

    kind: str
    permissions: tuple[str, ...]
    find: Callable[[str], Iterable[Hit]]


_sources: list[Source] = []


def register(source: Source) -> None:
    """Add a kind of thing to the search."""
    _sources.append(source)


def search(user: Any, text: str) -> Iterator[tuple[str, list[Hit]]]:
    """Yield the kinds of things that were results, each with its hits.

    Args:
        user: the operator, who finds only what they may see.
        text: what they typed.
    """
    text = text.strip().replace("\x00", "")[:QUERY_MAX_CHARS]
    pages = [Hit(visible.entry.label, visible.url, visible.entry.description) for visible in _pages(user)]
    if matching := [hit for hit in pages if text.lower() in hit.title.lower()]:
        yield "Pages", matching
    if not text:
        return
    for source in _sources:
        if any(user.has_perm(permission) for permission in source.permissions):
            hits = list(source.find(text))[:HITS_PER_SOURCE]
            if hits:
                yield source.kind, hits


def search_view(request: HttpRequest) -> HttpResponse:
    """Show the results as a page, or send them as JSON for the dialog that Ctrl-K opens."""
    text = request.GET.get("q", "")
    results = list(search(request.user, text))
    if request.headers.get("Accept") == "application/json":
        groups = [{"kind": kind, "hits": [asdict(hit) for hit in hits]} for kind, hits in results]
        return JsonResponse({"groups": groups})
    context = {**admin.site.each_context(request), "title": "Search", "text": text, "results": results}
    return TemplateResponse(request, "admin/console/search.html", context)


def _pages(user: Any) -> Iterator[Any]:
    for visible in entries_for(user, ""):
        yield visible
        yield from visible.parts


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _apps(text: str) -> Iterator[Hit]:
    named = App.objects.filter(slug__icontains=text) | App.objects.filter(name__icontains=text)
    for app in named.order_by("slug")[:HITS_PER_SOURCE]:
        yield Hit(app.slug, reverse("admin:apps_registry_app_change", args=[app.pk]), app.name)


def _keys(text: str) -> Iterator[Hit]:
    # Only the public beginning of a pasted key is compared; it is as long as the prefix of a row.
    beginning = re.match(r"sk-[a-z0-9-]+?-[A-Za-z0-9]{8}", text)
    prefix = beginning[0] if beginning else text
    named = AppKey.objects.filter(label__icontains=prefix) | AppKey.objects.filter(prefix__startswith=prefix)
    for key in named.order_by("-created_at")[:HITS_PER_SOURCE]:
        yield Hit(key.label, reverse("admin:keys_appkey_change", args=[key.pk]), f"{key.prefix}… {key.status}")


def _tools(text: str) -> Iterator[Hit]:
    tools = Tool.objects.filter(kind=Tool.Kind.HTTP, name__icontains=text).select_related("app")
    for tool in tools.order_by("name", "app__slug")[:HITS_PER_SOURCE]:
        yield Hit(tool.name, reverse("admin:apps_registry_tool_change", args=[tool.pk]), f"of {tool.app.slug}")


def _app_tools(text: str) -> Iterator[Hit]:
    """Yield the built-in and client tools, which have no page of their own but are on the App's tab Tools."""
    kinds = (Tool.Kind.BUILTIN, Tool.Kind.CLIENT)
    tools = Tool.objects.filter(kind__in=kinds, name__icontains=text).select_related("app")
    for tool in tools.order_by("name", "app__slug")[:HITS_PER_SOURCE]:
        kind = "built-in" if tool.kind == Tool.Kind.BUILTIN else "client tool"
        yield Hit(
            tool.name, reverse("admin:apps_registry_app_tools", args=[tool.app_id]), f"of {tool.app.slug}, {kind}"
        )


def _server_tools(text: str) -> Iterator[Hit]:
    tools = Tool.objects.filter(mcp_server__isnull=False, name__icontains=text).select_related("app", "mcp_server")
    for tool in tools.order_by("name", "app__slug")[:HITS_PER_SOURCE]:
        url = reverse("admin:apps_registry_mcpserver_change", args=[tool.mcp_server_id])
        yield Hit(tool.name, url, f"of {tool.app.slug}, by {tool.mcp_server}")


def _documents(text: str) -> Iterator[Hit]:
    named = Document.objects.filter(title__icontains=text) | Document.objects.filter(name__icontains=text)
    for document in named.select_related("app").order_by("title", "pk")[:HITS_PER_SOURCE]:
        url = reverse("admin:apps_registry_document_change", args=[document.pk])
        yield Hit(str(document), url, f"of {document.app.slug}")


def _models(text: str) -> Iterator[Hit]:
    for model in (
        Model.objects.filter(name__icontains=text).select_related("provider").order_by("name")[:HITS_PER_SOURCE]
    ):
        yield Hit(model.name, reverse("admin:apps_registry_model_change", args=[model.pk]), f"by {model.provider}")


def _sessions(text: str) -> Iterator[Hit]:
    if (session_id := _as_uuid(text)) is not None:
        sessions = ChatSession.objects.filter(pk=session_id)
    elif re.fullmatch(r"[0-9a-fA-F-]{6,36}", text):
        sessions = ChatSession.objects.filter(pk__range=_id_range(text))
    else:
        sessions = ChatSession.objects.filter(title__icontains=text)
    for session in sessions.select_related("app").order_by("-last_active_at")[:HITS_PER_SOURCE]:
        title = session.title or f"{str(session.pk)[:8]}…"
        detail = f"{session.app.slug if session.app else 'no App yet'} · {session.status}"
        yield Hit(title, reverse("admin:sessions_app_chatsession_change", args=[session.pk]), detail)


def _id_range(beginning: str) -> tuple[UUID, UUID]:
    """Return the first and the last id that begin with these digits, so that their index finds them."""
    digits = beginning.replace("-", "")[:32]
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))


def _wallets(text: str) -> Iterator[Hit]:
    if (ends := both_ends(text)) is None:
        return
    rows = ChatSession.objects.filter(wallet_address__startswith=ends[0], wallet_address__endswith=ends[1])
    rows = rows.order_by("wallet_address")
    for address in map(str, rows.values_list("wallet_address", flat=True).distinct()[:HITS_PER_SOURCE]):
        url = f"{reverse('admin:sessions_app_chatsession_changelist')}?q={address}"
        yield Hit(shortened(address), url, address)


def _turns(text: str) -> Iterator[Hit]:
    if (turn_id := _as_uuid(text)) is not None:
        for turn in Turn.objects.filter(pk=turn_id).select_related("app"):
            url = reverse("admin:sessions_app_turn_change", args=[turn.pk])
            yield Hit(f"Turn {str(turn.pk)[:8]}…", url, f"{turn.app.slug} · {turn.status}")


def _outbound_calls(text: str) -> Iterator[Hit]:
    if (row_id := _as_uuid(text)) is None:
        return
    calls = f"{reverse('admin:apps_registry_outboundcall_changelist')}?q={row_id}"
    for column, thing in (("turn_id", "turn"), ("request_id", "request")):
        if OutboundCall.objects.filter(**{column: row_id}).exists():
            yield Hit(f"Outbound calls of this {thing}", calls)


def _refusals(text: str) -> Iterator[Hit]:
    if (request_id := _as_uuid(text)) is not None:
        for refusal in Refusal.objects.filter(request_id=request_id):
            url = reverse("admin:keys_refusal_change", args=[refusal.pk])
            yield Hit(f"Refused call {refusal.status}", url, f"{refusal.code} · {refusal.app or 'no App named'}")


register(Source("Apps", ("apps_registry.view_app", "apps_registry.change_app"), _apps))
register(Source("Keys", ("keys.view_appkey", "keys.change_appkey"), _keys))
register(Source("Tools", ("apps_registry.view_tool", "apps_registry.change_tool"), _tools))
register(Source("Built-in and client tools", ("apps_registry.view_app", "apps_registry.change_app"), _app_tools))
register(
    Source("Tools of MCP servers", ("apps_registry.view_mcpserver", "apps_registry.change_mcpserver"), _server_tools)
)
register(Source("Documents", ("apps_registry.view_document", "apps_registry.change_document"), _documents))
register(Source("Models", ("apps_registry.view_model", "apps_registry.change_model"), _models))
register(Source("Conversations", ("sessions_app.view_chatsession",), _sessions))
register(Source("Wallets", ("sessions_app.view_chatsession",), _wallets))
register(Source("Turns", ("sessions_app.view_turn",), _turns))
register(Source("Outbound calls", ("apps_registry.view_outboundcall",), _outbound_calls))
register(Source("Refused calls", ("keys.view_refusal",), _refusals))
