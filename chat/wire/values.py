"""Small types that other modules of this package share, and the values of examples in the OpenAPI document."""

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

import orjson
from pydantic import ConfigDict, Field, InstanceOf, JsonValue, with_config
from pydantic.json_schema import SkipJsonSchema
from typing_extensions import TypeAliasType

T = TypeVar("T")

EXAMPLE_SESSION = "550e8400-e29b-41d4-a716-446655440000"
EXAMPLE_REQUEST = "9b2f6c1e-5a0d-4c1b-8a53-0d7a3f1e6b44"
EXAMPLE_MESSAGE = "0f8fad5b-d9cb-469f-a165-70867728950e"
EXAMPLE_TIME = "2026-11-23T06:20:00.123Z"
EXAMPLE_WALLET = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
EXAMPLE_STATE: dict[str, JsonValue] = {"address": EXAMPLE_WALLET, "chain_id": 1, "is_connected": True}

# A value, or its JSON if that was rendered before.
Ready: TypeAlias = T | SkipJsonSchema[InstanceOf[orjson.Fragment]]
JsonObject = TypeAliasType("JsonObject", dict[str, Any])

Status = Literal["idle", "processing", "interrupted"]
Time = Annotated[
    str,
    Field(
        description="A time in UTC, to the millisecond (ISO 8601).",
        examples=[EXAMPLE_TIME],
        json_schema_extra={"format": "date-time"},
    ),
]
AppSlug = Annotated[str | None, Field(description="The App's slug; null until the session belongs to an App.")]


def shown_as(*examples: JsonValue) -> Callable[[type[T]], type[T]]:
    """Return a decorator that sets a type's examples in the OpenAPI document."""
    config = ConfigDict(json_schema_extra={"examples": [*examples]})
    return with_config(config)
