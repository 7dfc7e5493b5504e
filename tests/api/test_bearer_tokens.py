"""`Authorization: Bearer`: App keys are accepted, and tokens of other systems are ignored."""

import httpx2
import pytest

from apps_registry.models import App
from tests import factories
from tests.client import Client


@pytest.fixture
def key(app: App) -> str:
    return factories.make_key(app).plain


def names(answer: httpx2.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return list(answer.json())


def apps(client: Client, *headers: tuple[str, str]) -> httpx2.Response:
    sent = [("X-Session-Id", client.session_id), *headers]
    return client.http.get("/api/control/apps", headers=[(name.encode(), value.encode()) for name, value in sent])


@pytest.mark.parametrize("form", ["Bearer {}", "bearer {}", "BEARER  {}", "Bearer\t{}"])
def test_an_app_key_may_be_a_bearer_token(client: Client, app: App, key: str, form: str) -> None:
    assert names(apps(client, ("Authorization", form.format(key)))) == ["default", app.slug]
    chat = {"message": "Hi", "app": app.slug}
    answer = client.request("POST", "/api/chat", params=chat, headers={"Authorization": form.format(key)})
    assert (answer.status_code, answer.json()["app"]) == (200, app.slug)


@pytest.mark.parametrize(
    "value",
    [
        *("Bearer sk-nope", "Bearer bt-nope", "bearer sk-", "sk-nope", "Bearer sk-a b", 'Bearer "sk-nope"'),
        *("Basic sk-nope", "AppKey sk-nope", "Bearer sk-a,Bearer sk-b", "Bearer x, Bearer sk-nope"),
    ],
)
def test_a_wrong_key_is_refused_even_on_the_default_app(client: Client, value: str) -> None:
    answer = client.request("POST", "/api/chat", params={"message": "Hi"}, headers={"Authorization": value})
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_app_key")
    assert answer.headers["WWW-Authenticate"] == "AppKey"


@pytest.mark.parametrize(
    "value",
    ["Bearer eyJhbGciOi.eyJzdWIiOi-sk-x.c2ln", "Bearer none", "Bearer", "", "Basic dTpw", "Digest a=1, b=2"],
)
def test_another_systems_token_is_ignored(client: Client, app: App, key: str, value: str) -> None:
    assert names(apps(client, ("Authorization", value))) == ["default"]
    assert names(apps(client, ("Authorization", value), ("AOMI-APP-KEY", key))) == ["default", app.slug]


def test_the_same_key_twice_is_fine_and_two_keys_are_not(client: Client, app: App, key: str) -> None:
    other = factories.make_key(app).plain
    bearer, header = ("Authorization", f"Bearer {key}"), ("AOMI-APP-KEY", key)
    for twice in ((bearer, header), (header, header), (bearer, bearer), (header, ("aomi-app-key", key))):
        assert names(apps(client, *twice)) == ["default", app.slug]
    for differ in (
        (bearer, ("AOMI-APP-KEY", other)),
        (header, ("AOMI-APP-KEY", other)),
        (bearer, ("Authorization", f"Bearer {other}")),
        (header, ("Authorization", "Bearer bt-nope")),
        (bearer, ("AOMI-APP-KEY", "")),
    ):
        assert apps(client, *differ).status_code == 401


def test_the_metrics_token_is_not_an_app_key(client: Client) -> None:
    headers = {"Authorization": "Bearer metrics-token-of-the-tests"}
    assert client.http.get("/metrics", headers=headers).status_code == 200
