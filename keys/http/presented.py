"""Finds the App key or the browser token in a request's headers."""

from collections.abc import Iterator, Mapping

from django.conf import settings

from keys.failures import InvalidKey
from keys.tokens.text import PREFIX as TOKEN_PREFIX

KEY_PREFIX = "sk-"
OURS = (KEY_PREFIX, TOKEN_PREFIX)


def presented_key(headers: Mapping[str, str]) -> str | None:
    """Return the key or token that a request presents, or None.

    `Authorization` counts only if its token has a prefix of this server: older clients send the token of another
    system there, which is ignored. A browser token counts only there: the other headers are for App keys.

    Args:
        headers: by name, in any case; repeated lines are joined by commas.

    Raises:
        InvalidKey: there are several different ones, or one in a position where it cannot be used.
    """
    presented = {
        part.strip() for name in settings.APP_KEY_HEADERS if name in headers for part in headers[name].split(",")
    }
    if any(key.startswith(TOKEN_PREFIX) for key in presented):
        raise InvalidKey("token_in_key_header")
    presented |= set(_bearer_tokens(headers.get("Authorization", "")))
    if len(presented) > 1:
        raise InvalidKey("keys_differ")
    return next(iter(presented), None)


def _bearer_tokens(authorization: str) -> Iterator[str]:
    """Yield the App keys and browser tokens among the bearer tokens.

    Raises:
        InvalidKey: one is present, but not as `Bearer <token>`. Ignoring it would treat the caller as having none.
    """
    for credentials in authorization.split(","):
        words = credentials.split()
        if any(word.lstrip("\"'").startswith(OURS) for word in words):
            if len(words) != len(("Bearer", "token")) or words[0].lower() != "bearer":
                raise InvalidKey("key_misplaced")
            yield words[1]
