"""The console's navigation, in the order of an operator's work.

An entry is shown if its page exists and the operator may see it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import NoReverseMatch, reverse


@dataclass(frozen=True, slots=True)
class NavigationEntry:
    """An entry of the navigation.

    Attributes:
        label: the name in the navigation.
        url_name: the name of its URL; an entry whose URL does not exist is not shown.
        permissions: one of these is enough; if there are none, every operator sees the entry.
        description: what the page is for, shown on the page of settings.
        icon: a symbol of templates/admin/aomi/sprite.html; parts have none.
        parts: entries below this one, shown while the operator is on a page of one of them.
        paths: further paths that belong to it, relative to the admin.
    """

    label: str
    url_name: str
    permissions: tuple[str, ...] = ()
    description: str = ""
    icon: str = ""
    parts: tuple["NavigationEntry", ...] = ()
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VisibleEntry:
    """An entry as one operator sees it on one page.

    Attributes:
        entry: the entry.
        url: the URL of its page.
        is_here: whether the current page belongs to the entry.
        is_page: whether the current page is the entry's own.
        parts: the parts that the operator may see.
    """

    entry: NavigationEntry
    url: str
    is_here: bool
    is_page: bool
    parts: tuple["VisibleEntry", ...]


def listed(label: str, app_label: str, model: str, description: str = "", **more: Any) -> NavigationEntry:
    """Return the entry of a model's list, for operators who may view or change its rows.

    Args:
        label: the name in the navigation.
        app_label: the Django app of the model.
        model: the model's name in lower case.
        description: what the page is for.
        more: further attributes of the entry.
    """
    permissions = (f"{app_label}.view_{model}", f"{app_label}.change_{model}")
    return NavigationEntry(label, f"admin:{app_label}_{model}_changelist", permissions, description, **more)


SOURCES = (
    NavigationEntry("Overview", "admin:index", icon="overview"),
    listed(
        "Apps",
        "apps_registry",
        "app",
        "Assistants with their instructions, model, tools and documents.",
        icon="apps",
        parts=(
            listed("Tools", "apps_registry", "tool", "What models may call while they answer."),
            listed("Documents", "apps_registry", "document", "Texts that Apps search and cite."),
            listed("MCP servers", "apps_registry", "mcpserver", "Servers whose tools an App uses."),
        ),
    ),
    listed(
        "Keys",
        "keys",
        "appkey",
        "Credentials with which callers use Apps.",
        icon="keys",
        parts=(
            listed("Canary keys", "keys", "canarykey", "Decoys that nobody should use. Each use is reported."),
            listed("Fuse", "keys", "fusestate", "Stops calls without a key, manually or when they have used too much."),
        ),
    ),
    listed(
        "Conversations",
        "sessions_app",
        "chatsession",
        "What was said, and how it was answered.",
        icon="conversations",
        parts=(listed("Turns", "sessions_app", "turn", "One message and its answer: model, tokens, cost, errors."),),
    ),
    NavigationEntry(
        "Usage", "console_usage", ("keys.view_usage",), "Turns, tokens, cost, errors, latency.", icon="usage"
    ),
    listed("Refusals", "keys", "refusal", "Calls that were refused, and why.", icon="refusals"),
    listed("Outbound", "apps_registry", "outboundcall", "What tools requested from other servers.", icon="outbound"),
    listed(
        "Models",
        "apps_registry",
        "model",
        "The models that Apps may use.",
        icon="models",
        parts=(
            listed("Providers", "apps_registry", "provider", "Servers that run models, and their keys."),
            listed("Embedding models", "apps_registry", "embeddingmodel", "Models that search documents by meaning."),
        ),
    ),
    listed(
        "Operators",
        "auth",
        "user",
        "Who may log in to this console, and what they may do.",
        icon="operators",
        parts=(
            listed("Groups", "auth", "group", "Permissions that several operators share."),
            listed("Login attempts", "axes", "accessattempt", "Failed logins, and the lockouts that follow."),
        ),
    ),
    NavigationEntry("Settings", "console_settings", icon="settings", paths=("password_change/",)),
)


def entries_for(user: Any, path: str) -> list[VisibleEntry]:
    """Return the entries that a user may see.

    Args:
        user: the operator.
        path: the path of the current page, whose entry is marked.
    """
    return list(_visible(SOURCES, user, path))


def _visible(entries: tuple[NavigationEntry, ...], user: Any, path: str) -> Iterator[VisibleEntry]:
    for entry in entries:
        parts = tuple(_visible(entry.parts, user, path))
        url = _url(entry) if _may_see(user, entry) else None
        if url is None:  # its parts move up, so that an operator who may see only them can reach them
            yield from parts
            continue
        is_here = path.startswith(url) if entry.url_name != "admin:index" else path == url
        is_here = is_here or any(part.is_here for part in parts) or _owns(entry, path)
        yield VisibleEntry(entry, url, is_here, path == url, parts)


def _owns(entry: NavigationEntry, path: str) -> bool:
    return any(path.startswith(reverse("admin:index") + more) for more in entry.paths)


def _may_see(user: Any, entry: NavigationEntry) -> bool:
    return not entry.permissions or any(user.has_perm(permission) for permission in entry.permissions)


def _url(entry: NavigationEntry) -> str | None:
    try:
        return reverse(entry.url_name)
    except NoReverseMatch:
        return None
