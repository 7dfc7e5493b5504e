"""Requests of clients and attackers: sizes, encodings, shapes, unknown paths."""

import socket
import urllib.parse

import pytest

from sessions_app.models import ChatSession
from tests.client import Client, texts
from tests.product import Server


def raw(server: Server, head: str) -> bytes:
    """Send a request head as it is and return the answer's beginning."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(head.encode("latin-1"))
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer


@pytest.mark.parametrize("bytes_", [4_000, 16_000, 60_000])
def test_long_request_lines_work(client: Client, bytes_: int) -> None:
    state = '{"ext": "' + "x" * min(bytes_ - 2_000, 60_000) + '"}'
    message = "é" * ((bytes_ - len(state)) // 6)  # six bytes per letter in the URL
    snapshot = client.chat(message or "Hi", user_state=state)
    assert snapshot["messages"][0]["content"] == (message or "Hi")


def test_request_lines_beyond_what_clients_build_work(server: Server, client: Client) -> None:
    line = f"POST /api/chat?message={'%E6%97%A5' * 30_000} HTTP/1.1\r\n"  # nine bytes per letter, 270 kB
    head = f"{line}Host: 127.0.0.1\r\nX-Session-Id: {client.session_id}\r\nConnection: close\r\n\r\n"
    assert raw(server, head).startswith(b"HTTP/1.1 200")
    assert client.state()["messages"][0]["content"] == "日" * 30_000


def test_the_message_may_be_in_the_body(client: Client) -> None:
    assert texts(client.request("POST", "/api/chat", json={"message": "in JSON"}).json())[0] == ("user", "in JSON")
    assert texts(client.request("POST", "/api/chat", data={"message": "in a form"}).json())[2] == ("user", "in a form")


def test_unicode_survives(client: Client) -> None:
    message = "naïve 日本 👩‍👩‍👧 \u202eright-to-left + & = % ?#"
    assert client.chat(message)["messages"][0]["content"] == message


@pytest.mark.parametrize("where", ["query", "body"])
def test_a_message_over_the_limit_is_413_and_not_stored(client: Client, where: str) -> None:
    assert client.request("POST", "/api/chat", json={"message": "x" * 32_000}).status_code == 200
    client.session_id = client.session_id[::-1].replace("-", "")[:8] + client.session_id[8:]
    message = {"message": "x" * 32_001}
    more = {"params": message} if where == "query" else {"json": message}
    answer = client.request("POST", "/api/chat", **more)
    assert (answer.status_code, answer.json()["code"]) == (413, "message_too_large")
    assert "32000" in answer.json()["detail"]
    assert not ChatSession.objects.filter(pk=client.session_id).exists()


def test_a_body_over_the_limit_is_413(client: Client) -> None:
    answer = client.request("POST", "/api/chat", content=b"x" * 1_100_000, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, "message_too_large")


BAD_BODIES = {
    "broken JSON": b'{"message": ',
    "a list": b'["message"]',
    "nested to death": b'{"message":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "half a surrogate pair": b'{"message": "\\ud800"}',
    "NaN": b'{"message": NaN}',
    "a number": b'{"message": 5}',
    "null": b'{"message": null}',
    "NUL": b'{"message": "a\\u0000b"}',
    "not UTF-8": b'{"message": "\xff"}',
    "blank": b'{"message": "  \\n "}',
    "an App that is a list": b'{"message": "Hi", "app": ["x"]}',
    "a huge integer": b'{"message": ' + b"9" * 5_000 + b"}",
}


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES)
def test_a_bad_body_is_400_and_nothing_is_stored(client: Client, body: bytes) -> None:
    answer = client.request("POST", "/api/chat", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request"), answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert not ChatSession.objects.filter(pk=client.session_id).exists()


@pytest.mark.parametrize("query", ["", "?message=", "?message=%20", "?message=a%00b", "?msg=Hi"])
def test_a_bad_message_is_named(client: Client, query: str) -> None:
    answer = client.request("POST", f"/api/chat{query}")
    assert answer.status_code == 400
    assert "message" in answer.json()["detail"]


def test_another_content_type_is_415(client: Client) -> None:
    answer = client.request("POST", "/api/chat", content=b"<x/>", headers={"Content-Type": "text/xml"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("path", ["/api/", "/api/none", "/api/chat/", "/api/sessions/", "/api/state/x", "/api//chat"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_unknown_paths_are_problems_and_never_redirect(client: Client, method: str, path: str) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(("method", "path"), [("GET", "/api/chat"), ("DELETE", "/api/state"), ("PUT", "/api/sessions")])
def test_a_wrong_method_is_405(client: Client, method: str, path: str) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["Allow"]


def test_options_needs_neither_key_nor_session(client: Client) -> None:
    answer = client.http.request("OPTIONS", "/api/chat")
    assert answer.status_code == 204
    assert "POST" in answer.headers["Allow"]


def test_any_accept_header_gets_json(client: Client) -> None:
    answer = client.request("GET", "/api/state", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")


def test_a_foreign_host_name_is_refused(client: Client) -> None:
    answer = client.request("GET", "/api/state", headers={"Host": "attacker.example"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


HEAD = "GET /api/state HTTP/1.1\r\nHost: 127.0.0.1\r\n"
HOSTILE = {
    "a header of 1 MB": HEAD + "X-Big: " + "x" * 1_000_000 + "\r\n\r\n",
    "3,000 headers": HEAD + "X-Many: 1\r\n" * 3_000 + "\r\n",
    "a request line of 2 MB": f"GET /api/state?{'x' * 2_000_000} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "both lengths": HEAD + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "no HTTP": "\x16\x03\x01\x02\x00\x01\r\n\r\n",
}


@pytest.mark.parametrize("head", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_head_is_refused_and_the_server_lives(server: Server, client: Client, head: str) -> None:
    try:
        answer = raw(server, head)
    except OSError:  # refused before all of it was written
        answer = b""
    assert answer == b"" or answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 431", b"HTTP/1.1 414"))
    assert client.state()["messages"] == []


def test_the_same_parameter_twice_counts_once(client: Client) -> None:
    query = urllib.parse.urlencode([("message", "first"), ("message", "last")])
    answer = client.request("POST", f"/api/chat?{query}")
    assert texts(answer.json())[0] == ("user", "last")
