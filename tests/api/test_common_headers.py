"""Headers of every response, whichever handler made it: no caching, no sniffing, a request id."""

import re
import uuid
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser

from tests.client import Client
from tests.conftest import Operator
from tests.model_server import ScriptedModel, refuses
from tests.product import Server
from tests.urls import every_path
from tests.waiting import wait_until

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
GOOD: dict[str, Any] = {"params": {"message": "Hi", "public_key": "0x" + "ab" * 20, "rig": "scripted-default"}}
BAD: dict[str, Any] = {"content": b'{"message": [', "headers": {"Content-Type": "application/json"}}
FOREIGN: dict[str, Any] = {"content": b"<x/>", "headers": {"Content-Type": "text/xml", "AOMI-APP-KEY": "sk-none"}}


def is_traceable(answer: httpx2.Response) -> bool:
    ids = answer.headers.get_list("X-Request-Id")
    return len(ids) == 1 and UUID.fullmatch(ids[0]) is not None


def check(answer: httpx2.Response, *, may_be_cached: bool = False) -> None:
    where = f"{answer.request.method} {answer.request.url} {answer.status_code} {dict(answer.headers)}"
    assert answer.headers.get_list("X-Content-Type-Options") == ["nosniff"], where
    assert is_traceable(answer), where
    assert may_be_cached or answer.headers.get_list("Cache-Control") == ["no-store"], where


def log_line(server: Server, text: str) -> str:
    """The line of the log with this text, which is written once the answer is out."""
    wait_until(lambda: text in server.log)
    return next(line for line in server.log.splitlines() if text in line)


def answers(client: Client, path: str, methods: tuple[str, ...], more: dict[str, Any]) -> Iterator[httpx2.Response]:
    path = path.replace("/sessions/x", f"/sessions/{client.session_id}")
    for method in methods:
        headers = {"X-Session-Id": client.session_id, **more.get("headers", {})}
        with client.http.stream(method, path, **{**more, "headers": headers}) as answer:
            yield answer


@pytest.mark.parametrize("more", [GOOD, BAD, FOREIGN], ids=["good", "bad", "foreign"])
@pytest.mark.parametrize("path", [path for path in every_path() if not path.startswith("/admin/")])
def test_no_answer_of_any_address_may_be_cached(client: Client, path: str, more: dict[str, Any]) -> None:
    for answer in answers(client, path, METHODS, more):
        check(answer, may_be_cached=path == "/livez")


def test_no_answer_of_the_admin_may_be_cached(client: Client) -> None:
    paths = [path for path in every_path() if path.startswith("/admin/")]
    assert len(paths) > 100
    for path in paths:
        for answer in answers(client, path, ("GET", "POST"), GOOD):
            check(answer)


def test_no_page_that_an_operator_sees_may_be_cached(client: Client, operator: Operator) -> None:
    signed_in = Browser()
    signed_in.force_login(User.objects.get(username=operator.username))
    client.http.cookies.set("sessionid", signed_in.cookies["sessionid"].value)
    for path in every_path():
        if path.startswith("/admin/") and "logout" not in path:
            with client.http.stream("GET", path) as answer:  # a stream of events never ends
                check(answer)
    assert client.http.get("/admin/").status_code == 200


@pytest.mark.parametrize("path", ["/nothing", "/static/nothing.css", "/api/nothing", "/api/chat/", "//", "/admin/x"])
def test_responses_to_unknown_paths_may_not_be_cached(client: Client, path: str) -> None:
    for answer in answers(client, path, METHODS, {}):
        check(answer)


def test_preflights_are_cached_by_their_own_rule(client: Client) -> None:
    asks = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    answer = client.http.request("OPTIONS", "/api/chat", headers=asks)
    check(answer)


def test_static_files_may_be_cached(server: Server) -> None:
    answer = server.get("/static/aomi/logo.svg")
    check(answer, may_be_cached=True)
    assert "max-age" in answer.headers["Cache-Control"]


def test_streams_have_the_common_headers(client: Client) -> None:
    asks = {"X-Session-Id": client.session_id, "Accept": "text/event-stream"}
    for method, path in (("POST", "/api/chat?message=Hi"), ("GET", "/api/updates")):
        with client.http.stream(method, path, headers=asks) as answer:
            assert answer.headers["Content-Type"] == "text/event-stream"
            check(answer)


def test_early_refusals_have_the_common_headers(client: Client) -> None:
    too_long = client.request("POST", "/api/chat", content=b"x" * 1_100_000)
    assert too_long.status_code == 413
    check(too_long)
    foreign_host = client.request("GET", "/admin/", headers={"Host": "attacker.example"})
    assert foreign_host.status_code == 400
    check(foreign_host)


def test_a_problem_names_its_request(app_client: Client, model: ScriptedModel, server: Server) -> None:
    model.will(refuses(400))
    for answer in (
        app_client.post_chat("Hi"),
        app_client.request("POST", "/api/chat"),
        app_client.request("PUT", "/api/chat"),
        app_client.request("GET", "/api/nothing"),
        app_client.request("GET", "/api/state", headers={"AOMI-APP-KEY": "sk-none"}),
        app_client.request("GET", "/api/state", headers={"Host": "attacker.example"}),
        app_client.request("POST", "/api/chat", content=b"x" * 1_100_000),
    ):
        assert answer.status_code >= 400
        assert answer.json()["request_id"] == answer.headers["X-Request-Id"]
        assert log_line(server, f"id={answer.headers['X-Request-Id']}")


def test_a_callers_own_id_is_only_logged(client: Client, server: Server) -> None:
    own = uuid.uuid4().hex
    answer = client.request("GET", "/api/state", headers={"X-Request-Id": own})
    assert own not in str(answer.headers) + answer.text
    line = log_line(server, own)
    assert answer.headers["X-Request-Id"] in line
    assert line.endswith(f"caller={own}")


@pytest.mark.parametrize("own", ["a b\tc\"'%s%n", "x" * 5_000, "\x1b[31mred", "é" * 9])
def test_a_callers_request_id_cannot_forge_a_log_line(client: Client, server: Server, own: str) -> None:
    headers = {"X-Session-Id": client.session_id.encode(), "X-Request-Id": own.encode()}
    answer = client.http.get("/api/state", headers=[(name.encode(), value) for name, value in headers.items()])
    if answer.status_code != 400:  # a control character is refused with the whole head
        line = log_line(server, answer.headers["X-Request-Id"])
        assert re.fullmatch(r"[\w.:/+=@-]{1,64}", line.partition("caller=")[2])


def test_a_path_cannot_forge_a_log_line(client: Client, server: Server) -> None:
    mark = uuid.uuid4().hex
    for path in (f"/{mark}%0aFORGED%20line%1b[31m%00%E2%80%A8x", f"/api/{mark}%0d%0aFORGED"):
        answer = client.http.get(path)
        line = log_line(server, f"id={answer.headers['X-Request-Id']}")
        assert f"{mark}%0" in line
    assert not [line for line in server.log.splitlines() if line.startswith("FORGED")]
    long = client.http.get(f"/{mark}" + "x" * 50_000)
    assert len(log_line(server, f"id={long.headers['X-Request-Id']}")) < 1_000
    assert not [line for line in server.log.splitlines() if len(line) > 10_000]


def test_a_key_in_the_path_is_not_logged(client: Client, server: Server) -> None:
    secret = f"sk-app-{uuid.uuid4().hex}"
    answer = client.http.get(f"/api/key/{secret}")
    assert log_line(server, f"id={answer.headers['X-Request-Id']}")
    assert secret not in server.log


def test_a_key_in_the_wrong_header_is_not_logged(client: Client, server: Server) -> None:
    secret = f"sk-app-{uuid.uuid4().hex}"
    answer = client.request("GET", "/api/state", headers={"X-Request-Id": f"id={secret}"})
    assert log_line(server, answer.headers["X-Request-Id"])
    assert secret not in server.log
