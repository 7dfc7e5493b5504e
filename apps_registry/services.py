"""Writes to the registry that span several rows."""

from django.db import transaction

from apps_registry.models import App, Model, Provider, Tool
from apps_registry.tools.registry import BUILTIN_TOOLS

EMBEDDED_PROVIDER = "embedded"
DEFAULT_PREAMBLE = "You are a helpful assistant."


@transaction.atomic
def seed_default_app(
    *,
    provider_slug: str,
    base_url: str,
    api_key_env: str,
    model_name: str,
    provider_model_id: str,
    context_window: int,
    supports_tools: bool,
) -> tuple[App, bool]:
    """Make the default App with every built-in tool, unless there is one.

    What an operator changed is never overwritten. Only the embedded provider's address is brought up to
    date, since its port is chosen anew at every start.

    Args:
        provider_slug: the provider's name; EMBEDDED_PROVIDER for the model that we run ourselves.
        base_url: the address before `/chat/completions`.
        api_key_env: the environment variable with the provider's key; empty: none is needed.
        model_name: the name under which callers see the model.
        provider_model_id: what the provider calls it.
        context_window: tokens, prompt and reply together.
        supports_tools: whether the model can call tools.

    Returns:
        The default App, and whether it was made now.
    """
    if provider_slug == EMBEDDED_PROVIDER:
        Provider.objects.filter(slug=EMBEDDED_PROVIDER).exclude(base_url=base_url).update(base_url=base_url)
    if existing := App.objects.filter(is_default=True).first():
        return existing, False
    provider, _ = Provider.objects.get_or_create(
        slug=provider_slug, defaults={"base_url": base_url, "api_key_env": api_key_env}
    )
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
        # Half the window for what was said before leaves room for the preamble, the tools and the reply.
        history_budget_tokens=min(16_000, model.context_window // 2),
    )
    Tool.objects.bulk_create(Tool(app=app, name=name) for name in sorted(BUILTIN_TOOLS))
    return app


@transaction.atomic
def allow_host(app: App, host: str) -> bool:
    """Let an App's tools call a host of a private network; return whether they could not before.

    Args:
        app: the App, which is brought up to date.
        host: with its port, such as 127.0.0.1:9000.
    """
    locked = App.objects.select_for_update(no_key=True).get(pk=app.pk)
    hosts = locked.allowed_hosts.split()
    is_new = host not in (each.lower() for each in hosts)
    if is_new:
        locked.allowed_hosts = "\n".join([*hosts, host])
        locked.save(update_fields=["allowed_hosts", "updated_at"])
    app.allowed_hosts = locked.allowed_hosts
    return is_new


def suggested_model() -> Model | None:
    """Return the model that a new App most likely wants: the default App's, or else the newest that calls tools."""
    usual = App.objects.select_related("default_model").filter(is_default=True).first()
    able = Model.objects.filter(supports_tools=True).order_by("-pk")
    if usual is not None and (usual.default_model.supports_tools or not able.exists()):
        return usual.default_model
    return able.first()
