"""Types of request bodies; parameters that a type does not name are ignored."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self, TypeVar

import orjson
import pydantic
from pydantic import BaseModel, ConfigDict
from pydantic_core import ErrorDetails

from apps_registry.support.text.outside_text import storable_json_text
from apps_registry.values import AppConfig, Sampling
from chat.doors.openai.errors import InvalidParameter
from chat.turns.input.client_tools import NO_ARGUMENTS, ClientTool

ModelT = TypeVar("ModelT", bound=BaseModel)
_NO_OBJECT = "it must be an object"
_NO_BOOLEAN = "it must be true or false"
_NO_NUMBER = "it must be a number"
_NO_WHOLE_NUMBER = "it must be a whole number"
# What callers read for the kinds of errors of https://docs.pydantic.dev/latest/errors/validation_errors/.
PROBLEMS: Mapping[str, str] = {
    "missing": "it is missing",
    "string_type": "it must be text",
    "string_unicode": "it must be valid Unicode",
    "list_type": "it must be a list",
    "dict_type": _NO_OBJECT,
    "model_type": _NO_OBJECT,
    "model_attributes_type": _NO_OBJECT,
    "bool_type": _NO_BOOLEAN,
    "bool_parsing": _NO_BOOLEAN,
    "float_type": _NO_NUMBER,
    "float_parsing": _NO_NUMBER,
    "finite_number": _NO_NUMBER,
    "int_type": _NO_WHOLE_NUMBER,
    "int_parsing": _NO_WHOLE_NUMBER,
    "int_parsing_size": _NO_WHOLE_NUMBER,
    "int_from_float": _NO_WHOLE_NUMBER,
}


class Body(BaseModel):
    """The body of a request.

    Attributes:
        unsupported: parameters that must not be ignored, because they would change the answer, each with its harmless
            values.
        is_kept: whether the server stores more of the body than its messages, which are checked one by one.
    """

    model_config = ConfigDict(hide_input_in_errors=True)
    unsupported: ClassVar[Mapping[str, tuple[Any, ...]]] = {}
    is_kept: ClassVar[bool] = False

    @classmethod
    def of(cls, body: dict[str, Any]) -> Self:
        """Read a body.

        Raises:
            InvalidParameter: a parameter is missing, malformed or not supported.
        """
        for name, harmless in cls.unsupported.items():
            if body.get(name) is not None and body[name] not in harmless:
                raise InvalidParameter(name, "it is not supported", code="unsupported_parameter")
        if cls.is_kept:
            for name, value in body.items():
                check_storable(name, value)
        return read(cls, body)


class Function(BaseModel):
    """A function that the caller's program runs."""

    model_config = ConfigDict(hide_input_in_errors=True)
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None

    def as_client_tool(self) -> ClientTool:
        """Return the tool in the form that turns use."""
        return ClientTool.of_caller(self.name, self.description or "", self.parameters or NO_ARGUMENTS)


def read(kind: type[ModelT], data: Mapping[str, Any], *within: str) -> ModelT:
    """Read a part of a body.

    Args:
        kind: its type.
        data: the part.
        within: the names of the parameters that contain it.

    Raises:
        InvalidParameter: something in it is missing or malformed.
    """
    try:
        return kind.model_validate(data)
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise InvalidParameter(_path([*within, *first["loc"]]), _problem(first)) from None


def _path(parts: Sequence[str | int]) -> str:
    """Return the path of a value as OpenAI writes it: `tools[0].type`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).removeprefix(".")


def _problem(error: ErrorDetails) -> str:
    """Return what is wrong with a value, in words that do not depend on the library that reads it."""
    context = error.get("ctx", {})
    match error["type"]:
        case "value_error":
            return str(context["error"])
        case "literal_error":
            return f"it must be {context['expected']}"
        case "greater_than_equal":
            return f"it must be at least {context['ge']:,g}"
        case "less_than_equal":
            return f"it must be at most {context['le']:,g}"
        case kind:
            return PROBLEMS.get(kind, "it cannot be used")


def check_storable(param: str, value: object) -> None:
    """Check that a value can be stored unchanged.

    Raises:
        InvalidParameter: it cannot.
    """
    try:
        text = orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        raise InvalidParameter(param, "it has a whole number beyond 64 bits, or half of a surrogate pair") from None
    if storable_json_text(text) != text:
        raise InvalidParameter(param, "it has a character that cannot be stored: NUL, or half of a surrogate pair")


def check_tool_choice(choice: object) -> bool:
    """Tell whether the model may call the caller's tools.

    Raises:
        InvalidParameter: the choice forces a call.
    """
    if choice not in (None, "auto", "none"):
        raise InvalidParameter("tool_choice", 'only "auto" and "none" are supported', code="unsupported_value")
    return choice != "none"


def sampling_of(app: AppConfig, requested: Sampling, form: str) -> Sampling:
    """Return the caller's sampling parameters; none if the App does not accept them.

    Args:
        app: the App.
        requested: the caller's parameters.
        form: the name of the parameter for the reply's format.

    Raises:
        InvalidParameter: the format cannot be stored, or the App does not accept it; ignoring it would mislead.
    """
    response_format = requested.response_format
    if (response_format or {}).get("type") == "text":
        response_format = None
    check_storable(form, response_format)
    if app.caller_rules.may_sample:
        return replace(requested, response_format=response_format)
    if response_format is not None:
        raise InvalidParameter(form, "this App does not accept it", code="unsupported_parameter")
    return Sampling()
