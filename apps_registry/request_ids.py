"""The id of the request that is being served, for answers, problems and log lines."""

import re
import uuid
from contextvars import ContextVar

CALLERS_ID_MAX_CHARS = 64
_UNSAFE = re.compile(r"[^A-Za-z0-9._:+/=@-]")
# An id is no place for a key, and some callers have only one string at hand.
_SECRET = re.compile(r"(?:sk|bt)-")

_current: ContextVar[str] = ContextVar("request_id", default="")


def begin_request() -> str:
    """Give the request that this task serves a new id, and return it."""
    request_id = str(uuid.uuid4())
    _current.set(request_id)
    return request_id


def request_id() -> str:
    """Return the id of the request that is being served; empty outside of one."""
    return _current.get()


def loggable(callers_id: str) -> str:
    """Return a caller's own request id as a log line may hold it: bounded, without spaces or control characters."""
    if _SECRET.search(callers_id):
        return "[secret]"
    return _UNSAFE.sub("_", callers_id[:CALLERS_ID_MAX_CHARS])
