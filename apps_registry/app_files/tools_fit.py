"""Checks the tools of an App against the rules of its models' providers."""

from collections.abc import Iterable, Mapping
from typing import Any

from apps_registry.app_files.content import AppContent
from apps_registry.app_files.definitions import Definitions
from apps_registry.app_files.errors import AppFileError
from apps_registry.models import Model, Provider
from apps_registry.services.provider_fit import find_unfit


def refuse_unsupported_tools(content: AppContent, definitions: Definitions | None = None) -> None:
    """Refuse an App that enables a tool which the provider of one of its models rejects.

    Args:
        content: the App.
        definitions: of models that do not exist yet.

    Raises:
        AppFileError: the message names the tool, the provider and the reason.
    """
    models = _models((content.default_model, *content.alternative_models), definitions or Definitions())
    for http in content.http_tools:
        if http.is_enabled:
            _refuse(models, http.definition.name, http.definition.parameters)
    for tool_of_client in content.client_tools:
        if tool_of_client.is_enabled:
            _refuse(models, tool_of_client.name, tool_of_client.parameters)
    for server in content.mcp_servers:
        for tool in server.tools:
            if tool.is_enabled:
                _refuse(models, tool.name, tool.definition.parameters)


def _refuse(models: Iterable[Model], name: str, parameters: Mapping[str, Any]) -> None:
    for sentence in find_unfit(models, name, parameters):
        raise AppFileError(sentence)


def _models(names: Iterable[str], definitions: Definitions) -> list[Model]:
    """Return the existing models, and unsaved instances of those that the file defines."""
    wanted_names = list(names)
    rows = {row.name: row for row in Model.objects.filter(name__in=wanted_names).select_related("provider")}
    return [row for name in wanted_names if (row := rows.get(name) or _defined(name, definitions)) is not None]


def _defined(name: str, definitions: Definitions) -> Model | None:
    data = definitions.models.get(name)
    if data is None:
        return None
    slug = data["provider"]
    provider = Provider.objects.filter(slug=slug).first()
    if provider is None and slug in definitions.providers:
        provider = Provider(**definitions.providers[slug])
    supports_tools = data.get("supports_tools", True)
    return None if provider is None else Model(name=name, provider=provider, supports_tools=supports_tools)
