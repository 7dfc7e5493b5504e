"""The fuse of callers without a key at the console."""

import re
from collections.abc import Callable

import pytest
from django.conf import settings
from django.test import Client

from keys.limits.fuse import pull_fuse, read_fuse, reset_fuse
from keys.limits.values import KEYLESS
from keys.models import LimitState

FUSE = "/admin/keys/fusestate/"


@pytest.mark.usefixtures("fuse")
def test_operators_see_and_pull_the_fuse_in_the_console(
    admin_client: Client, staff_client: Callable[..., Client]
) -> None:
    assert "The fuse is closed" in admin_client.get(FUSE).content.decode()
    assert admin_client.post(FUSE, {"pull": "1", "hours": "24"}).status_code == 302
    assert "The fuse is open" in admin_client.get(FUSE).content.decode()
    viewer = staff_client("view_fusestate")
    assert "The fuse is open" in viewer.get(FUSE).content.decode()
    assert viewer.post(FUSE, {"reset": "1"}).status_code == 403
    assert staff_client("view_limitstate").get(FUSE).status_code == 403
    admin_client.post(FUSE, {"reset": "1"})
    assert "The fuse is closed" in admin_client.get(FUSE).content.decode()


@pytest.mark.usefixtures("fuse")
def test_a_reset_keeps_the_days_count_unless_its_limit_is_used_up(admin_client: Client) -> None:
    def tokens() -> str:
        (shown,) = re.findall(r"Tokens today: ([\d,]+) of", admin_client.get(FUSE).content.decode())
        return str(shown)

    reset_fuse()
    pull_fuse()  # creates the row
    LimitState.objects.filter(subject=KEYLESS, slot=0).update(day_tokens=5_080)
    admin_client.post(FUSE, {"reset": "1"})
    assert tokens() == "5,080"
    admin_client.post(FUSE, {"pull": "1", "hours": "1"})
    LimitState.objects.filter(subject=KEYLESS, slot=0).update(day_tokens=settings.KEYLESS_TOKENS_PER_DAY)
    admin_client.post(FUSE, {"reset": "1"})  # without the pull, the limit would refuse them
    assert (tokens(), read_fuse().opened_by) == ("0", "")
