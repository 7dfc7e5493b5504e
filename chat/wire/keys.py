"""The JSON of the calls about the caller's own App key."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue
from typing_extensions import TypedDict

from chat.wire.values import EXAMPLE_TIME, Time, shown_as

Limited = Literal["requests", "turns", "tokens", "money"]
LimitedPer = Literal["minute", "day", "month"]
Day = Annotated[str, Field(examples=["2026-11-30"], json_schema_extra={"format": "date"})]
EXAMPLE_NUMBERS: dict[str, JsonValue] = {
    "turns": 12,
    "errors": 0,
    "prompt_tokens": 14480,
    "completion_tokens": 2210,
    "cost": 0.0112,
    "unpriced_tokens": 0,
}


@shown_as({"what": "tokens", "per": "day", "limit": 100000, "left": 98512, "resets_at": EXAMPLE_TIME})
class KeyLimit(TypedDict):
    """A limit of the key, and what is left of it. Days and months begin at midnight UTC."""

    what: Limited
    per: Annotated[LimitedPer | None, Field(description="null for the limit of turns at the same time.")]
    limit: float
    left: Annotated[float, Field(description="Without what running turns have reserved.")]
    resets_at: Annotated[Time | None, Field(description="When the whole limit is available again.")]


@shown_as(
    {
        "label": "checkout service, production",
        "apps": ["mycoindex"],
        "expires_at": EXAMPLE_TIME,
        "limits": [{"what": "tokens", "per": "day", "limit": 100000, "left": 98512, "resets_at": EXAMPLE_TIME}],
    }
)
class HeldAppKey(TypedDict):
    """The caller's App key; never the key itself."""

    label: str
    apps: Annotated[list[str], Field(description="The active Apps that the key opens.")]
    expires_at: Annotated[Time | None, Field(description="null: it does not expire.")]
    limits: list[KeyLimit]


class UsageNumbers(TypedDict):
    """What turns, titles and summaries have used."""

    turns: int
    errors: Annotated[int, Field(description="Turns that failed.")]
    prompt_tokens: int
    completion_tokens: int
    cost: Annotated[float, Field(description="By the models' prices; without the cost of `unpriced_tokens`.")]
    unpriced_tokens: Annotated[int, Field(description="Tokens of models without a price.")]


class UsageOfDay(UsageNumbers):
    """The usage of one App and model on one day."""

    day: Day
    app: str
    model: str


@shown_as(
    {
        "first_day": "2026-11-01",
        "last_day": "2026-11-30",
        "total": EXAMPLE_NUMBERS,
        "days": [{**EXAMPLE_NUMBERS, "day": "2026-11-30", "app": "mycoindex", "model": "gpt-5"}],
    }
)
class UsageOfKey(TypedDict):
    """The usage of the caller's key. Days begin at midnight UTC."""

    first_day: Day
    last_day: Day
    total: UsageNumbers
    days: Annotated[list[UsageOfDay], Field(description="The newest day first.")]
