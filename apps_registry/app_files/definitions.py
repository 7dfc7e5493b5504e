"""Providers and models that a file defines for installations that lack them. Keys are never included."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from apps_registry.app_files.derived import column_names
from apps_registry.app_files.entries import AppEntry
from apps_registry.app_files.errors import AppFileError
from apps_registry.models import EmbeddingModel, Model, Provider

# The other columns stay out: headers may hold keys.
_PROVIDER_FIELDS = ("slug", "profile", "base_url", "api_key_env")
_OPTIONAL = ("profile", "api_key_env")


@dataclass(frozen=True, slots=True)
class Definitions:
    """Rows as data, by name. Missing rows are created; existing rows are not changed."""

    providers: dict[str, dict[str, Any]] = field(default_factory=dict)
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    embedding_models: dict[str, dict[str, Any]] = field(default_factory=dict)

    def as_data(self) -> dict[str, Any]:
        sections = {"providers": self.providers, "models": self.models, "embedding_models": self.embedding_models}
        return {name: list(rows.values()) for name, rows in sections.items() if rows}

    def missing(self) -> list[str]:
        """Describe what `make_missing` would create."""
        return [
            *(_provider_words(self.providers[slug]) for slug in _absent(Provider, "slug", self.providers)),
            *(f"model {name}" for name in _absent(Model, "name", self.models)),
            *(f"embedding model {name}" for name in _absent(EmbeddingModel, "name", self.embedding_models)),
        ]

    def check_providers(self) -> None:
        """Check the providers that `make_missing` would create.

        Raises:
            AppFileError: a provider is invalid, for example because its key variable must not be sent to its address.
        """
        for slug in _absent(Provider, "slug", self.providers):
            _check(Provider(**self.providers[slug]), f"providers, {slug}")

    def make_missing(self) -> None:
        """Create the missing rows.

        Raises:
            AppFileError: a row is invalid.
        """
        for slug in _absent(Provider, "slug", self.providers):
            _save(Provider(**self.providers[slug]), f"providers, {slug}")
        for name in _absent(Model, "name", self.models):
            _save(Model(**_with_provider(self.models[name], "models")), f"models, {name}")
        for name in _absent(EmbeddingModel, "name", self.embedding_models):
            row = EmbeddingModel(**_with_provider(self.embedding_models[name], "embedding_models"))
            _save(row, f"embedding_models, {name}")


def definitions_of(used: Iterable[Model], embedding_model: EmbeddingModel | None) -> Definitions:
    """Return the definitions of an App's models with their providers."""
    providers: dict[str, dict[str, Any]] = {}
    by_name: dict[str, dict[str, Any]] = {}
    for model in used:
        _add_provider(providers, model.provider)
        columns = {name: _as_data(getattr(model, name)) for name in column_names(Model)}
        by_name[model.name] = {"name": model.name, "provider": model.provider.slug, **columns}
    embedders = {}
    # Every installation has the embedded model, which has no provider.
    if embedding_model and embedding_model.provider:
        _add_provider(providers, embedding_model.provider)
        columns = {name: _as_data(getattr(embedding_model, name)) for name in column_names(EmbeddingModel)}
        slug = embedding_model.provider.slug
        embedders[embedding_model.name] = {"name": embedding_model.name, "provider": slug, **columns}
    return Definitions(providers, by_name, embedders)


def definitions_in(entry: AppEntry) -> Definitions:
    """Return the definitions in a file. Each has only the fields that the file sets."""
    by_section = {
        name: {row.name: row.model_dump(exclude_unset=True) for row in rows}
        for name, rows in (("models", entry.models), ("embedding_models", entry.embedding_models))
    }
    return Definitions({row.slug: row.model_dump() for row in entry.providers}, **by_section)


def _as_data(value: Any) -> Any:
    """Return a column's value as JSON data. A price becomes text, because a float cannot hold its digits exactly."""
    return f"{value.normalize():f}" if isinstance(value, Decimal) else value


def _add_provider(providers: dict[str, dict[str, Any]], provider: Provider) -> None:
    values = {name: getattr(provider, name) for name in _PROVIDER_FIELDS}
    providers[provider.slug] = {name: value for name, value in values.items() if value or name not in _OPTIONAL}


def _absent(model: type[models.Model], key: str, rows: dict[str, Any]) -> list[str]:
    existing = set(model._default_manager.filter(**{f"{key}__in": list(rows)}).values_list(key, flat=True))
    return [name for name in rows if name not in existing]


def _with_provider(row: dict[str, Any], where: str) -> dict[str, Any]:
    provider = Provider.objects.filter(slug=row["provider"]).first()
    if provider is None:
        raise AppFileError(f"{where}, {row['name']}: there is no provider {row['provider']!r}, here or in the file.")
    return {**row, "provider": provider}


def _provider_words(row: dict[str, Any]) -> str:
    """Describe the address that would receive the messages of callers, and the key sent with them."""
    key = f", with the key in {row['api_key_env']}" if row.get("api_key_env") else ""
    return f"provider {row['slug']} at {row['base_url']}{key}"


def _save(row: models.Model, where: str) -> None:
    _check(row, where)
    row.save()


def _check(row: models.Model, where: str) -> None:
    try:
        row.full_clean()
    except ValidationError as error:
        name, messages = next(iter(error.message_dict.items()))
        raise AppFileError(f"{where}: {name}: {messages[0]}") from None
