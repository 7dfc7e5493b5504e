"""The facts next to a conversation: its App, release, wallet, keys and times."""

from collections.abc import Iterator
from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps_registry.admin.display import code, linked, moment
from apps_registry.models import App
from apps_registry.support.wallet_addresses import both_ends
from apps_registry.values import OPERATORS_CHANNEL, release_to_run
from sessions_app.admin.filters import keys
from sessions_app.models import ChatSession

KEYS_SHOWN = 3


def facts_of(session: ChatSession, user: Any) -> list[tuple[str, SafeString | str]]:
    """Return (name, value) of each known fact about a session.

    Args:
        session: the session.
        user: the operator; there are links only to pages that the operator may see.
    """
    return list(_facts(session, user))


def _facts(session: ChatSession, user: Any) -> Iterator[tuple[str, SafeString | str]]:
    yield "Session", _copyable("session-id", session.pk, "the session id")
    yield "App", _app(session, user)
    if session.app is not None:
        yield "Answered by", _release(session)
    if session.chosen_model:
        yield "Chosen model", code(session.chosen_model)
    if session.wallet_address:
        yield "Wallet", _wallet(session)
    if user.has_perm("sessions_app.view_turn") and (used := list(_keys(session, user))):
        yield "App key" if len(used) == 1 else "App keys", format_html("{}", SafeString("<br>".join(used)))
    yield "Created", moment(session.created_at)
    yield "Last active", moment(session.last_active_at)


def _copyable(element_id: str, text: object, label: str) -> SafeString:
    button = '<button type="button" class="aomi-copy-link" data-copy="{}" aria-label="Copy {}">Copy</button>'
    return format_html(f'<span id="{{}}">{{}}</span> {button}', element_id, code(text), element_id, label)


def _app(session: ChatSession, user: Any) -> SafeString | str:
    if session.app is None:
        return "none yet: its first chat message sets it"
    if user.has_perm("apps_registry.view_app") or user.has_perm("apps_registry.change_app"):
        return linked("admin:apps_registry_app_change", session.app_id, session.app.slug)
    return session.app.slug


def _release(session: ChatSession) -> str:
    """Return the release that answers the next turn, and whether the session keeps it."""
    app = session.app
    if app is None:
        return ""
    if session.channel not in {"", "live"}:
        return _channel(app, session.channel)
    release_id = release_to_run(app.live_release_id, session.release_id, keeps=app.sessions_keep_release)
    release = app.releases.filter(pk=release_id).first() if release_id else None
    name = f"Release {release.number}" if release else "The App's draft"
    is_kept = release is not None and release.pk == session.release_id and app.sessions_keep_release
    return f"{name}, which it keeps." if is_kept else f"{name}: it follows what is live."


def _channel(app: App, channel: str) -> str:
    """Describe a channel other than the live one; only keys with that channel continue the session."""
    is_operators = channel.startswith(OPERATORS_CHANNEL)
    kind, _, release_id = channel.removeprefix(OPERATORS_CHANNEL).partition(":")
    reason = "an operator tries it in the playground" if is_operators else "the session began with a key for"
    if kind == "live":
        return f"What is live: {reason}."
    if not release_id:
        return f"The App's draft: {reason}{'' if is_operators else ' the draft'}."
    release = app.releases.filter(pk=int(release_id)).first()
    name = f"Release {release.number}" if release else "A release that was deleted"
    return f"{name}: {reason}{'' if is_operators else ' this release'}."


def _wallet(session: ChatSession) -> SafeString:
    """Return the wallet that the client named, its chain, and whether a signature proved ownership."""
    chain = f" on chain {session.wallet_chain_id}" if session.wallet_chain_id is not None else ""
    proof = "ownership proven" if session.wallet_is_proven else "ownership not proven"
    line = format_html("{}{}, {}", code(session.wallet_address), chain, proof)
    if both_ends(session.wallet_address or "") is None:
        return line
    url = reverse("admin:sessions_app_chatsession_wallet", args=[session.wallet_address])
    return format_html('{}<br><a href="{}">All data of this wallet</a>', line, url)


def _keys(session: ChatSession, user: Any) -> Iterator[SafeString]:
    """Yield the keys that the session's turns used; deleted keys are shown by id."""
    used = session.turns.filter(app_key_id__gt=0).order_by("app_key_id")
    ids = list(used.values_list("app_key_id", flat=True).distinct()[:KEYS_SHOWN])
    labels = keys().filter(pk__in=ids).names()
    for pk in ids:
        if pk not in labels:
            yield format_html("no. {} (deleted)", pk)
        elif user.has_perm("keys.view_appkey") or user.has_perm("keys.change_appkey"):
            yield linked("admin:keys_appkey_change", pk, labels[pk])
