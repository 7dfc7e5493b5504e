"""Limits on messages and turns, for every protocol."""

from django.conf import settings

from apps_registry.support.text.outside_text import storable
from chat.providers.base import ModelFailure
from keys.limits.values import LimitExceeded


class InvalidMessage(ValueError):
    """The message cannot be answered; the exception's text says why."""


class MessageTooLarge(Exception):
    """The message is over the limit, which the exception's text names."""


class OutOfBudget(ModelFailure):
    """A limit of tokens or money refuses the next round of a running turn.

    Attributes:
        exceeded: the limit.
    """

    code = "budget_exhausted"

    def __init__(self, exceeded: LimitExceeded) -> None:
        super().__init__("The turn ended because a limit of tokens or money is reached.", reason=exceeded.rule)
        self.exceeded = exceeded


def check_message(text: str) -> None:
    """Refuse a text that is not a valid message.

    Raises:
        InvalidMessage: empty, or with a NUL or a lone surrogate, which Postgres cannot store.
        MessageTooLarge: over MESSAGE_MAX_CHARS.
    """
    if not text.strip():
        raise InvalidMessage("message is missing or empty.")
    if len(text) > settings.MESSAGE_MAX_CHARS:
        raise MessageTooLarge(f"message is longer than {settings.MESSAGE_MAX_CHARS} characters.")
    if storable(text) != text:
        raise InvalidMessage("message has a character that cannot be stored: NUL, or half of a surrogate pair.")
