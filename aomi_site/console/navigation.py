"""The console's navigation, by the work of operators.

A place is shown if its page exists and the operator may see it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import NoReverseMatch, reverse


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the navigation.

    Attributes:
        label: the name in the navigation.
        url_name: the name of its URL; a place whose URL does not exist is not shown.
        permissions: one of these is enough; without any, every operator sees the place.
        description: what the page is for, for the page of settings.
        icon: a symbol of templates/admin/aomi/sprite.html; parts have none.
        parts: places below this one, shown while the operator is in one of them.
        paths: further paths that belong to it, relative to the admin.
    """

    label: str
    url_name: str
    permissions: tuple[str, ...] = ()
    description: str = ""
    icon: str = ""
    parts: tuple["Place", ...] = ()
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """A place as one operator sees it on one page.

    Attributes:
        place: the place.
        url: where it leads.
        is_here: whether the page belongs to the place.
        is_page: whether the page is the place itself.
        parts: the parts that the operator may see.
    """

    place: Place
    url: str
    is_here: bool
    is_page: bool
    parts: tuple["Shown", ...]


def listed(label: str, app_label: str, model: str, description: str = "", **more: Any) -> Place:
    """Return the place of a model's list, for operators who may view or change its rows.

    Args:
        label: the name in the navigation.
        app_label: the Django app of the model.
        model: the model's name in lower case.
        description: what the page is for.
        more: further attributes of the place.
    """
    permissions = (f"{app_label}.view_{model}", f"{app_label}.change_{model}")
    return Place(label, f"admin:{app_label}_{model}_changelist", permissions, description, **more)


SOURCES = (
    Place("Overview", "admin:index", icon="overview"),
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
        "What callers open Apps with.",
        icon="keys",
        parts=(
            listed("Canary keys", "keys", "canarykey", "Keys that nobody should use, which report who does."),
            listed("Fuse", "keys", "fusestate", "Stops calls without a key, by hand or when they have used too much."),
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
    Place("Usage", "console_usage", ("keys.view_usage",), "Turns, tokens, money, errors and times.", icon="usage"),
    listed("Refusals", "keys", "refusal", "Calls that were refused, and why.", icon="refusals"),
    listed("Outbound", "apps_registry", "outboundcall", "What tools requested from other servers.", icon="outbound"),
    listed(
        "Models",
        "apps_registry",
        "model",
        "The models that Apps may use.",
        icon="models",
        parts=(
            listed("Providers", "apps_registry", "provider", "Where models are, and with which key."),
            listed("Embedding models", "apps_registry", "embeddingmodel", "Models that search documents by meaning."),
        ),
    ),
    listed(
        "Operators",
        "auth",
        "user",
        "Who may log in to this console, and do what.",
        icon="operators",
        parts=(
            listed("Groups", "auth", "group", "Permissions that several operators share."),
            listed("Login attempts", "axes", "accessattempt", "Wrong logins, and the locks that follow."),
        ),
    ),
    Place("Settings", "console_settings", icon="settings", paths=("password_change/",)),
)


def places_for(user: Any, path: str) -> list[Shown]:
    """Return the places that a user may see.

    Args:
        user: the operator.
        path: the path of the page, whose place is marked.
    """
    return list(_shown(SOURCES, user, path))


def _shown(places: tuple[Place, ...], user: Any, path: str) -> Iterator[Shown]:
    for place in places:
        parts = tuple(_shown(place.parts, user, path))
        url = _url(place) if _may_see(user, place) else None
        if url is None:  # its parts move up, so that an operator who may see only them can reach them
            yield from parts
            continue
        is_here = path.startswith(url) if place.url_name != "admin:index" else path == url
        is_here = is_here or any(part.is_here for part in parts) or _owns(place, path)
        yield Shown(place, url, is_here, path == url, parts)


def _owns(place: Place, path: str) -> bool:
    return any(path.startswith(reverse("admin:index") + more) for more in place.paths)


def _may_see(user: Any, place: Place) -> bool:
    return not place.permissions or any(user.has_perm(permission) for permission in place.permissions)


def _url(place: Place) -> str | None:
    try:
        return reverse(place.url_name)
    except NoReverseMatch:
        return None
