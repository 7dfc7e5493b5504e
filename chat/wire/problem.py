"""The body of every error."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict


class Problem(TypedDict):
    """RFC 9457"""

    type: Literal["about:blank"]
    title: str
    status: int
    detail: str
    code: Annotated[str, Field(description="A stable word for machines.")]
    error: Annotated[str, Field(description="`detail` again.")]
    request_id: Annotated[
        str,
        Field(
            description="The answer's `X-Request-Id`, by which the operator finds the log line.",
            json_schema_extra={"format": "uuid"},
        ),
    ]
