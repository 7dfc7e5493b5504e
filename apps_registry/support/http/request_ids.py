"""The id of the current request, for responses, errors and log lines."""

import re
import uuid
from contextvars import ContextVar
from urllib.parse import quote

CALLERS_ID_MAX_CHARS = 64
PATH_MAX_CHARS = 500
_UNSAFE = re.compile(r"[^A-Za-z0-9._:+/=@-]")
_UNPRINTABLE = re.compile(r"[^\x21-\x7e]+")
# Some callers send their API key as the request id; it must not reach the log.
_SECRET = re.compile(r"(?:sk|bt)-")
_LONG_SECRET = re.compile(r"(?:sk|bt)-[^/]{16,}")

_current: ContextVar[str] = ContextVar("request_id", default="")


def begin_request() -> str:
    """Assign a new id to the request of this task and return it."""
    request_id = str(uuid.uuid4())
    _current.set(request_id)
    return request_id


def request_id() -> str:
    """Return the id of the current request; empty outside a request."""
    return _current.get()


def loggable(callers_id: str) -> str:
    """Return a caller's request id in a form that is safe to log: short, without spaces or control characters."""
    if _SECRET.search(callers_id):
        return "[secret]"
    return _UNSAFE.sub("_", callers_id[:CALLERS_ID_MAX_CHARS])


def loggable_path(path: str) -> str:
    """Return a request path in a form that is safe to log: short, on one line, without text that looks like a key."""
    masked = _LONG_SECRET.sub("[secret]", path[: PATH_MAX_CHARS * 2])[:PATH_MAX_CHARS]
    return _UNPRINTABLE.sub(lambda match: quote(match[0], errors="replace"), masked)
