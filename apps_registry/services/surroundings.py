"""What an App gives to its tools that call other servers."""

from django.conf import settings

from apps_registry.credentials.secret_box import Keys, SecretBox
from apps_registry.http_tools.tool import Surroundings
from apps_registry.models import App
from apps_registry.services import outbound_log


def surroundings_of(app: App) -> Surroundings:
    """Return what an App gives to its HTTP tools: its own secrets and the hosts that it may call."""
    secrets = list(app.secrets.all())
    tokens, hosts = {each.name: each.token for each in secrets}, {each.name: each.bound_hosts for each in secrets}
    return Surroundings(
        app.pk,
        SecretBox(app.pk, tokens, hosts, Keys(settings.SECRETS_KEYS)),
        app.private_hosts,
        outbound_log.store,
        app.listed_hosts,
    )
