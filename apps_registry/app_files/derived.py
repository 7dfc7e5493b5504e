"""Fields of App files, derived from the models and definitions, so that files include each new column immediately."""

import dataclasses
import inspect
import re
from decimal import Decimal
from functools import cache, partial
from typing import Annotated, Any, TypeAlias, get_type_hints

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, MaxValueValidator, MinValueValidator
from django.db import models
from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, create_model

from apps_registry.app_files.entries import AppEntry, ModelEntry, Number, ToolEntry
from apps_registry.app_files.settings import LINES, setting_fields
from apps_registry.http_tools.checks import LIMITS, METHODS
from apps_registry.http_tools.definition import HttpToolDefinition
from apps_registry.models import EmbeddingModel, Model

Column: TypeAlias = "models.Field[Any, Any]"


def _digits(value: Any) -> Any:
    """Return a price that the file writes as a number as text with the same digits."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


_Price = Annotated[
    Decimal,
    Field(strict=False),
    BeforeValidator(_digits),
    WithJsonSchema({"type": ["number", "string"], "pattern": r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"}),
]
_TYPES: tuple[tuple[Any, Any], ...] = (
    (models.BooleanField, bool),
    (models.FloatField, Number),
    (models.IntegerField, int),
    (models.DecimalField, _Price),
    (models.JSONField, dict[str, Any]),
    (models.Field, str),
)
_BOUNDS = (
    (MinValueValidator, "minimum", max),
    (MaxValueValidator, "maximum", min),
    (MaxLengthValidator, "maxLength", min),
)
_ATTRIBUTE = re.compile(r"^    (\w+): (.+?)(?=^    \w|\Z)", re.MULTILINE | re.DOTALL)


@cache
def app_entry() -> type[AppEntry]:
    """Return the class that reads a whole file."""
    lists = {
        "http_tools": create_model(
            "HttpToolEntry", __base__=ToolEntry, __doc__="An HTTP tool.", **_definition_fields()
        ),
        "models": create_model("ModelEntry", __base__=ModelEntry, **_columns(Model)),
        "embedding_models": create_model("EmbeddingModelEntry", __base__=ModelEntry, **_columns(EmbeddingModel)),
    }
    fields: dict[str, Any] = {
        name: (_setting(name, column), _info(column)) for name, column in setting_fields().items()
    }
    fields |= {name: (list[entry], []) for name, entry in lists.items()}  # type: ignore[valid-type]
    return create_model("AppFile", __base__=AppEntry, **fields)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of App files, for editors. It covers types and limits, but not every rule."""
    schema = app_entry().model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "App file"}


def column_names(model: type[models.Model]) -> list[str]:
    """Return the columns of a model that a definition in a file may set, apart from its name and provider."""
    return [column.name for column in _own_columns(model)]


def _own_columns(model: type[models.Model]) -> list[Column]:
    return [
        column
        for column in model._meta.concrete_fields
        if not column.primary_key and not column.is_relation and column.name != "name"
    ]


def _columns(model: type[models.Model]) -> dict[str, Any]:
    return {column.name: (_type(column), _info(column)) for column in _own_columns(model)}


def _setting(name: str, column: Column) -> Any:
    """Return the type of one of the App's own fields, which also applies the rules of its column."""
    is_list = name in LINES
    return Annotated[list[str] if is_list else _type(column), AfterValidator(partial(_cleaned, column, is_list))]


def _cleaned(column: Column, is_list: bool, value: Any) -> Any:
    if value is None:
        return None
    try:
        return column.clean("\n".join(value) if is_list else value, None)
    except ValidationError as error:
        raise ValueError(error.messages[0]) from None


def _type(column: Column) -> Any:
    plain = next(annotation for kind, annotation in _TYPES if isinstance(column, kind))
    return plain | None if column.null else plain


def _info(column: Column) -> Any:
    """Return what editors show for a column, including the default that applies when a file leaves it out."""
    extra: dict[str, Any] = {}
    for kind, keyword, closest in _BOUNDS:
        limits = [rule.limit_value for rule in column.validators if isinstance(rule, kind)]
        if limits and not isinstance(column, models.DecimalField):  # a decimal may be written as text
            extra[keyword] = closest(limits)
    if column.choices:
        extra["enum"] = [value for value, _ in column.flatchoices]
    default = None if column.null else column.get_default()
    return Field(default=default, description=str(column.help_text) or None, json_schema_extra=extra)


def _definition_fields() -> dict[str, Any]:
    """Return the fields of an HTTP tool's definition, except its name."""
    types = {**get_type_hints(HttpToolDefinition), "timeout_seconds": Number}
    words = dict(_ATTRIBUTE.findall(inspect.getdoc(HttpToolDefinition) or ""))
    extras: dict[str, Any] = {name: {"minimum": least, "maximum": most} for name, (least, most) in LIMITS.items()}
    extras["method"] = {"enum": list(METHODS)}
    fields = {}
    for field in dataclasses.fields(HttpToolDefinition):
        defaults = {name: getattr(field, name) for name in ("default", "default_factory")}
        default = {name: value for name, value in defaults.items() if value is not dataclasses.MISSING}
        description = " ".join(words[field.name].split())
        info = Field(**default, description=description, json_schema_extra=extras.get(field.name))
        fields[field.name] = (types[field.name], info)
    del fields["name"]
    return fields
