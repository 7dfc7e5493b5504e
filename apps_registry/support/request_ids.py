"""The id of the request that is being served, for answers, problems and log lines."""

import re
import uuid
from contextvars import ContextVar
from urllib.parse import quote

CALLERS_ID_MAX_CHARS = 64
PATH_MAX_CHARS = 500
_UNSAFE = re.compile(r"[^A-Za-z0-9._:+/=@-]")
_UNPRINTABLE = re.compile(r"[^\x21-\x7e]+")
# An id is no place for a key, and some callers have only one string at hand.
_SECRET = re.compile(r"(?:sk|bt)-")
_LONG_SECRET = re.compile(r"(?:sk|bt)-[^/]{16,}")

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


def loggable_path(path: str) -> str:
    """Return a request's path as a log line may hold it: bounded, in one line, without what looks like a key."""
    known = _LONG_SECRET.sub("[secret]", path[: PATH_MAX_CHARS * 2])[:PATH_MAX_CHARS]
    return _UNPRINTABLE.sub(lambda found: quote(found[0], errors="replace"), known)
