"""The budget of a key holds at every door, whatever its protocol calls a turn."""

from typing import Any

import pytest

from keys.limits.values import key_subject
from tests import factories
from tests.accounts import limit, state
from tests.client import Client
from tests.model_server import ModelServer, ScriptedModel, says
from tests.product import Server

BUDGET = 10_000


def body_of(door: str, slug: str) -> dict[str, Any]:
    """Return a request for one turn."""
    if door == "/v1/responses":
        return {"model": slug, "input": "Hi"}
    if door == "/v1/chat/completions":
        return {"model": slug, "messages": [{"role": "user", "content": "Hi"}]}
    params = {"name": f"ask_{slug}", "arguments": {"message": "Hi"}}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


@pytest.mark.parametrize(
    ("door", "status", "code"),
    [
        ("/v1/chat/completions", 429, "insufficient_quota"),
        ("/v1/responses", 429, "insufficient_quota"),
        ("/mcp", 200, "budget_exhausted"),
    ],
)
def test_a_spent_budget_refuses_the_next_turn(
    server: Server, model_server: ModelServer, door: str, status: int, code: str
) -> None:
    """MCP reports refusals in the result of the tool, so that the model that made the call can read them."""
    app = factories.make_app(base_url=model_server.base_url, max_reply_tokens=100)
    model = ScriptedModel(model_server, app.default_model.provider_model_id)
    key = factories.make_key(app)
    subject = key_subject(key.app_key.pk)
    limit(subject, tokens_per_day=BUDGET)
    model.will(says("Hello.", prompt_tokens=BUDGET))
    with Client(server.url) as client:
        bearer = {"Authorization": f"Bearer {key.plain}"}
        passed, refused = (client.request("POST", door, json=body_of(door, app.slug), headers=bearer) for _ in range(2))
    assert (passed.status_code, "Hello." in passed.text) == (200, True), passed.text
    assert (refused.status_code, code in refused.text) == (status, True), refused.text
    assert refused.headers["RateLimit-Policy"].startswith('"tokens_per_day"')
    assert len(model.requests) == 1
    assert (state(subject).running_turns, state(subject).reserved_tokens) == (0, 0)
