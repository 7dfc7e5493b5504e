"""Creates the default App with its provider and model if there is none."""

from django.db import transaction

from apps_registry.builtin_tools.registry import USUAL_TOOLS
from apps_registry.credentials.header_fit import UnfitKey, key_problem
from apps_registry.models import App, Model, Provider, Tool

EMBEDDED_PROVIDER = "embedded"
DEFAULT_PREAMBLE = "You are a helpful assistant."


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

    Changes of operators are never overwritten. Only the address of the embedded provider is updated, since its port
    changes with every start.

    Args:
        provider_slug: the provider's name; EMBEDDED_PROVIDER for the model that this server runs.
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
    if provider_slug == EMBEDDED_PROVIDER:
        Provider.objects.filter(slug=EMBEDDED_PROVIDER).exclude(base_url=base_url).update(base_url=base_url)
    if existing := App.objects.filter(is_default=True).first():
        return existing, False
    provider, _ = Provider.objects.get_or_create(slug=provider_slug, defaults={"base_url": base_url})
    has_key = provider.api_key_token or provider.api_key_env
    if api_key and not has_key and provider.base_url == base_url:
        if problem := key_problem(api_key):
            raise UnfitKey(f"The provider's key {problem}.")
        provider.set_key(api_key)
        provider.save(update_fields=["api_key_token"])
    model, _ = Model.objects.get_or_create(
        name=model_name,
        defaults={
            "provider": provider,
            "provider_model_id": provider_model_id,
            "context_window": context_window,
            "supports_tools": supports_tools,
        },
    )
    return _make_default_app(model), True


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
