"""The body of every error."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict


class Problem(TypedDict):
    """An error (RFC 9457)."""

    type: Literal["about:blank"]
    title: str
    status: int
    detail: Annotated[str, Field(description="What is wrong, for people; the text may change.")]
    code: Annotated[str, Field(description="The error code, which never changes; programs should decide by it.")]
    error: Annotated[str, Field(description="The same as `detail`, for older clients.")]
    request_id: Annotated[
        str,
        Field(
            description="The response's `X-Request-Id`; the server's log has it too.",
            json_schema_extra={"format": "uuid"},
        ),
    ]
