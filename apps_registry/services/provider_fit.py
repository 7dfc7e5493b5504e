"""Checks tools against the rules of a model's provider, when they are selected and when an App is loaded."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Protocol

from apps_registry.mcp.definition import McpToolDefinition
from apps_registry.models import App, Model, Tool
from apps_registry.provider_rules.tool_choices import Unfit
from apps_registry.provider_rules.tool_rules import ToolRules, fit


class HasSchema(Protocol):
    """An object with the name and the schema of a tool."""

    @property
    def name(self) -> str:
        """The name that the model uses."""
        ...

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The schema of its arguments."""
        ...


def fitted_schemas(tools: Iterable[HasSchema], rules: ToolRules) -> tuple[dict[str, Mapping[str, Any]], dict[str, str]]:
    """Return the schemas that a provider needs in another form, and why it rejects tools, both by name."""
    schemas: dict[str, Mapping[str, Any]] = {}
    unfit: dict[str, str] = {}
    for number, tool in enumerate(tools):
        if rules.max_tools is not None and number >= rules.max_tools:
            unfit[tool.name] = f"the provider accepts at most {rules.max_tools} tools"
            continue
        try:
            schema = fit(tool.name, tool.parameters, rules)
        except Unfit as error:
            unfit[tool.name] = str(error)
        else:
            if schema != tool.parameters:
                schemas[tool.name] = schema
    return schemas, unfit


def find_unfit(models: Iterable[Model], name: str, schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each model whose provider rejects a tool; models without tool support are skipped.

    Args:
        models: rows that were read with their providers.
        name: name of the tool.
        schema: schema of its arguments.
    """
    for model in models:
        profile = model.provider.known_profile
        if not model.supports_tools:
            continue
        try:
            fit(name, schema, profile.tools)
        except Unfit as error:
            yield f"The tool {name} is not accepted by {profile.title}, the provider of the model {model}: {error}."


def find_unfit_tools(app: App, model: Model) -> Iterator[str]:
    """Yield a sentence for each enabled tool of an App that a model's provider rejects."""
    for row in app.tools.filter(is_enabled=True).exclude(kind=Tool.Kind.BUILTIN):
        with suppress(TypeError, ValueError, KeyError):  # unreadable tools are not offered to any model
            yield from find_unfit([model], row.name, _parameters(row))


def _parameters(row: Tool) -> Mapping[str, Any]:
    if row.kind == Tool.Kind.CLIENT:
        return row.client_definition()[1]
    is_http = row.kind == Tool.Kind.HTTP
    definition = row.http_definition() if is_http else McpToolDefinition.from_text(row.definition)
    return definition.parameters


def models_of_app(app: App) -> list[Model]:
    """Return an App's models, the default first."""
    others = Model.objects.filter(alternative_of=app).exclude(pk=app.default_model_id).select_related("provider")
    return [Model.objects.select_related("provider").get(pk=app.default_model_id), *others]
