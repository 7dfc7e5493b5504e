"""Which secrets an App lacks, and which may not go to a host."""

from collections.abc import Iterable, Mapping

from apps_registry.credentials.secret_hosts import refusals
from apps_registry.models import App


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
