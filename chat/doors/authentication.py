"""Keys at the doors of other protocols, whose clients send them as bearer tokens."""

from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from keys.callers import Caller
from keys.http.authentication import NO_VALID_KEY, AppKeyAuthentication
from keys.http.presented import OURS

# What clients send that must send some token but have no key.
NO_KEY = frozenset({"", "none"})


class BearerAuthentication(AppKeyAuthentication):
    """As for the API, but no bearer token is ignored: a client of these protocols sends its key there."""

    async def authenticate(self, request: Request) -> tuple[None, Caller]:  # type: ignore[override]
        """Return (None, caller).

        Raises:
            AuthenticationFailed: the token is not a key that works; see the base class for other errors.
        """
        scheme, _, token = request.headers.get("Authorization", "").strip().partition(" ")
        is_key = token.strip().startswith(OURS)
        if scheme and not is_key and not (scheme.lower() == "bearer" and token.strip().lower() in NO_KEY):
            raise AuthenticationFailed(NO_VALID_KEY)
        return await super().authenticate(request)
