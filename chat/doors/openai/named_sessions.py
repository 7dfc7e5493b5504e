"""The session that a request names by a header; what else names one must name the same."""

from collections.abc import Mapping
from uuid import UUID

from chat.doors.openai.errors import InvalidParameter
from sessions_app.access import InvalidSessionId, parse_session_id

SESSION_HEADER = "X-Session-Id"


def session_named(param: str, text: object) -> UUID:
    """Return the session that a parameter names.

    Raises:
        InvalidParameter: it is not the id of a session.
    """
    try:
        return parse_session_id(str(text))
    except InvalidSessionId:
        raise InvalidParameter(param, "it must be a random UUID of the form 8-4-4-4-12") from None


def session_of_header(headers: Mapping[str, str]) -> UUID | None:
    """Return the session that the header names; None without it.

    Raises:
        InvalidParameter: it is not the id of a session.
    """
    named = headers.get(SESSION_HEADER)
    return session_named(SESSION_HEADER, named) if named else None


def check_header(headers: Mapping[str, str], session_id: UUID, other: str) -> None:
    """Check that the header, if there is one, names the session that another part of the request means.

    Args:
        headers: of the request.
        session_id: the session.
        other: the part of the request that means it.

    Raises:
        InvalidParameter: the header is not the id of a session, or names another one.
    """
    if session_of_header(headers) not in {None, session_id}:
        raise InvalidParameter(SESSION_HEADER, f"it names another session than {other}")
