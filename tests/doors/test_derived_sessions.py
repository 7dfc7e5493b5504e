"""A repeated Idempotency-Key finds a session that the server made, but never another visitor's."""

from typing import Any

from apps_registry.models import App
from sessions_app.models import ChatSession
from tests import factories
from tests.api.token_calls import Page, new_token
from tests.product import Server


def sessions_after(page: Page, app: App, path: str, body: dict[str, Any]) -> int:
    response = page.request("POST", path, json=body, headers={"X-Session-Id": None, "Idempotency-Key": "1"})  # type: ignore[dict-item]
    assert response.status_code == 200, response.text
    return ChatSession.objects.filter(app=app).count()


def test_visitors_with_tokens_of_one_key_do_not_share_a_session(server: Server, app: App) -> None:
    key = factories.make_key(app).plain
    completion = {"model": app.slug, "messages": [{"role": "user", "content": "Hi"}]}
    arguments = {"name": f"ask_{app.slug}", "arguments": {"message": "Hi"}}
    call = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": arguments}
    visitors = [Page(server.url, new_token(server, key, app=app.slug, expires_in=seconds)) for seconds in (600, 700)]
    counts = []
    for path, body in (("/v1/chat/completions", completion), ("/mcp", call)):
        for visitor in visitors:
            counts += [sessions_after(visitor, app, path, body) for _ in range(2)]
    for visitor in visitors:
        visitor.http.close()
    assert counts == [1, 1, 2, 2, 3, 3, 4, 4]
