"""Reads the parameters of a request from query string, headers and body, and validates them by type.

The OpenAPI document is generated from the same types (chat/schema/parameters.py).
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
    """The parameters of one kind of request. A field with an alias is the header with that name.

    An optional field has a default. Validators raise ValueError with a text that follows the field's name ("is not
    text"), or an exception of another class, which `of` raises unchanged.
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
        """Read a request. The query string takes precedence over the body; unknown names are ignored.

        Raises:
            ValidationError: a field is missing or malformed; the detail names it.
            InvalidMessage, MessageTooLarge, InvalidUserState: the field's own validator refuses it.
        """
        return cls.read(cls._sent_in(request))

    @classmethod
    def read(cls, sent: Mapping[str, Any]) -> Self:
        """Validate parameters by name; raises as `of` does."""
        try:
            return cls.model_validate(sent)
        except pydantic.ValidationError as error:
            raise _refusal(error) from None

    @classmethod
    def _sent_in(cls, request: Request) -> dict[str, Any]:
        query, headers = request.query_params, request.headers
        sent: dict[str, Any] = {name: headers[name] for name in cls.headers if name in headers}
        sent |= {name: query[name] for name in cls.names if name in query}
        if absent := [name for name in cls.names if name not in sent]:
            data: Any = request.data
            body: Mapping[str, Any] = data if isinstance(data, Mapping) else {}  # our parsers return objects only
            sent |= {name: value for name in absent if (value := body.get(name)) is not None}
        return sent


ParametersT = TypeVar("ParametersT", bound=Parameters)


def reads(
    kind: type[ParametersT],
) -> Callable[
    [Callable[Concatenate[View, Request, ParametersT, Path], Awaitable[Result]]],
    Callable[Concatenate[View, Request, Path], Awaitable[Result]],
]:
    """Return a decorator for handlers that take the parsed parameters; the OpenAPI document reads their type hints."""

    def decorate(
        handler: Callable[Concatenate[View, Request, ParametersT, Path], Awaitable[Result]],
    ) -> Callable[Concatenate[View, Request, Path], Awaitable[Result]]:
        @functools.wraps(handler)
        async def read(view: View, request: Request, /, *args: Path.args, **path: Path.kwargs) -> Result:
            return await handler(view, request, kind.of(request), *args, **path)

        return read

    return decorate


def _refusal(error: pydantic.ValidationError) -> Exception:
    """Return an exception with our own words for the first error."""
    first = error.errors(include_url=False, include_input=False)[0]
    name, context = first["loc"][0], first.get("ctx", {})
    match first["type"]:
        case "missing" | "string_too_short":
            problem = "is missing or empty"
        case "string_too_long":
            problem = f"is longer than {context['max_length']} characters"
        case "value_error" if type(context["error"]) is not ValueError:
            return cast(Exception, context["error"])
        case "value_error":
            problem = str(context["error"])
        case _:
            problem = "is not text"
    return ValidationError(f"{name} {problem}.")
