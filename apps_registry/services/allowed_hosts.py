"""Allows hosts in private networks for the tools of an App."""

from django.db import transaction

from apps_registry.models import App


@transaction.atomic
def allow_host(app: App, host: str) -> bool:
    """Allow an App's tools to call a host in a private network; return whether it was not allowed before.

    Args:
        app: the App; the object is updated.
        host: the host with its port, such as 127.0.0.1:9000.
    """
    locked = App.objects.select_for_update(no_key=True).get(pk=app.pk)
    hosts = locked.allowed_hosts.split()
    is_new = host not in (allowed_host.lower() for allowed_host in hosts)
    if is_new:
        locked.allowed_hosts = "\n".join([*hosts, host])
        locked.save(update_fields=["allowed_hosts", "updated_at"])
    app.allowed_hosts = locked.allowed_hosts
    return is_new
