"""Incorrect bodies that clients really send: the response says what is wrong, and nothing is stored."""

import pytest

from sessions_app.models import ChatSession
from tests.client import Client, texts
from tests.seen.bodies import BODIES, Body


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_an_incorrect_body_is_read_or_refused_with_the_reason(client: Client, body: Body) -> None:
    answer = client.request("POST", "/api/chat", content=body.data, headers={"Content-Type": body.kind})  # type: ignore[dict-item]
    if body.refused:
        assert answer.status_code == body.status, answer.text
        assert body.refused in answer.json()["detail"]
        assert not ChatSession.objects.filter(pk=client.session_id).exists()
    else:
        assert texts(answer.json())[0] == ("user", body.message)
