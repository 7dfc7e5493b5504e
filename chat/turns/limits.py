"""What a message may be and cost, whoever brings it."""

from django.conf import settings

from apps_registry.support.outside_text import storable
from sessions_app.turns import NewTurn


class InvalidMessage(ValueError):
    """A message that cannot be answered; the exception's text says why."""


class MessageTooLarge(Exception):
    """A message over the limit, which the exception's text gives."""


def check_message(text: str) -> None:
    """Refuse a text that is no message.

    Raises:
        InvalidMessage: empty, or with a NUL or half a surrogate pair, which Postgres cannot hold.
        MessageTooLarge: over MESSAGE_MAX_CHARS.
    """
    if not text.strip():
        raise InvalidMessage("message is missing or empty.")
    if len(text) > settings.MESSAGE_MAX_CHARS:
        raise MessageTooLarge(f"message is longer than {settings.MESSAGE_MAX_CHARS} characters.")
    if storable(text) != text:
        raise InvalidMessage("message has a character that cannot be stored: NUL, or half of a surrogate pair.")


def check_limits(turn: NewTurn) -> None:
    """Refuse a turn that is over a limit.

    It is called right before a turn is claimed, for the first time or again: what it refuses stores nothing, and a
    turn that is only found again costs nothing. What a key or an App may spend is to be checked here, too: the turn
    names both.

    Raises:
        InvalidMessage, MessageTooLarge: as for `check_message`.
    """
    check_message(turn.content)
