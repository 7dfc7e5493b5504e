"""No message and no secret reaches a log or an error."""

import uuid
from collections.abc import Callable

from apps_registry.models import App, Provider
from tests import factories
from tests.client import Client
from tests.model_server import Reply, ScriptedModel, calls, refuses, says
from tests.product import Server


def test_messages_and_keys_never_reach_a_log(
    start: Callable[..., Server], app: App, model: ScriptedModel, other_app: App
) -> None:
    canary, secret = uuid.uuid4().hex, f"provider-{uuid.uuid4().hex}"
    Provider.objects.filter(models__name=model.model_id).update(api_key_env="CANARY_PROVIDER_KEY")
    pair = f"CANARY_PROVIDER_KEY={app.default_model.provider.base_url}"
    server = start(CANARY_PROVIDER_KEY=secret, PROVIDER_KEY_VARIABLES=pair, LOG_LEVEL="DEBUG")
    key = factories.make_key(app).plain
    model.will(
        says(f"reply {canary}"),
        calls(("calculate", {"expression": canary})),
        says("ok"),
        refuses(400),
        Reply([b"data: {" + canary.encode() + b"\n\n"]),
    )
    with Client(server.url, app=app.slug, key=key) as client:
        query = {"message": canary, "app": app.slug}
        statuses = [client.post_chat(canary).status_code for _ in range(4)]
        assert statuses == [200, 200, 502, 502]
        statuses = [
            client.request("POST", "/api/chat", params={**query, "app": other_app.slug}).status_code,
            client.request("POST", "/api/chat", params=query, headers={"AOMI-APP-KEY": key + "x"}).status_code,
            client.request("POST", f"/api/nothing/{'x'}", params=query).status_code,
            client.request("GET", "/api/chat", params=query).status_code,
            client.request("POST", "/api/chat", params={**query, "user_state": "{" + canary}).status_code,
            client.request("POST", "/api/chat", json={"message": canary * 2_000}).status_code,
            client.request("POST", "/api/chat", params=query, content=b"{" + canary.encode(),
                           headers={"Content-Type": "application/json"}).status_code,
            client.http.get(f"/admin/login/?next=/admin/&m={canary}").status_code,
            client.http.get(f"/nowhere?m={canary}").status_code,
            client.request("GET", "/api/state", params=query, headers={"Host": "x.example"}).status_code,
        ]  # fmt: skip
        assert statuses == [403, 401, 404, 405, 400, 413, 400, 200, 404, 400]
        assert client.state()["messages"][0]["content"] == canary
    assert model.requests[0]["headers"]["Authorization"] == f"Bearer {secret}"
    server.stop()
    assert "POST /api/chat 200" in server.log
    for forbidden in (canary, key[-20:], secret):
        assert forbidden not in server.log


def test_an_answer_never_carries_a_key(app_client: Client) -> None:
    assert app_client.key is not None
    for answer in (app_client.post_chat("Hi"), app_client.request("GET", "/api/state")):
        assert app_client.key not in answer.text + str(answer.headers)
