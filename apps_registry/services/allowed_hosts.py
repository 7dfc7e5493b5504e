"""The hosts of private networks that an App's tools may call."""

from django.db import transaction

from apps_registry.models import App


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
