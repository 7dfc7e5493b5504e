"""Creates the default App with its provider and model if there is none."""

from django.db import transaction

from apps_registry.builtin_tools.registry import USUAL_TOOLS
from apps_registry.credentials.header_fit import UnfitKey, key_problem
from apps_registry.models import App, Model, Provider, Tool

EMBEDDED_PROVIDER = "embedded"
PRACTICE_PROVIDER = "practice"
# Models that quickstart runs; their port changes with every start.
LOCAL_PROVIDERS = (EMBEDDED_PROVIDER, PRACTICE_PROVIDER)
DEFAULT_PREAMBLE = "You are a helpful assistant."


class ForeignModel(Exception):
    """Another provider has a model of the same name; the message says what to do."""


@transaction.atomic
def seed_default_app(
    *,
    provider_slug: str,
    base_url: str,
    api_key: str,
    model_name: str,
    provider_model_id: str,
    context_window: int,
    supports_tools: bool,
) -> tuple[App, bool]:
    """Create the default App with all built-in tools, unless there is one.

    Changes of operators are never overwritten. Only the address of a model that quickstart runs is updated, since its
    port changes with every start.

    Args:
        provider_slug: the provider's name; one of LOCAL_PROVIDERS for a model that quickstart runs.
        base_url: the address before `/chat/completions`.
        api_key: the provider's key, which is stored encrypted; empty: no key is needed.
        model_name: the name of the model for callers.
        provider_model_id: the provider's name for the model.
        context_window: maximum number of tokens of prompt and reply together.
        supports_tools: whether the model can call tools.

    Returns:
        The default App, and whether it was created.

    Raises:
        apps_registry.credentials.encryption.NoKeys: there is a key to store, and SECRETS_KEYS is empty.
        apps_registry.credentials.header_fit.UnfitKey: there is a key to store that no header can carry.
    """
    if provider_slug in LOCAL_PROVIDERS:
        Provider.objects.filter(slug=provider_slug).exclude(base_url=base_url).update(base_url=base_url)
    if existing := App.objects.filter(is_default=True).first():
        return existing, False
    provider = _make_provider(provider_slug, base_url, api_key)
    model = _make_model(provider, model_name, provider_model_id, context_window, supports_tools=supports_tools)
    return _make_default_app(model), True


@transaction.atomic
def use_local_model(
    *, provider_slug: str, base_url: str, model_name: str, context_window: int, supports_tools: bool
) -> App:
    """Make a model that quickstart runs the default App's, and create the App and the model where they are missing.

    If the App has a live release, callers meet the model once a release with it is published.

    Args:
        provider_slug: one of LOCAL_PROVIDERS.
        base_url: its current address.
        model_name: the name of the model, for callers and for the provider.
        context_window: maximum number of tokens of prompt and reply together.
        supports_tools: whether the model can call tools.

    Returns:
        The default App.

    Raises:
        ForeignModel: another provider has a model of this name.
    """
    provider, _ = Provider.objects.update_or_create(slug=provider_slug, defaults={"base_url": base_url})
    model = _make_model(provider, model_name, model_name, context_window, supports_tools=supports_tools)
    if model.provider_id != provider.pk:
        raise ForeignModel(
            f"The provider {model.provider.slug} has a model {model_name!r} already: rename that model in the admin."
        )
    app = App.objects.filter(is_default=True).first()
    if app is None:
        return _make_default_app(model)
    if app.default_model_id != model.pk:
        app.default_model = model
        app.save(update_fields=["default_model", "updated_at"])
    return app


def _make_provider(slug: str, base_url: str, api_key: str) -> Provider:
    """Return the provider; store the key if the provider has none and is at this address."""
    provider, _ = Provider.objects.get_or_create(slug=slug, defaults={"base_url": base_url})
    has_key = provider.api_key_token or provider.api_key_env
    if api_key and not has_key and provider.base_url == base_url:
        if problem := key_problem(api_key):
            raise UnfitKey(f"The provider's key {problem}.")
        provider.set_key(api_key)
        provider.save(update_fields=["api_key_token"])
    return provider


def _make_model(provider: Provider, name: str, provider_model_id: str, window: int, *, supports_tools: bool) -> Model:
    # A model that runs on this machine costs nothing; without prices no limit of money could be set.
    price = 0 if provider.slug in LOCAL_PROVIDERS else None
    defaults = {
        "prompt_price": price,
        "completion_price": price,
        "provider": provider,
        "provider_model_id": provider_model_id,
        "context_window": window,
        "supports_tools": supports_tools,
    }
    return Model.objects.select_related("provider").get_or_create(name=name, defaults=defaults)[0]


def _make_default_app(model: Model) -> App:
    app = App.objects.create(
        slug="default",
        name="Default assistant",
        is_default=True,
        preamble=DEFAULT_PREAMBLE,
        default_model=model,
        # Half of the window for the history leaves room for the preamble, the tools and the reply.
        history_budget_tokens=min(16_000, model.context_window // 2),
    )
    Tool.objects.bulk_create(Tool(app=app, name=name) for name in USUAL_TOOLS)
    return app
