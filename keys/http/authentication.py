"""App key authentication for DRF; it is awaited on the event loop, see chat/api/base.py."""

from dataclasses import replace

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed, Throttled
from rest_framework.request import Request

from apps_registry.support.http.request_notes import note_app, note_key, note_refusal, request_notes
from apps_registry.support.http.request_sources import RequestSource
from keys.addresses import network_of
from keys.callers import Caller
from keys.failure_counts import VerifierBusy
from keys.failures import InvalidKey, TooManyFailures
from keys.guards.errors import CallerLimit
from keys.guards.rates import rates
from keys.http.overloaded import Overloaded
from keys.http.presented import presented_key
from keys.http.streams import count_stream
from keys.tokens.text import PREFIX as TOKEN_PREFIX
from keys.verification import verifier

# One sentence for every failure, so that responses do not reveal whether a key exists or existed.
NO_VALID_KEY = "This call needs a valid App key, in the header AOMI-APP-KEY or as Authorization: Bearer."
CHALLENGE = "AppKey"  # the WWW-Authenticate header of every 401


class TooMuch(APIException):
    """The caller has reached a limit of keys/guards/.

    Attributes:
        rule, facts, retry_after: those of the CallerLimit.
    """

    status_code = 429
    default_code = "rate_limited"

    def __init__(self, limit: CallerLimit) -> None:
        super().__init__(limit.detail)
        self.rule, self.facts, self.retry_after = limit.rule, limit.facts, limit.retry_after


class AppKeyAuthentication(BaseAuthentication):
    """Reads the key or the browser token from the request's headers and passes it to the verifier.

    Every request gets a `Caller` as `request.auth`, with or without a key; the permission decides whether the requested
    App needs one. A wrong key is refused even where no key is needed: callers that send a key must
    send a valid one.
    """

    async def authenticate(self, request: Request) -> tuple[None, Caller]:  # type: ignore[override]
        """Return (None, caller): a key belongs to no user.

        Raises:
            AuthenticationFailed: the request has a key that does not work.
            Throttled: too many wrong keys.
            Overloaded: too many new keys at the same time.
            OriginNotAllowed, NetworkNotAllowed: the key is valid, but not for the source of the call.
            TooMuch: too many calls, or too many open event streams.
        """
        note_app(request.query_params.get("app"))
        address = network_of(_address(request))
        try:
            caller = replace(await _caller(request, address), source=_source_of(request))
        except InvalidKey as error:
            note_failure(error)
            raise AuthenticationFailed(NO_VALID_KEY) from None
        except TooManyFailures as error:
            note_refusal(error.rule, failure=error.cause.rule)
            note_failure(error.cause)
            raise Throttled(wait=error.retry_after) from None
        except VerifierBusy:
            note_refusal("verifier_busy")
            raise Overloaded from None
        except CallerLimit as error:
            raise TooMuch(error) from None
        caller.check_source()
        return None, caller

    def authenticate_header(self, request: Request) -> str:
        """Return the WWW-Authenticate challenge; with it, DRF answers a failure with 401 instead of 403."""
        return CHALLENGE


async def _caller(request: Request, address: str) -> Caller:
    presented = presented_key(request.headers)
    if presented is None:
        rates.count_address(address)  # before any statement
        caller = await verifier.anonymous(address=address)
    else:
        is_token = presented.startswith(TOKEN_PREFIX)
        verify = verifier.verify_token if is_token else verifier.verify
        caller = await verify(presented, address=address)
        note_key(caller.key_id, is_holder=True)
        if is_token:  # one visitor must not use up the key's limit
            rates.count_address(address)
        if caller.key_id is not None:
            rates.count_key(caller.key_id)
    count_stream(request._request, caller)
    return caller


def note_failure(error: InvalidKey) -> None:
    """Note why a key failed, for operators only. A canary is reported later, when the refusal is written."""
    note_refusal(error.rule)
    note_key(error.key_id, is_holder=False)
    if error.canary_id is not None:
        request_notes().facts["canary"] = error.canary_id


def _source_of(request: Request) -> RequestSource:
    """Return where a request comes from.

    With a GET from a page of this server's own origin, browsers send no Origin but a Sec-Fetch-Site header. Pages can
    set neither.
    """
    origin = request.headers.get("Origin")
    if origin is None and request.headers.get("Sec-Fetch-Site") == "same-origin":
        origin = f"{request.scheme}://{request.get_host()}".lower()
    return RequestSource(origin, _address(request))


def _address(request: Request) -> str:
    return str(request.META.get("REMOTE_ADDR") or "")
