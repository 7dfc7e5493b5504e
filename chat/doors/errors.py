"""Errors outside of views, in the form of the protocol that the path belongs to."""

from django.http import HttpRequest, HttpResponse

from apps_registry.support.http.paths import MCP_PATH, OPENAI_PREFIX
from chat.api import errors
from chat.doors.mcp.errors import plain_error as plain_mcp_error
from chat.doors.openai.errors import plain_error as plain_openai_error


def plain_problem(path: str, code: str, detail: str, *, rule: str = "", param: str | None = None) -> HttpResponse:
    """Return an error response for a request to a path.

    Args:
        path: the path.
        code: the error code.
        detail: the sentence for the client.
        rule: the word for operators, if the code does not say enough.
        param: what the request has wrong, for protocols whose errors have a place for its name.
    """
    problem = errors.plain_problem(code, detail, rule=rule)
    return _in_form(path, problem, code, detail, param)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an unknown path; Django's handler404."""
    if f"{request.path}/".startswith((OPENAI_PREFIX, MCP_PATH)):
        return plain_problem(request.path, "not_found", "There is nothing at this path.", rule=errors.UNKNOWN_PATH)
    return errors.not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer after an exception that no other code caught; Django's handler500."""
    response = errors.server_error(request)
    if not request.path.startswith((OPENAI_PREFIX, MCP_PATH)):
        return response
    is_away = response.status_code == errors.DATABASE_AWAY.status
    answer = errors.DATABASE_AWAY if is_away else errors.SERVER_FAILED
    return _in_form(request.path, response, answer.code, answer.detail)


def _in_form(path: str, problem: HttpResponse, code: str, detail: str, param: str | None = None) -> HttpResponse:
    if f"{path}/".startswith(OPENAI_PREFIX):
        return plain_openai_error(problem, code, detail, param)
    return plain_mcp_error(problem, code, detail) if path.startswith(MCP_PATH) else problem
