"""App keys in the states that a key can be in."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.contrib.auth.models import User

from apps_registry.models import App
from keys.limits.services import set_limits
from keys.limits.values import Limits, app_subject, key_subject
from keys.models import AppKey
from keys.services import issue_key, revoke_key, rotate_key

# Label, owner, Apps, days until it expires, minutes since its last use (None: never), address of that.
KEYS = (
    ("Web shop", "Shop team", ("support",), 300, 1, "203.0.113.7"),
    ("Mobile app", "Mobile team", ("support",), 210, 4, "203.0.113.24"),
    ("Sales desktop", "Sales", ("handbook",), 120, 35, "198.51.100.12"),
    ("Nightly reports", "Data team", ("support", "handbook"), 9, 610, "192.0.2.44"),
    ("Tests of the draft", "Shop team", ("support",), 80, 130, "192.0.2.80"),
    ("Partner: returns portal", "Partners", ("support",), 45, 55, "2001:db8:4::/64"),
    ("Former agency", "Partners", ("support",), 150, 9_000, "198.51.100.99"),
    ("Kiosk trial", "Retail", ("handbook",), 30, None, ""),
)


def fill_keys(apps: dict[str, App], operator: User, now: datetime) -> dict[str, AppKey]:
    """Issue the keys; return them by label."""
    keys = {row[0]: _issue(row, apps, operator, now) for row in KEYS}
    revoke_key(keys["Former agency"], by=operator, through=AppKey.RevokedThrough.ADMIN, reason="The contract has ended")
    rotate_key(keys["Mobile app"], overlap=timedelta(hours=48), by=operator)
    shop = keys["Web shop"]
    limits = Limits(requests_per_minute=120, concurrent_turns=20, money_per_day=Decimal(5), money_per_month=Decimal(60))
    set_limits(key_subject(shop.pk), limits, apps=[apps["support"]])
    set_limits(app_subject(apps["handbook"].pk), Limits(tokens_per_day=2_000_000), apps=[apps["handbook"]])
    return keys


def _issue(
    row: tuple[str, str, tuple[str, ...], int, int | None, str], apps: dict[str, App], operator: User, now: datetime
) -> AppKey:
    label, owner, slugs, days, minutes, address = row
    scope = [apps[slug] for slug in slugs]
    channel = AppKey.Channel.DRAFT if "draft" in label else AppKey.Channel.LIVE
    expires = (now + timedelta(days=days)).replace(microsecond=0)
    key = issue_key(
        label=label, owner=owner, apps=scope, expires_at=expires, channel=channel, created_by=operator
    ).app_key
    AppKey.objects.filter(pk=key.pk).update(created_at=now - timedelta(days=66))
    if minutes is not None:
        used = {"last_used_at": now - timedelta(minutes=minutes), "last_used_app": scope[0]}
        AppKey.objects.filter(pk=key.pk).update(**used, last_used_address=address)
    return key
