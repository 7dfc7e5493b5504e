"""The JSON of browser tokens."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from chat.wire.values import Time


class BrowserToken(TypedDict):
    """A new browser token; it is not stored, so it is shown once."""

    token: Annotated[str, Field(description="To be sent as `Authorization: Bearer bt-…`.", examples=["bt-1.e30.c2ln"])]
    expires_at: Time
