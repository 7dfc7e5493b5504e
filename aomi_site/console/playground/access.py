"""Decides who may try an App in the playground, and as which caller."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from aomi_site.console.stream_logins import operator_of
from apps_registry.models import App, RegistryRevision
from keys.callers import Caller, Channel, operator_in
from sessions_app.models import Message
from sessions_app.values import StoredMessage

USE_PLAYGROUND = "apps_registry.use_playground"
# A turn that is tried again brings the messages before it: the newest ones, up to these limits.
EARLIER_MAX = 200
EARLIER_MAX_CHARS = 400_000


class PlaygroundRefusal(Exception):
    """The operator may not try this, or it cannot be tried.

    Attributes:
        status: the HTTP status of the answer.
    """

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator who tries an App.

    Attributes:
        caller: the caller of the turns.
        slug: the App's slug.
        earlier: the messages before the turn that is tried again.
    """

    caller: Caller
    slug: str
    earlier: tuple[StoredMessage, ...] = ()


def may_try(user: Any) -> bool:
    """Tell whether a user may talk to Apps in the playground."""
    return bool(user.has_perm(USE_PLAYGROUND) or user.has_perm("apps_registry.change_app"))


def may_read_turns(user: Any) -> bool:
    """Tell whether a user may try a turn again, which shows them its conversation."""
    return bool(user.has_perms(("sessions_app.view_chatsession", "sessions_app.view_turn")))


def find_operator(login: str, app_id: int, channel: str, again: UUID | None) -> Operator:
    """Return the operator of a login. Reads the database.

    Args:
        login: the cookie that names the login.
        app_id: the App to try.
        channel: the state of the App: "live", "draft", or "release:" and an id.
        again: the turn that is tried again, if any.

    Raises:
        PlaygroundRefusal: the operator may not try it, or there is no such App, state or turn.
    """
    user = operator_of(login)
    if user is None or not may_try(user):
        raise PlaygroundRefusal(403, "You may not try Apps, or are no longer logged in.")
    app = App.objects.filter(pk=app_id).first()
    if app is None:
        raise PlaygroundRefusal(404, "This App no longer exists.")
    if not app.is_active:
        raise PlaygroundRefusal(409, "This App is turned off. Turn it on to try it.")
    if again is not None and not may_read_turns(user):
        raise PlaygroundRefusal(403, "You may not read the conversation of the turn to try again.")
    revision = RegistryRevision.objects.get().number
    earlier = tuple(_messages_before(app, again)) if again else ()
    return Operator(operator_in(app.pk, _channel(app, channel), revision=revision), app.slug, earlier)


def _channel(app: App, name: str) -> Channel:
    kind, _, release_id = name.partition(":")
    match kind:
        case "live" | "draft" if not release_id:
            return Channel(kind)
        case "release" if release_id.isascii() and release_id.isdigit() and len(release_id) < 19:
            if app.releases.filter(pk=int(release_id)).exists():
                return Channel("release", int(release_id))
    raise PlaygroundRefusal(404, "This App has no such release.")


def _messages_before(app: App, turn_id: UUID) -> list[StoredMessage]:
    """Return the messages before a turn, oldest first, up to the limits."""
    first = Message.objects.filter(turn=turn_id, turn__app=app).order_by("position").first()
    if first is None:
        raise PlaygroundRefusal(404, "The turn to try again was deleted.")
    before = Message.objects.filter(session=first.session_id, position__lt=first.position).order_by("-position")
    messages: list[StoredMessage] = []
    left = EARLIER_MAX_CHARS
    for row in before[:EARLIER_MAX]:
        if (left := left - len(row.content) - len(row.tool_arguments)) < 0:
            break
        messages.append(_stored(row))
    return messages[::-1]


def _stored(row: Message) -> StoredMessage:
    common = (row.id, row.turn_id, row.role, row.content, row.created_at)
    return StoredMessage(*common, row.tool_round, row.tool_name, row.tool_call_id, row.tool_arguments, row.extra)
