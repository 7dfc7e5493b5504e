"""Why an MCP server gave no result, in our own or the server's words. A model may read these messages."""

from collections.abc import Mapping

from apps_registry.support.text.naming import shortened

WORDS_CHARS = 1000
CHALLENGE_CHARS = 300
_ADVICE = {
    400: "it does not accept the request",
    403: "it refuses this caller: check what the token allows, and which addresses the server accepts",
    404: "there is nothing at this address; check the path of the URL",
    405: "it does not accept POST here: it uses the old SSE transport, which is not supported. Look for its streamable "
    "HTTP address, which often ends in /mcp",
    406: "it offers neither JSON nor events",
    407: "a proxy in front of it requires a password",
    413: "the request is too large for it",
    415: "it does not accept JSON",
    421: "it does not accept the host of this URL; add the host to those that the server allows",
    429: "it has had too many requests; try again later",
}


class McpError(Exception):
    """The server cannot be reached, or answers with an error.

    Attributes:
        status: of the HTTP response, if it is an error.
        code: of the JSON-RPC error, if there is one.
        data: of the JSON-RPC error.
        is_answer: the server responded, even if the response is useless.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: int | None = None,
        data: object = None,
        is_answer: bool = True,
    ) -> None:
        super().__init__(message)
        self.is_answer = is_answer
        self.status = status
        self.code = code
        self.data = data


def status_error(status: int, headers: Mapping[str, str], *, sent: Mapping[str, str], words: str = "") -> McpError:
    """Return the error for an HTTP status.

    Args:
        status: 300 or more.
        headers: of the response.
        sent: request headers that the operator set.
        words: the server's own message, if it sent a readable one.
    """
    message = f"the server answered {status}: {_advice(status, headers, sent)}"
    return McpError(f"{message}. It says: {quotable(words)}" if words else message, status=status)


def quotable(words: str) -> str:
    """Return a server's message on one line, shortened, without invisible characters."""
    return shortened(words, WORDS_CHARS)


def _advice(status: int, headers: Mapping[str, str], sent: Mapping[str, str]) -> str:
    if status == 401:
        has_token = any(name.lower() == "authorization" for name in sent)
        want = "it does not accept the Authorization header" if has_token else "it requires a token"
        challenge = shortened(headers.get("www-authenticate", ""), CHALLENGE_CHARS)
        return f"{want}; set the Authorization header" + (f" (its challenge: {challenge})" if challenge else "")
    if status < 400:
        return "it redirects to another address; if that is the right one, make it the server's URL"
    if status >= 500:
        return "it failed; its own log shows why"
    return _ADVICE.get(status, "it refuses the request")
