"""App key authentication for DRF; it is awaited on the event loop, see chat/api/base.py."""

import ipaddress
from functools import lru_cache

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed, Throttled
from rest_framework.request import Request

from keys.callers import Caller
from keys.http.presented import presented_key
from keys.verification import InvalidKey, TooManyFailures, VerifierBusy, verifier

# One sentence for every failure, so that responses do not reveal whether a key exists or existed.
NO_VALID_KEY = "This call needs a valid App key in the AOMI-APP-KEY header."
CHALLENGE = "AppKey"  # the WWW-Authenticate header of every 401


class Overloaded(APIException):
    """The worker has too much work at the moment; clients should retry soon."""

    status_code = 503
    default_detail = "The server is busy; try again shortly."
    default_code = "overloaded"
    retry_after = 1


class AppKeyAuthentication(BaseAuthentication):
    """Reads the key from the request's headers and passes it to the verifier.

    Every request gets a `Caller` as `request.auth`, with or without a key; the permission decides whether the requested
    App needs one. A wrong key is refused even where no key is needed: callers that send a key must
    send a valid one.
    """

    async def authenticate(self, request: Request) -> tuple[None, Caller]:  # type: ignore[override]
        """Return (None, caller): a key belongs to no user.

        Raises:
            AuthenticationFailed: the request has a key that does not work.
            Throttled: too many wrong keys.
            Overloaded: too many first-time keys at once.
        """
        address = network_of(str(request.META.get("REMOTE_ADDR") or ""))
        try:
            presented = presented_key(request.headers)
            if presented is None:
                return None, await verifier.anonymous(address=address)
            return None, await verifier.verify(presented, address=address)
        except InvalidKey:
            raise AuthenticationFailed(NO_VALID_KEY) from None
        except TooManyFailures as error:
            raise Throttled(wait=error.retry_after) from None
        except VerifierBusy:
            raise Overloaded from None

    def authenticate_header(self, request: Request) -> str:
        """Return the WWW-Authenticate challenge; with it, DRF answers a failure with 401 instead of 403."""
        return CHALLENGE


@lru_cache(maxsize=10_000)
def network_of(peer: str) -> str:
    """Return the peer's address; for IPv6 its /64, since one client controls that many addresses."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return peer
    return str(ipaddress.ip_network(f"{peer}/64", strict=False)) if address.version == 6 else peer
