"""What a call carries: read from the query string, a header or the body, and checked by the types of its fields.

The same types make the OpenAPI document (chat/schema/parameters.py).
"""

import functools
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar, Concatenate, ParamSpec, Self, TypeVar, cast

import pydantic
from pydantic import BaseModel, ConfigDict
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.views import APIView

View = TypeVar("View", bound=APIView)
Result = TypeVar("Result")
Path = ParamSpec("Path")


class Parameters(BaseModel):
    """What one kind of call carries. A field with an alias is the header of that name.

    A field that may be left out has a default. Validators raise ValueError with what is wrong, to be read after the
    field's name ("is not text"), or an exception of another class, which the caller of `of` gets as it is.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)
    headers: ClassVar[tuple[str, ...]] = ()
    names: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        cls.headers = tuple(field.alias for field in cls.model_fields.values() if field.alias)
        cls.names = tuple(name for name, field in cls.model_fields.items() if not field.alias)

    @classmethod
    def of(cls, request: Request) -> Self:
        """Read a call. The query string wins over the body; unknown names are ignored.

        Raises:
            ValidationError: a field is missing or malformed; the detail names it.
            InvalidMessage, MessageTooLarge, InvalidUserState: as the field's own check says.
        """
        try:
            return cls.model_validate(cls._sent_in(request))
        except pydantic.ValidationError as error:
            raise _refusal(error) from None

    @classmethod
    def _sent_in(cls, request: Request) -> dict[str, Any]:
        query, headers = request.query_params, request.headers
        sent: dict[str, Any] = {name: headers[name] for name in cls.headers if name in headers}
        sent |= {name: query[name] for name in cls.names if name in query}
        if absent := [name for name in cls.names if name not in sent]:
            data: Any = request.data
            body: Mapping[str, Any] = data if isinstance(data, Mapping) else {}  # our parsers give objects only
            sent |= {name: value for name in absent if (value := body.get(name)) is not None}
        return sent


Asked = TypeVar("Asked", bound=Parameters)


def reads(
    kind: type[Asked],
) -> Callable[
    [Callable[Concatenate[View, Request, Asked, Path], Awaitable[Result]]],
    Callable[Concatenate[View, Request, Path], Awaitable[Result]],
]:
    """Return a decorator for handlers that take what the call carries as well; the document reads their hints."""

    def decorate(
        handler: Callable[Concatenate[View, Request, Asked, Path], Awaitable[Result]],
    ) -> Callable[Concatenate[View, Request, Path], Awaitable[Result]]:
        @functools.wraps(handler)
        async def read(view: View, request: Request, /, *args: Path.args, **path: Path.kwargs) -> Result:
            return await handler(view, request, kind.of(request), *args, **path)

        return read

    return decorate


def _refusal(error: pydantic.ValidationError) -> Exception:
    """Return our own words for the first thing that is wrong."""
    first = error.errors(include_url=False, include_input=False)[0]
    name, context = first["loc"][0], first.get("ctx", {})
    match first["type"]:
        case "missing" | "string_too_short":
            what = "is missing or empty"
        case "string_too_long":
            what = f"is longer than {context['max_length']} characters"
        case "value_error" if type(context["error"]) is not ValueError:
            return cast(Exception, context["error"])
        case "value_error":
            what = str(context["error"])
        case _:
            what = "is not text"
    return ValidationError(f"{name} {what}.")
