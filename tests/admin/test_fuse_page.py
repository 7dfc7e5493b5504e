"""The fuse of callers without a key at the console."""

from collections.abc import Callable

import pytest
from django.test import Client

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
