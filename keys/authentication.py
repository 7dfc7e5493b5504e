"""The App key as DRF authentication; awaited on the event loop, see chat/api/base.py."""

import ipaddress
from functools import lru_cache

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed, Throttled
from rest_framework.request import Request

from keys.callers import Caller
from keys.presented import presented_key
from keys.verification import InvalidKey, TooManyFailures, VerifierBusy, verifier

# One sentence for every failure: nobody learns whether a key exists, or did.
NO_VALID_KEY = "This call needs a valid App key in the AOMI-APP-KEY header."
CHALLENGE = "AppKey"  # the WWW-Authenticate header of every 401


class Overloaded(APIException):
    """More work than this worker takes on; come back soon."""

    status_code = 503
    default_detail = "The server is busy; try again shortly."
    default_code = "overloaded"
    retry_after = 1


class AppKeyAuthentication(BaseAuthentication):
    """Reads the key from the headers that may carry it and asks the verifier.

    Every request gets a `Caller` as `request.auth`, with or without a key; whether the App asked for needs
    one is the permission's business. A wrong key is refused even where none is needed: callers that send a key must
    send a valid one.
    """

    async def authenticate(self, request: Request) -> tuple[None, Caller]:  # type: ignore[override]
        """Return (None, caller): a key belongs to no user.

        Raises:
            AuthenticationFailed: a key is sent and does not open anything.
            Throttled: too many wrong secrets.
            Overloaded: too many first-time keys at once.
        """
        try:
            presented = presented_key(request.headers)
            if presented is None:
                return None, await verifier.anonymous()
            return None, await verifier.verify(presented, address=_network(str(request.META.get("REMOTE_ADDR") or "")))
        except InvalidKey:
            raise AuthenticationFailed(NO_VALID_KEY) from None
        except TooManyFailures as error:
            raise Throttled(wait=error.retry_after) from None
        except VerifierBusy:
            raise Overloaded from None

    def authenticate_header(self, request: Request) -> str:
        """Return the WWW-Authenticate challenge, which makes a failure a 401."""
        return CHALLENGE


@lru_cache(maxsize=10_000)
def _network(peer: str) -> str:
    """Return the peer's address; of IPv6 its /64, since one client commands that many."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return peer
    return str(ipaddress.ip_network(f"{peer}/64", strict=False)) if address.version == 6 else peer
