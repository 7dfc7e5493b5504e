"""Finding the App key among a request's headers."""

from collections.abc import Iterator, Mapping

from django.conf import settings

from keys.verification import InvalidKey

OURS = ("sk-", "bt-")  # what App keys and browser tokens begin with


def presented_key(headers: Mapping[str, str]) -> str | None:
    """Return the one key that a request presents; None where it presents none.

    `Authorization` carries a key only where its token begins like one of ours: older clients send their account's
    token of another system there, which is passed over.

    Args:
        headers: by name, in any case; the values of repeated lines are joined by commas.

    Raises:
        InvalidKey: there are several that differ, or one of this server's where it cannot be used.
    """
    found = {part.strip() for name in settings.APP_KEY_HEADERS if name in headers for part in headers[name].split(",")}
    found |= set(_bearer_tokens(headers.get("Authorization", "")))
    if len(found) > 1:
        raise InvalidKey
    return next(iter(found), None)


def _bearer_tokens(authorization: str) -> Iterator[str]:
    """Yield the App keys among the tokens.

    Raises:
        InvalidKey: an App key is there other than as `Bearer <token>`: its caller means to use it, and would get
            nothing for it.
    """
    for credentials in authorization.split(","):
        words = credentials.split()
        if any(word.lstrip("\"'").startswith(OURS) for word in words):
            if len(words) != len(("Bearer", "token")) or words[0].lower() != "bearer":
                raise InvalidKey
            yield words[1]
