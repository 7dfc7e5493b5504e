"""Finds secrets that an App lacks, and secrets that must not be sent to a host."""

from collections.abc import Iterable, Mapping

from apps_registry.credentials.secret_hosts import refusals
from apps_registry.models import App


def misdirected_secrets(app: App, names: Iterable[str], host: str) -> list[str]:
    """Return one sentence for each of an App's secrets that must not be sent to a host.

    Args:
        app: the App.
        names: names of the secrets in a request; secrets that are not set are skipped.
        host: the host with its port.
    """
    bound = {secret.name: secret.bound_hosts for secret in app.secrets.filter(name__in=list(names))}
    return [f"{problem[0].upper()}{problem[1:]}." for problem in refusals(bound, bound, host)]


def secrets_to_set(app: App | None, needed: Mapping[str, Iterable[str]]) -> list[str]:
    """Return, in words, the secrets that tools need and that are missing or not allowed for the tools' hosts.

    Args:
        app: the App; None: it does not exist yet.
        needed: hosts that a secret is sent to, by name.
    """
    bound = {secret.name: secret.bound_hosts for secret in app.secrets.all()} if app else {}
    lacking = {name: sorted(set(hosts) - bound.get(name, frozenset())) for name, hosts in needed.items()}
    return [f"{name} for {' and '.join(hosts)}" for name, hosts in sorted(lacking.items()) if hosts]
