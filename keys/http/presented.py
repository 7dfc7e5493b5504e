"""Finds the App key in a request's headers."""

from collections.abc import Iterator, Mapping

from django.conf import settings

from keys.verification import InvalidKey

OURS = ("sk-", "bt-")  # the prefixes of App keys and browser tokens


def presented_key(headers: Mapping[str, str]) -> str | None:
    """Return the key that a request presents, or None.

    `Authorization` counts only if its token begins like an App key: older clients send the token of another
    system there, which is ignored.

    Args:
        headers: by name, in any case; repeated lines are joined by commas.

    Raises:
        InvalidKey: there are several different keys, or an App key in a position where it cannot be used.
    """
    presented = {
        part.strip() for name in settings.APP_KEY_HEADERS if name in headers for part in headers[name].split(",")
    }
    presented |= set(_bearer_tokens(headers.get("Authorization", "")))
    if len(presented) > 1:
        raise InvalidKey("keys_differ")
    return next(iter(presented), None)


def _bearer_tokens(authorization: str) -> Iterator[str]:
    """Yield the App keys among the bearer tokens.

    Raises:
        InvalidKey: an App key is present, but not as `Bearer <token>`. Ignoring it would treat the caller as
            having no key.
    """
    for credentials in authorization.split(","):
        words = credentials.split()
        if any(word.lstrip("\"'").startswith(OURS) for word in words):
            if len(words) != len(("Bearer", "token")) or words[0].lower() != "bearer":
                raise InvalidKey("key_misplaced")
            yield words[1]
