"""Chooses the model on a machine where none is configured yet."""

import os
from dataclasses import dataclass, field
from typing import Any

from django.core.management.base import CommandError

from aomi_site.embedded_model import server as embedded
from aomi_site.environment import OPENAI_URL
from aomi_site.practice_model import application as practice
from aomi_site.processes.network import get_json
from apps_registry.credentials.encryption import NoKeys
from apps_registry.credentials.header_fit import UnfitKey
from apps_registry.credentials.provider_key import NoProviderKey
from apps_registry.models import App
from apps_registry.services.seed import (
    LOCAL_PROVIDERS,
    PRACTICE_PROVIDER,
    ForeignModel,
    seed_default_app,
    use_local_model,
)

OPENAI_MODEL = "gpt-4o-mini"
OLLAMA_URL = "http://127.0.0.1:11434"


@dataclass(frozen=True)
class ModelSpec:
    """A provider and its model, as `seed_default_app` writes them, and the reason for the choice."""

    provider_slug: str
    base_url: str
    api_key: str = field(repr=False)
    model_name: str
    provider_model_id: str
    context_window: int
    supports_tools: bool
    reason: str

    @property
    def line(self) -> str:
        """The banner's description of the model."""
        return f"{self.model_name} ({self.provider_slug}): {self.reason}"

    def seed(self) -> App:
        """Create the default App with this model unless there is a default App; return the default App.

        Raises:
            CommandError: the provider's key cannot be stored.
        """
        try:
            app, _made_now = seed_default_app(**self.values())
        except (NoKeys, UnfitKey) as error:
            raise CommandError(str(error)) from None
        return app

    def use(self) -> App:
        """Make this local model the default App's, creating what is missing; return the default App.

        Raises:
            CommandError: another provider has a model of this name.
        """
        try:
            return use_local_model(
                provider_slug=self.provider_slug,
                base_url=self.base_url,
                model_name=self.model_name,
                context_window=self.context_window,
                supports_tools=self.supports_tools,
            )
        except ForeignModel as error:
            raise CommandError(str(error)) from None

    def values(self) -> dict[str, Any]:
        """Return the arguments of `seed_default_app`."""
        return {name: value for name, value in vars(self).items() if name != "reason"}


def openai_url() -> str:
    """Return the base URL for OpenAI's protocol from OPENAI_BASE_URL; raise a CommandError if that is not a URL."""
    base_url = os.environ.get("OPENAI_BASE_URL", "").rstrip("/") or OPENAI_URL
    if not base_url.startswith(("http://", "https://")):
        raise CommandError(f"OPENAI_BASE_URL is {base_url!r}; it must be a URL such as https://host/v1.")
    return base_url


def configured_model() -> ModelSpec | None:
    """Return the model in the environment, otherwise one of an Ollama on this machine, otherwise None."""
    return _openai_model() or _ollama_model()


def local_model(provider_slug: str, base_url: str, reason: str) -> ModelSpec:
    """Return a model that quickstart runs.

    Args:
        provider_slug: one of LOCAL_PROVIDERS.
        base_url: its current address.
        reason: why it was chosen.
    """
    is_practice = provider_slug == PRACTICE_PROVIDER
    name = practice.MODEL_ID if is_practice else embedded.MODEL_ID
    return ModelSpec(
        provider_slug=provider_slug,
        base_url=base_url,
        api_key="",
        model_name=name,
        provider_model_id=name,
        context_window=practice.CONTEXT_TOKENS if is_practice else embedded.CONTEXT_TOKENS,
        supports_tools=is_practice,
        reason=reason,
    )


def local_models_in_use() -> set[str]:
    """Return the providers of the quickstart models that an active App uses as default or alternative."""
    apps = App.objects.filter(is_active=True)
    used = apps.values_list("default_model__provider__slug", "alternatives__provider__slug")
    return {slug for slugs in used for slug in slugs if slug in LOCAL_PROVIDERS}


def describe(app: App) -> str:
    """Return one line about the model of an existing App, including any problem."""
    model = app.default_model
    text = f"{model.name} of {model.provider}, set in the App '{app.slug}'"
    try:
        key = model.provider.key.value()
    except NoProviderKey as error:
        text += f"; it cannot answer: {error}"
    else:
        if key and os.environ.get("OPENAI_API_KEY", key) != key and model.provider.slug == "openai":
            text += "; its stored key is not OPENAI_API_KEY: to use that key, enter it on the provider's page"
    if model.provider.slug != "openai" and _env("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        text += "; to use OPENAI_*, add a provider and a model in the admin and choose the model in the App"
    return text


def _env(*names: str) -> str:
    return next((name for name in names if os.environ.get(name)), "")


def _openai_model() -> ModelSpec | None:
    variable = _env("OPENAI_API_KEY", "OPENAI_BASE_URL")
    if not variable:
        return None
    base_url = openai_url()
    model = os.environ.get("OPENAI_MODEL", "") or _offered_model(base_url)
    return ModelSpec(
        provider_slug="openai",
        base_url=base_url,
        api_key=os.environ.get("OPENAI_API_KEY", ""),
        model_name=model[:100],
        provider_model_id=model,
        context_window=128_000,
        supports_tools=True,
        reason=f"{variable} is set",
    )


def _offered_model(base_url: str) -> str:
    """Return the default choice; if a server other than OpenAI's does not have it, return that server's first model."""
    if base_url == OPENAI_URL:
        return OPENAI_MODEL
    answer = get_json(f"{base_url}/models", token=os.environ.get("OPENAI_API_KEY", ""))
    names = _names(answer, "data", "id")
    return OPENAI_MODEL if OPENAI_MODEL in names or not names else names[0]


def _ollama_model() -> ModelSpec | None:
    names = _names(get_json(f"{OLLAMA_URL}/api/tags", direct=True), "models", "name")
    if not names:
        return None
    return ModelSpec(
        provider_slug="ollama",
        base_url=f"{OLLAMA_URL}/v1",
        api_key="",
        model_name=names[0][:100],
        provider_model_id=names[0],
        context_window=8192,  # Ollama loads models with a small window unless configured otherwise
        supports_tools=True,
        reason="Ollama is running on this machine",
    )


def _names(answer: Any, collection: str, key: str) -> list[str]:
    """Return the names in a model list such as {"data": [{"id": …}]}; empty if the data has another form."""
    items = answer.get(collection) if isinstance(answer, dict) else None
    return [str(item[key]) for item in items or [] if isinstance(item, dict) and item.get(key)]
