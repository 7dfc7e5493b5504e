"""Writes to the registry that span several rows."""

import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress

from django.db import DatabaseError, transaction

from apps_registry.header_fit import UnfitKey, key_problem
from apps_registry.models import App, Model, Provider, Tool
from apps_registry.provider_key import variable_problem
from apps_registry.secret_hosts import refusals
from apps_registry.tools.registry import BUILTIN_TOOLS

logger = logging.getLogger("aomi.providers")

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
    """Make the default App with every built-in tool, unless there is one.

    What an operator changed is never overwritten. Only the embedded provider's address is brought up to
    date, since its port is chosen anew at every start.

    Args:
        provider_slug: the provider's name; EMBEDDED_PROVIDER for the model that we run ourselves.
        base_url: the address before `/chat/completions`.
        api_key: the provider's key, which is stored encrypted; empty: none is needed.
        model_name: the name under which callers see the model.
        provider_model_id: what the provider calls it.
        context_window: tokens, prompt and reply together.
        supports_tools: whether the model can call tools.

    Returns:
        The default App, and whether it was made now.

    Raises:
        apps_registry.encryption.NoKeys: there is a key to store, and SECRETS_KEYS is empty.
        apps_registry.header_fit.UnfitKey: there is a key to store that no header can carry.
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


def misdirected_secrets(app: App, names: Iterable[str], host: str) -> list[str]:
    """Return, as sentences, which of an App's secrets may not be sent to a host.

    Args:
        app: the App.
        names: of the secrets that a request carries; those that are not set yet are skipped.
        host: with its port.
    """
    bound = {secret.name: secret.bound_hosts for secret in app.secrets.filter(name__in=list(names))}
    return [f"{problem[0].upper()}{problem[1:]}." for problem in refusals(bound, bound, host)]


def secrets_to_set(app: App | None, wanted: Mapping[str, Iterable[str]]) -> list[str]:
    """Return, in words, the secrets that tools need and that are missing, or not for the tools' hosts.

    Args:
        app: the App; None: one that is not there yet.
        wanted: name -> the hosts that it is sent to.
    """
    bound = {secret.name: secret.bound_hosts for secret in app.secrets.all()} if app else {}
    lacking = {name: sorted(set(hosts) - bound.get(name, frozenset())) for name, hosts in wanted.items()}
    return [f"{name} for {' and '.join(hosts)}" for name, hosts in sorted(lacking.items()) if hosts]


def stopped_providers() -> list[str]:
    """Return, in words, each provider whose key variable may not go to its address."""
    named = Provider.objects.filter(api_key_token="").exclude(api_key_env="").order_by("slug")
    problems = {row.slug: variable_problem(row.api_key_env, row.base_url, row.key.variables) for row in named}
    return [f"the provider {slug} cannot be called: {problem}" for slug, problem in problems.items() if problem]


def warn_of_stopped_providers() -> None:
    """Log what `stopped_providers` finds; a database that cannot be asked is told of elsewhere."""
    with suppress(DatabaseError):
        for words in stopped_providers():
            logger.warning("%s", words)


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
