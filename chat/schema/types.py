"""Generates JSON Schema from the types in the API's code."""

from collections.abc import Mapping
from typing import Any, Literal

from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent
from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

Schema = dict[str, Any]
REF_TEMPLATE = "#/components/schemas/{model}"


class WireSchema(GenerateJsonSchema):
    """The schema of pydantic without what breaks client generators: titles of fields, and defaults for "absent"."""

    def typed_dict_schema(self, schema: core_schema.TypedDictSchema) -> JsonSchemaValue:
        """Forbid additional properties in responses; requests may have more."""
        shape = super().typed_dict_schema(schema)
        return {**shape, "additionalProperties": False} if self.mode == "serialization" else shape

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Omit empty defaults, which only mean that the field is absent."""
        return super().default_schema(schema) if schema.get("default") else self.generate_inner(schema["schema"])

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Return False: client generators would name classes by titles, and two classes may get the same name."""
        return False


def ref(kind: str, name: str) -> Schema:
    """Return a reference to a component, such as ref("schemas", "Snapshot")."""
    return {"$ref": f"#/components/{kind}/{name}"}


def answer_schema(type_: Any, registry: ComponentRegistry) -> Schema:
    """Return the schema of a response; the types that it names become components."""
    inputs: list[tuple[str, Literal["serialization"], TypeAdapter[Any]]] = [("", "serialization", TypeAdapter(type_))]
    shapes, shared = TypeAdapter.json_schemas(inputs, ref_template=REF_TEMPLATE, schema_generator=WireSchema)
    return _named({**shapes["", "serialization"], **shared}, registry)


def request_schema(kind: type[BaseModel], registry: ComponentRegistry) -> Schema:
    """Return the schema of a request; the types that it names become components."""
    return _named(kind.model_json_schema(ref_template=REF_TEMPLATE, schema_generator=WireSchema), registry)


def add_schema(name: str, shape: Mapping[str, Any], registry: ComponentRegistry) -> Schema:
    """Register a schema as a component and return a reference to it.

    Raises:
        ValueError: another schema has the same name.
    """
    component = ResolvedComponent(name, ResolvedComponent.SCHEMA, dict(shape), name)  # type: ignore[no-untyped-call]
    if component in registry and registry[component].schema != component.schema:
        raise ValueError(f"Two types of the API are named {name}.")
    registry.register_on_missing(component)
    return ref("schemas", name)


def _named(shape: Schema, registry: ComponentRegistry) -> Schema:
    for name, definition in shape.pop("$defs", {}).items():
        add_schema(name, definition, registry)
    return shape
