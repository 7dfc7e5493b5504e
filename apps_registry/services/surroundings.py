"""The context of an App for tools that call other servers."""

from django.conf import settings

from apps_registry.credentials.secret_box import Keys, SecretBox
from apps_registry.http_tools.tool import Surroundings
from apps_registry.models import App
from apps_registry.services import outbound_log


def surroundings_of(app: App) -> Surroundings:
    """Return the context of an App for its tools: its secrets, and the hosts that it may call."""
    secrets = list(app.secrets.all())
    tokens, hosts = (
        {secret.name: secret.token for secret in secrets},
        {secret.name: secret.bound_hosts for secret in secrets},
    )
    return Surroundings(
        app.pk,
        SecretBox(app.pk, tokens, hosts, Keys(settings.SECRETS_KEYS)),
        app.private_hosts,
        outbound_log.store,
        app.listed_hosts,
    )
