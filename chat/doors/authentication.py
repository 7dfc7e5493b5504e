"""Authentication for other protocols, whose clients send keys as bearer tokens."""

from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from apps_registry.support.http.request_notes import note_refusal
from keys.callers import Caller
from keys.http.authentication import NO_VALID_KEY, AppKeyAuthentication
from keys.http.presented import OURS

# Tokens of clients that have no key but must send some token.
NO_KEY = frozenset({"", "none"})


class BearerAuthentication(AppKeyAuthentication):
    """Like the API's authentication, but never ignores a bearer token: clients of these protocols send keys there."""

    async def authenticate(self, request: Request) -> tuple[None, Caller]:  # type: ignore[override]
        """Return (None, caller).

        Raises:
            AuthenticationFailed: the token is not a valid key; see the base class for other errors.
        """
        scheme, _, token = request.headers.get("Authorization", "").strip().partition(" ")
        is_key = token.strip().startswith(OURS)
        if scheme and not is_key and not (scheme.lower() == "bearer" and token.strip().lower() in NO_KEY):
            note_refusal("key_malformed")
            raise AuthenticationFailed(NO_VALID_KEY)
        return await super().authenticate(request)
