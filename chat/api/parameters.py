"""What callers send: from the query string or the body, checked, with the parameter's name in every error."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from chat.turns.limits import check_message
from sessions_app.user_state import InvalidUserState, parse_public_key, parse_user_state, text_of
from sessions_app.values import Wallet

TITLE_MAX_CHARS = 200
IDEMPOTENCY_KEY_MAX_CHARS = 255
REPLY_WAIT_SECONDS = 30  # where the App's operator left it to us


@dataclass(frozen=True, slots=True)
class ClientState:
    """What the client says of itself: the text of `user_state`, and the wallet to bind."""

    user_state: str | None
    wallet: Wallet | None


def text_parameter(request: Request, name: str, *, max_chars: int | None = None) -> str | None:
    """Return a parameter from the query string, else from the body; None when it is missing.

    Raises:
        ValidationError: not text, too long, or with a NUL or half a surrogate pair, which Postgres cannot hold.
    """
    value: Any = request.query_params.get(name)
    if value is None:
        value = _body(request).get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValidationError(f"{name} is not text.")
    if "\x00" in value:
        raise ValidationError(f"{name} has a NUL character.")
    if max_chars is not None and len(value) > max_chars:
        raise ValidationError(f"{name} is longer than {max_chars} characters.")
    return value


def message_parameter(request: Request) -> str:
    """Return the chat message.

    Raises:
        ValidationError: no text, or with a NUL.
        InvalidMessage, MessageTooLarge: missing or empty; over the limit.
    """
    message = text_parameter(request, "message") or ""
    check_message(message)
    return message


def app_parameter(request: Request) -> str | None:
    """Return the slug of the App asked for; None when it is left to us."""
    return text_parameter(request, "app") or None


def whole_number(request: Request, name: str, *, default: int, maximum: int) -> int:
    """Return a count from 1 to `maximum`; more than that is as good as the maximum.

    Raises:
        ValidationError: not a whole number, or 0.
    """
    text = text_parameter(request, name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal()) or int(text[:10]) < 1:
        raise ValidationError(f"{name} is not a whole number from 1.")
    return min(int(text[:10]), maximum)


def idempotency_key(request: Request) -> str | None:
    """Return the key under which the client may repeat this call.

    Raises:
        ValidationError: longer than 255 characters, or other than printable ASCII.
    """
    key = request.headers.get("Idempotency-Key")
    if key is not None and not (0 < len(key) <= IDEMPOTENCY_KEY_MAX_CHARS and key.isascii() and key.isprintable()):
        raise ValidationError("Idempotency-Key is not 1 to 255 printable ASCII characters.")
    return key


def seconds_to_wait(request: Request, app_wait: int | None, *, shows_turns: bool) -> tuple[int, str | None]:
    """Return how long to wait for the reply, and which preference of the client's that honours, if any.

    By `Prefer` (RFC 7240), else what the App says, else by what the client listens to.

    Args:
        request: the chat call.
        app_wait: the App's reply wait in seconds; None: its operator left it to us.
        shows_turns: whether the session's updates are read. Such a client shows a running turn only from an answer
            that comes at once.
    """
    longest = REPLY_WAIT_SECONDS if app_wait is None else app_wait
    sent = request.headers.get("Prefer", "").lower().split(",")
    preferences = [preference.split(";")[0].strip() for preference in sent]
    if "respond-async" in preferences:
        return 0, "respond-async"
    for preference in preferences:
        name, _, value = preference.partition("=")
        if name.strip() == "wait" and value.strip().isdecimal():
            seconds = min(int(value.strip()[:4]), longest)
            return seconds, f"wait={seconds}"
    return 0 if app_wait is None and shows_turns else longest, None


def client_state(request: Request) -> ClientState:
    """Return `user_state` and the wallet in it; `public_key` names a wallet too and wins.

    Raises:
        InvalidUserState: either is malformed.
    """
    wallet: Wallet | None = None
    text = _user_state_text(request)
    if text is not None:
        text, wallet = parse_user_state(text)
    if public_key := text_parameter(request, "public_key"):
        named = parse_public_key(public_key)
        wallet = wallet if wallet and named and wallet.address == named.address else named
    return ClientState(text, wallet)


def _user_state_text(request: Request) -> str | None:
    in_body = None if "user_state" in request.query_params else _body(request).get("user_state")
    if isinstance(in_body, dict):  # a JSON body may hold the object itself
        return text_of(in_body)
    text = text_parameter(request, "user_state")
    if text is not None and not text.strip():
        raise InvalidUserState("user_state is empty")
    return text


def _body(request: Request) -> Mapping[str, Any]:
    """Return the parsed body; our parsers give objects only."""
    data = request.data
    return data if isinstance(data, Mapping) else {}
